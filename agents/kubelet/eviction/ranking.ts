/** Which pod goes first when something runs short. Mirrors rankMemoryPressure, rankDiskPressureFunc and rankPIDPressure (pkg/kubelet/eviction/helpers.go). Pure. */
import { toNumber } from '../../../src/api/quantity.ts'
import type { Pod } from '../../../src/api/types.ts'
import { podRequests } from '../resources.ts'
import type { Resource } from './threshold.ts'

export interface ContainerUse { name: string; memoryBytes?: number; diskBytes?: number; inodes?: number }

export interface PodUse {
  memoryBytes?: number
  diskBytes?: number
  inodes?: number
  processes?: number
  containers: readonly ContainerUse[]
}

const requested = (pod: Pod, resource: Resource): number => (resource === 'memory' || resource === 'ephemeral-storage' ? toNumber(podRequests(pod)[resource] ?? '0') : 0)

export const usedOf = (use: PodUse | undefined, resource: Resource): number | undefined =>
  ({ memory: use?.memoryBytes, 'ephemeral-storage': use?.diskBytes, inodes: use?.inodes, pids: use?.processes })[resource]

/** The first is the first to go: who uses more than it asked for, then lower priority, then who uses most beyond its request. Of whom nothing is known goes before all others. */
export const rankForEviction = (pods: readonly Pod[], useOf: (pod: Pod) => PodUse | undefined, resource: Resource): Pod[] => {
  const facts = pods.map((pod) => {
    const used = usedOf(useOf(pod), resource)
    return { pod, unknown: used === undefined, over: (used ?? 0) - requested(pod, resource), priority: pod.spec.priority ?? 0 }
  })
  const exceeds = ({ over }: { over: number }): number => (resource === 'pids' ? 0 : Number(over > 0))
  return facts.sort((left, right) => Number(right.unknown) - Number(left.unknown) || exceeds(right) - exceeds(left) || left.priority - right.priority || right.over - left.over).map(({ pod }) => pod)
}
