/** Whether a pod asks for AppArmor. Mirrors pkg/security/apparmor: a machine that cannot enforce a profile does not run the pod. Pure. */
import type { Container, Pod } from '../../src/api/types.ts'

const annotationOf = (container: string): string => `container.apparmor.security.beta.kubernetes.io/${container}`

const wants = ({ metadata, spec }: Pod, { name, securityContext }: Container): boolean => {
  const type = securityContext?.appArmorProfile?.type
  if (type !== undefined) return type !== 'Unconfined'
  // Pods of before there was a field: an annotation comes before what the whole pod says.
  const annotations = metadata.annotations ?? {}
  const annotated = Object.hasOwn(annotations, annotationOf(name)) ? annotations[annotationOf(name)] : undefined
  if (annotated) return annotated !== 'unconfined'
  return (spec.securityContext?.appArmorProfile?.type ?? 'Unconfined') !== 'Unconfined'
}

/** Why the pod is not admitted; undefined: it asks for nothing that this machine would have to enforce. `enabled`: whether the kernel has AppArmor. */
export const appArmorProblem = (pod: Pod, enabled: boolean): string | undefined => {
  const all: Container[] = [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])]
  if (!all.some((container) => wants(pod, container))) return undefined
  return `Cannot enforce AppArmor: ${enabled ? 'this kubelet applies no AppArmor profiles' : 'AppArmor is not enabled on the host'}`
}
