/** What the scheduler writes into a pod's status. Mirrors `schedule_one.go: updatePod` and `framework/preemption: prepareCandidate`. */
import { timestamp } from '../api/clock.ts'
import { Pods } from '../api/kinds.ts'
import type { JsonObject } from '../api/meta.ts'
import type { Pod, PodCondition } from '../api/types.ts'
import type { Client } from '../client/client.ts'

type Wanted = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>

/** The condition as it is to be written, or undefined when the pod has it already. */
export const conditionChange = (pod: Pod, wanted: Wanted, now: Date): JsonObject | undefined => {
  const before = pod.status.conditions?.find(({ type }) => type === wanted.type)
  if (before && before.status === wanted.status && before.reason === wanted.reason && before.message === wanted.message) return undefined
  const lastTransitionTime = before?.status === wanted.status && before.lastTransitionTime ? before.lastTransitionTime : timestamp(now)
  const { generation } = pod.metadata
  return { ...wanted, lastProbeTime: null, lastTransitionTime, ...(generation !== undefined && { observedGeneration: generation }) }
}

/** Writes the condition, and where the pod is nominated to (null: nowhere any more), if that is new. */
export const patchPodStatus = async (client: Client, pod: Pod, { condition, nominatedNodeName, now, signal }: { condition: Wanted; nominatedNodeName?: string | null | undefined; now: Date; signal: AbortSignal }): Promise<void> => {
  const change = conditionChange(pod, condition, now)
  const nominates = nominatedNodeName !== undefined && (nominatedNodeName ?? undefined) !== (pod.status.nominatedNodeName || undefined)
  if (!change && !nominates) return
  const { uid, name, namespace } = pod.metadata
  const status: JsonObject = { ...(change && { conditions: [change as never] }), ...(nominates && { nominatedNodeName }) }
  await client.patch(Pods, { namespace, name }, { type: 'strategic', body: { metadata: { uid }, status } }, { subresource: 'status', signal })
}
