/** Facts about a pod that many parts of the kubelet ask for. Mirrors upstream's pkg/api/v1/pod and pkg/kubelet/types. */
import { hasPodLevelResources } from '../../src/api/pod-resources.ts'
import { compareQuantities, isZero } from '../../src/api/quantity.ts'
import type { Container, ContainerStatus, Pod, PodStatus } from '../../src/api/types.ts'

export const configSourceAnnotation = 'kubernetes.io/config.source'
export const configHashAnnotation = 'kubernetes.io/config.hash'
export const configMirrorAnnotation = 'kubernetes.io/config.mirror'
export const configSeenAnnotation = 'kubernetes.io/config.seen'

export type ContainerRole = 'init' | 'sidecar' | 'main' | 'ephemeral'

/** A container of the pod with its part in the pod's life. */
export interface RoledContainer { role: ContainerRole; container: Container }

const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'

export const isStaticPod = (pod: Pod): boolean => {
  const source = pod.metadata.annotations?.[configSourceAnnotation]
  return source !== undefined && source !== 'api'
}
export const isMirrorPod = (pod: Pod): boolean => pod.metadata.annotations?.[configMirrorAnnotation] !== undefined

const systemCriticalPriority = 2_000_000_000

/** Never evicted: upstream's IsCriticalPod. */
export const isCriticalPod = (pod: Pod): boolean => isStaticPod(pod) || isMirrorPod(pod) || (pod.spec.priority ?? 0) >= systemCriticalPriority

/** `name_namespace(uid)`: upstream's format.Pod, as events and messages name a pod. */
export const describePod = (pod: Pod): string => `${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid})`

export const isTerminalPhase = (status: Pick<PodStatus, 'phase'>): boolean => status.phase === 'Succeeded' || status.phase === 'Failed'

export const initContainersOf = (pod: Pod): RoledContainer[] =>
  (pod.spec.initContainers ?? []).map((container) => ({ role: isSidecar(container) ? 'sidecar' : 'init', container }))
export const mainContainersOf = (pod: Pod): RoledContainer[] => pod.spec.containers.map((container) => ({ role: 'main', container }))
export const ephemeralContainersOf = (pod: Pod): RoledContainer[] =>
  // EphemeralContainerCommon has the fields of Container, field by field, so that it can be run as one.
  (pod.spec.ephemeralContainers ?? []).map((container) => ({ role: 'ephemeral', container: container as Container }))

/** All of them, in the order in which they may start. */
export const containersOf = (pod: Pod): RoledContainer[] => [...initContainersOf(pod), ...ephemeralContainersOf(pod), ...mainContainersOf(pod)]
export const findContainer = (pod: Pod, name: string): RoledContainer | undefined => containersOf(pod).find(({ container }) => container.name === name)

/** The object's part that an event of a container is about. */
export const fieldPathOf = ({ role, container }: RoledContainer): string =>
  `spec.${role === 'main' ? 'containers' : role === 'ephemeral' ? 'ephemeralContainers' : 'initContainers'}{${container.name}}`

export const statusesOf = (status: PodStatus): ContainerStatus[] =>
  [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? []), ...(status.ephemeralContainerStatuses ?? [])]

/** How long its containers are given to stop: what the deletion asked for, else the spec; never below upstream's minimum of one second. */
export const graceSecondsOf = (pod: Pod): number =>
  Math.max(1, pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30)

/** Mirrors upstream's ComputePodQOS: over CPU and memory of containers and init containers, or of the pod as a whole where it says so. */
export const qosClassOf = (pod: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' => {
  const containers = hasPodLevelResources(pod.spec) ? [pod.spec] : [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  const amounts = containers.map(({ resources }) => ({ requests: supported(resources?.requests), limits: supported(resources?.limits) }))
  if (amounts.every(({ requests, limits }) => Object.keys(requests).length === 0 && Object.keys(limits).length === 0)) return 'BestEffort'
  const guaranteed = amounts.every(({ requests, limits }) => ['cpu', 'memory'].every((name) => {
    const limit = limits[name]
    return limit !== undefined && compareQuantities(requests[name] ?? limit, limit) === 0
  }))
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

const supported = (amounts: Record<string, string> | undefined): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(amounts ?? {}).filter(([name, amount]) => (name === 'cpu' || name === 'memory') && !isZero(amount)))
