/** Whether an update of a pod can change what the Pod Security Standards say of it. Mirrors isSignificantPodUpdate of `pod-security-admission/admission/admission.go`. */
import type { Pod } from '../../../api/types.ts'

const seccompPrefix = 'container.seccomp.security.alpha.kubernetes.io/'
interface Named { name: string; image?: string | undefined }

export const isSignificantUpdate = (pod: Pod, old: Pod): boolean => {
  const annotation = ({ metadata }: Pod, name: string): string => metadata.annotations?.[`${seccompPrefix}${name}`] ?? ''
  const isChanged = (container: Named, before: Named | undefined): boolean => container.image !== before?.image || annotation(pod, container.name) !== annotation(old, container.name)
  const lists = (['containers', 'initContainers'] as const).map((list): [Named[], Named[]] => [pod.spec[list] ?? [], old.spec[list] ?? []])
  if (lists.some(([now, before]) => now.length !== before.length || now.some((container, index) => isChanged(container, before[index])))) return true
  // Ephemeral containers may be in another order.
  return (pod.spec.ephemeralContainers ?? []).some((container) => isChanged(container, old.spec.ephemeralContainers?.find(({ name }) => name === container.name)))
}
