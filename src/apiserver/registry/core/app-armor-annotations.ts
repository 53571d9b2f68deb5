/** AppArmor's annotations of old become the field that took their place. Mirrors applyAppArmorVersionSkew of upstream's `pkg/registry/core/pod/strategy.go` (since v1.34 in this direction only). */
import { deepEqual } from '../../../api/equal.ts'
import type { AppArmorProfile, Container, Pod } from '../../../api/types.ts'

const keyPrefix = 'container.apparmor.security.beta.kubernetes.io/'
const localhostPrefix = 'localhost/'

/** Undefined: the annotation says nothing that the field could. */
const profileOf = (annotation: string): AppArmorProfile | undefined => {
  if (annotation === 'unconfined') return { type: 'Unconfined' }
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' }
  const localhostProfile = annotation.startsWith(localhostPrefix) ? annotation.slice(localhostPrefix.length) : ''
  // As the field's own validation: a name without blanks around it, and not without end.
  return localhostProfile === '' || localhostProfile.trim() !== localhostProfile || localhostProfile.length > 4095 ? undefined : { type: 'Localhost', localhostProfile }
}

interface Told { container: Pick<Container, 'name' | 'securityContext'>; key: string; profile: AppArmorProfile | undefined }

/** Containers whose annotation speaks and whose field does not. */
const toldByAnnotation = ({ metadata, spec }: Pod): Told[] => (spec.os?.name === 'windows' ? [] : ([...spec.initContainers ?? [], ...spec.containers ?? [], ...spec.ephemeralContainers ?? []] as Told['container'][]).flatMap((container) => {
  const key = `${keyPrefix}${container.name}`
  const annotation = metadata.annotations && Object.hasOwn(metadata.annotations, key) ? metadata.annotations[key] : undefined
  return annotation === undefined || container.securityContext?.appArmorProfile ? [] : [{ container, key, profile: profileOf(annotation) }]
}))

/** Changes a new pod's containers; what to warn of. */
export const applyAppArmorAnnotations = (pod: Pod): string[] => toldByAnnotation(pod).flatMap(({ container, key, profile }) => {
  // Where the pod says the same, nothing is to be said twice.
  if (profile && deepEqual(profile, pod.spec.securityContext?.appArmorProfile)) return []
  if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile }
  return [`metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`]
})
