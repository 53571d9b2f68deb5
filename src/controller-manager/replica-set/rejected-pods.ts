/**
 * How long a ReplicaSet waits before it replaces pods that kubelets have rejected. Upstream replaces them as fast as its client may write, which is how a template that no node takes
 * becomes thousands of pods; here each round waits longer, as upstream's DaemonSet controller does it.
 */
import type { Pod } from '../../api/types.ts'

const windowMilliseconds = 600_000
const firstMilliseconds = 1000
const longestMilliseconds = 60_000

/** A kubelet has ended it before any of its containers was there. */
const isRejected = ({ status }: Pod): boolean => status?.phase === 'Failed' && (status.containerStatuses ?? []).length === 0 && (status.initContainerStatuses ?? []).length === 0 && status.startTime !== undefined

/** Milliseconds; 0: now. A few that lose a race for room are replaced at once: what counts is how often as many as are wanted were rejected in the last ten minutes. */
export const waitAfterRejections = (pods: readonly Pod[], replicas: number, now: Date): number => {
  const times = pods.filter(isRejected).map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '')).filter((time) => now.getTime() - time < windowMilliseconds)
  const rounds = Math.floor(times.length / Math.max(1, replicas))
  if (rounds === 0) return 0
  const delay = Math.min(firstMilliseconds * 2 ** Math.min(rounds - 1, 20), longestMilliseconds)
  return Math.max(0, Math.max(...times) + delay - now.getTime())
}
