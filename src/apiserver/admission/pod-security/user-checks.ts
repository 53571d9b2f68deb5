/** Restricted: not root, and no way to become it. Mirrors `policy/check_{allowPrivilegeEscalation,runAsNonRoot,runAsUser}.go`. */
import { hasOwnUsers, isWindows, namesWhere, setters, theContainers, type Check } from './check.ts'

const noEscalation: Check = ({ spec }) => {
  const names = namesWhere(spec, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)
  return names.length > 0 ? { reason: 'allowPrivilegeEscalation != false', detail: `${theContainers(names)} must set securityContext.allowPrivilegeEscalation=false` } : undefined
}

const nonRoot: Check = ({ spec }) => {
  const reason = 'runAsNonRoot != true'
  const ofPod = spec.securityContext?.runAsNonRoot
  const who = setters(ofPod === false, namesWhere(spec, ({ securityContext }) => securityContext?.runAsNonRoot === false))
  if (who) return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` }
  const silent = ofPod ? [] : namesWhere(spec, ({ securityContext }) => securityContext?.runAsNonRoot === undefined)
  return silent.length > 0 ? { reason, detail: `pod or ${theContainers(silent)} must set securityContext.runAsNonRoot=true` } : undefined
}

const notUserZero: Check = ({ spec }) => {
  const who = setters(spec.securityContext?.runAsUser === 0, namesWhere(spec, ({ securityContext }) => securityContext?.runAsUser === 0))
  return who ? { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` } : undefined
}

const unlessOwnUsers = (check: Check): Check => (pod) => (hasOwnUsers(pod.spec) ? undefined : check(pod))

export const allowPrivilegeEscalation = { v1_8: noEscalation, v1_25: ((pod) => (isWindows(pod.spec) ? undefined : noEscalation(pod))) satisfies Check }
export const runAsNonRoot = { v1_0: nonRoot, v1_35: unlessOwnUsers(nonRoot) }
export const runAsUser = { v1_23: notUserZero, v1_35: unlessOwnUsers(notUserZero) }
