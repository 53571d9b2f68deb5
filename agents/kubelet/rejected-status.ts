/** The status of a pod that this machine does not take. Pure. Mirrors rejectPod (pkg/kubelet/kubelet.go). */
import { timestamp } from '../../src/api/clock.ts'
import type { Pod, PodStatus } from '../../src/api/types.ts'
import { mergeConditions, ownedConditions } from './conditions.ts'
import { qosClassOf } from './pod.ts'

export const rejectedStatus = (pod: Pod, old: PodStatus, { reason, message }: { reason: string; message: string }, now: Date): PodStatus => {
  const kept = (old.conditions ?? []).filter(({ type }) => type !== 'Ready' && type !== 'ContainersReady')
  const failed = mergeConditions(old.conditions ?? [], [{ type: 'Ready', status: 'False', reason: 'PodFailed' }, { type: 'ContainersReady', status: 'False', reason: 'PodFailed' }],
    { now: timestamp(now), observedGeneration: pod.metadata.generation }).filter(({ type }) => ownedConditions.includes(type))
  return {
    phase: 'Failed', reason, message: `Pod was rejected: ${message}`, conditions: [...kept, ...failed], qosClass: old.qosClass ?? qosClassOf(pod),
    startTime: old.startTime ?? timestamp(now), ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
  }
}
