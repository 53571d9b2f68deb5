/**
 * Pods that ended are counted exactly once, whatever fails in between: first their uids are written down, then their finalizers are taken away,
 * then the uids become numbers. Mirrors pkg/controller/job/job_controller.go trackJobStatusAndRemoveFinalizers.
 */
import type { Job, JobStatus, Pod } from '../../api/types.ts'
import { isPodFinished } from '../pod.ts'
import { judgeFailure } from './failure-policy.ts'
import { formatIndexes, indexOf, isIndexed, parseIndexes } from './indexes.ts'
import { hasFailed, hasSucceeded, isTracked } from './job-pods.ts'

/** So many uids at most stand in the status at a time. */
const maxUncounted = 500

export interface Tracking {
  /** With `succeeded`, `failed`, `completedIndexes` and `uncountedTerminatedPods` brought up to date. */
  status: JobStatus
  /** Pods whose finalizers may go once that status is stored. */
  release: Pod[]
  /** Nothing is left to be counted. */
  settled: boolean
}

interface Uncounted { succeeded: string[]; failed: string[] }

/** Uids whose pods have lost their finalizer (or are gone) become numbers. */
const countReleased = (status: JobStatus, tracked: ReadonlySet<string>): { uncounted: Uncounted; succeeded: number; failed: number } => {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {}
  const uncounted = { succeeded: succeeded.filter((uid) => tracked.has(uid)), failed: failed.filter((uid) => tracked.has(uid)) }
  return {
    uncounted, succeeded: (status.succeeded ?? 0) + succeeded.length - uncounted.succeeded.length, failed: (status.failed ?? 0) + failed.length - uncounted.failed.length,
  }
}

/** `held`: pods that have ended, and are to be counted only once their successors are there. */
export const track = (job: Job, pods: readonly Pod[], held: ReadonlySet<Pod> = new Set()): Tracking => {
  const tracked = pods.filter(isTracked)
  const { uncounted, succeeded, failed } = countReleased(job.status, new Set(tracked.map(({ metadata }) => metadata.uid)))
  const completed = isIndexed(job) ? parseIndexes(job.status.completedIndexes, job.spec.completions ?? 0) : undefined
  const release: Pod[] = []
  for (const pod of tracked) {
    if (uncounted.succeeded.length + uncounted.failed.length >= maxUncounted) break
    const { uid } = pod.metadata
    const ended = isPodFinished(pod) || hasFailed(pod, job)
    if ((!ended || held.has(pod)) && job.metadata.deletionTimestamp === undefined) continue
    release.push(pod)
    if (!ended) continue
    if (hasSucceeded(pod) && !uncounted.failed.includes(uid)) {
      const index = indexOf(pod)
      if (!completed) { if (!uncounted.succeeded.includes(uid)) uncounted.succeeded.push(uid) }
      else if (index !== undefined && index < (job.spec.completions ?? 0)) completed.add(index)
    } else if (!uncounted.failed.includes(uid) && judgeFailure(job, pod).action !== 'ignore') uncounted.failed.push(uid)
  }
  const nextUncounted = { ...(uncounted.succeeded.length > 0 && { succeeded: uncounted.succeeded }), ...(uncounted.failed.length > 0 && { failed: uncounted.failed }) }
  return {
    release, settled: Object.keys(nextUncounted).length === 0 && tracked.every((pod) => !isPodFinished(pod)),
    status: {
      ...job.status, succeeded: (completed ? completed.size : succeeded) || undefined, failed: failed || undefined, uncountedTerminatedPods: nextUncounted,
      ...(completed && { completedIndexes: formatIndexes(completed) || undefined }),
    },
  }
}

/** With those that are written down but not numbers yet. */
export const totals = ({ succeeded = 0, failed = 0, uncountedTerminatedPods }: JobStatus): { succeeded: number; failed: number } =>
  ({ succeeded: succeeded + (uncountedTerminatedPods?.succeeded?.length ?? 0), failed: failed + (uncountedTerminatedPods?.failed?.length ?? 0) })
