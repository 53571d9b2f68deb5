/** A Job's pods: which have ended, and how. Mirrors pkg/controller/job/job_controller.go. */
import { Pods } from '../../api/kinds.ts'
import { isNotFound } from '../../api/status.ts'
import type { Job, Pod } from '../../api/types.ts'
import type { Action } from '../../client/action.ts'

/** Keeps a pod that has ended until its Job's status has counted it. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'

export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) ?? false

export const releaseFinalizer = ({ metadata }: Pod): Action => ({
  do: 'patch', kind: Pods, at: { name: metadata.name, namespace: metadata.namespace }, tolerate: isNotFound,
  patch: { type: 'strategic', body: { metadata: { uid: metadata.uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } } },
})

/** Whether a pod is replaced only once it has really ended, not as soon as its deletion begins. */
export const replacesOnlyFailed = ({ spec }: Job): boolean => spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined

export const hasSucceeded = ({ status }: Pod): boolean => status.phase === 'Succeeded'

/** Failed, or, where that is enough, being deleted before it succeeded. */
export const hasFailed = (pod: Pod, job: Job): boolean =>
  pod.status.phase === 'Failed' || (!replacesOnlyFailed(job) && pod.metadata.deletionTimestamp !== undefined && !hasSucceeded(pod))

/** When a pod ended, in milliseconds of the epoch: when its last container did, or else the best that is known. */
export const finishedAt = (pod: Pod, now: Date): number => {
  const ends = (pod.status.containerStatuses ?? []).flatMap(({ state }) => state?.terminated?.finishedAt ?? [])
  const known = ends.length > 0 ? ends : [pod.metadata.deletionTimestamp ?? pod.status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '']
  return Math.max(...known.map((each) => Date.parse(each) || now.getTime()))
}

const firstBackOffMilliseconds = 10_000
const longestBackOffMilliseconds = 600_000

/** Milliseconds until a pod may replace one that failed: 10 s after the first failure since a success, doubled with each. Mirrors pkg/controller/job/backoff_utils.go. */
export const backOff = (pods: readonly Pod[], job: Job, now: Date): number => {
  const lastSuccess = Math.max(-Infinity, ...pods.filter(hasSucceeded).map((pod) => finishedAt(pod, now)))
  const failures = pods.filter((pod) => hasFailed(pod, job)).map((pod) => finishedAt(pod, now)).filter((at) => at > lastSuccess)
  return failures.length === 0 ? 0 : millisecondsAfterFailures(failures.length, Math.max(...failures), now)
}

/** What is left of the wait after so many failures, the last of them at `last`. */
export const millisecondsAfterFailures = (failures: number, last: number, now: Date): number =>
  Math.max(0, last + Math.min(firstBackOffMilliseconds * 2 ** (failures - 1), longestBackOffMilliseconds) - now.getTime())
