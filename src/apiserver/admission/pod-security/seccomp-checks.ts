/** Baseline forbids to switch seccomp off, restricted wants a profile. Mirrors `policy/check_seccompProfile_{baseline,restricted}.go`. */
import type { Container } from '../../../api/types.ts'
import { containersOf, isWindows, namesWhere, plural, quoted, setters, sortedSet, theContainers, type Check, type Finding, type Inspected } from './check.ts'

const podAnnotation = 'seccomp.security.alpha.kubernetes.io/pod'
const containerAnnotation = (name: string): string => `container.seccomp.security.alpha.kubernetes.io/${name}`
const isAllowedAnnotation = (value: string): boolean => value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/')

/** Before policy version 1.19, profiles were annotations. */
const annotated: Check = ({ annotations = {}, spec }) => {
  const wrong = sortedSet([podAnnotation, ...containersOf(spec).map(({ name }) => containerAnnotation(name))].flatMap((key) => {
    const value = Object.hasOwn(annotations, key) ? annotations[key] : undefined
    return value === undefined || isAllowedAnnotation(value) ? [] : [`${key}=${JSON.stringify(value)}`]
  }))
  return wrong.length > 0 ? { reason: 'seccompProfile', detail: `forbidden ${plural(wrong.length, 'annotation')} ${wrong.join(', ')}` } : undefined
}

type Profile = { type: string } | undefined
const profileOf = ({ securityContext }: Container): Profile => securityContext?.seccompProfile
const isForbidden = (profile: Profile): boolean => profile !== undefined && profile.type !== 'RuntimeDefault' && profile.type !== 'Localhost'

const explicitlyBad = ({ spec }: Inspected): Finding | undefined => {
  const ofPod: Profile = spec.securityContext?.seccompProfile
  const who = setters(isForbidden(ofPod), namesWhere(spec, (container) => isForbidden(profileOf(container))))
  const types = sortedSet([ofPod, ...containersOf(spec).map(profileOf)].flatMap((profile) => (profile && isForbidden(profile) ? [profile.type] : [])))
  return who ? { reason: 'seccompProfile', detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(types)}` } : undefined
}

const required: Check = (pod) => {
  const bad = explicitlyBad(pod)
  if (bad || pod.spec.securityContext?.seccompProfile) return bad
  const names = namesWhere(pod.spec, (container) => profileOf(container) === undefined)
  return names.length > 0 ? { reason: 'seccompProfile', detail: `pod or ${theContainers(names)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` } : undefined
}

export const seccompBaseline = { v1_0: annotated, v1_19: explicitlyBad }
export const seccompRestricted = { v1_19: required, v1_25: ((pod) => (isWindows(pod.spec) ? undefined : required(pod))) satisfies Check }
