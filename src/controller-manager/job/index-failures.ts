/** Jobs whose indexes fail one by one (`backoffLimitPerIndex`). Mirrors pkg/controller/job/indexed_job_utils.go and backoff_utils.go. */
import type { Job, Pod } from '../../api/types.ts'
import { isPodActive } from '../pod.ts'
import { judgeFailure } from './failure-policy.ts'
import { formatIndexes, indexOf, isIndexed, parseIndexes } from './indexes.ts'
import { finishedAt, hasFailed, isTracked, millisecondsAfterFailures } from './job-pods.ts'

const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count'
const ignoredCountAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count'

export interface IndexFailures {
  failed: ReadonlySet<number>
  /** The last pod of each index that failed and is to be tried again. It keeps its finalizer until its successor is there: the successor counts on from it. */
  delayed: ReadonlyMap<number, Pod>
}

const none: IndexFailures = { failed: new Set(), delayed: new Map() }

export const failsByIndex = (job: Job): boolean => job.spec.backoffLimitPerIndex !== undefined && isIndexed(job)

const countIn = (pod: Pod, annotation: string): number => {
  const text = pod.metadata.annotations?.[annotation]
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0
}

/** With those that the failure policy ignores. */
const allFailures = (pod: Pod): number => countIn(pod, failureCountAnnotation) + countIn(pod, ignoredCountAnnotation)

const isLastTry = (job: Job, pod: Pod): boolean => {
  const { action } = judgeFailure(job, pod)
  return action === 'failIndex' || (action !== 'ignore' && countIn(pod, failureCountAnnotation) >= (job.spec.backoffLimitPerIndex ?? Infinity))
}

const isLater = (pod: Pod, than: Pod, now: Date): boolean => allFailures(pod) >= allFailures(than) && finishedAt(pod, now) >= finishedAt(than, now)

/** `succeeded`: the indexes that are done. */
export const indexFailures = (job: Job, pods: readonly Pod[], at: { succeeded: ReadonlySet<number>; now: Date }): IndexFailures => {
  if (!failsByIndex(job)) return none
  const completions = job.spec.completions ?? 0
  const failed = parseIndexes(job.status.failedIndexes, completions)
  const failedPods = pods.flatMap((pod) => {
    const index = indexOf(pod)
    return index !== undefined && index < completions && isTracked(pod) && hasFailed(pod, job) ? [{ pod, index }] : []
  })
  for (const { pod, index } of failedPods) if (isLastTry(job, pod)) failed.add(index)
  const running = new Set(pods.filter(isPodActive).map(indexOf))
  const delayed = new Map<number, Pod>()
  for (const { pod, index } of failedPods) {
    if (running.has(index) || at.succeeded.has(index) || failed.has(index)) continue
    const last = delayed.get(index)
    if (!last || isLater(pod, last, at.now)) delayed.set(index, pod)
  }
  return { failed, delayed }
}

/** For the status; undefined for other Jobs. */
export const failedIndexes = (job: Job, { failed }: IndexFailures): string | undefined => (failsByIndex(job) ? formatIndexes(failed) : undefined)

/** Milliseconds until the index may be tried again. */
export const waitOfIndex = (last: Pod | undefined, now: Date): number => (last ? millisecondsAfterFailures(allFailures(last) + 1, finishedAt(last, now), now) : 0)

/** How often the index of a new pod has failed before; empty for other Jobs. */
export const failureCounts = (job: Job, last: Pod | undefined): Record<string, string> => {
  if (!failsByIndex(job)) return {}
  const ignores = last !== undefined && judgeFailure(job, last).action === 'ignore'
  const counted = last ? countIn(last, failureCountAnnotation) + (ignores ? 0 : 1) : 0
  const ignored = last ? countIn(last, ignoredCountAnnotation) + (ignores ? 1 : 0) : 0
  return { [failureCountAnnotation]: String(counted), ...(ignored > 0 && { [ignoredCountAnnotation]: String(ignored) }) }
}
