/** Whether a Job has reached its end, and which. Mirrors pkg/controller/job/job_controller.go syncJob and success_policy.go. */
import type { Job, JobCondition, JobStatus, Pod } from '../../api/types.ts'
import { findCondition } from '../conditions.ts'
import { judgeFailure } from './failure-policy.ts'
import { failsByIndex, type IndexFailures } from './index-failures.ts'
import { isIndexed, parseIndexes } from './indexes.ts'
import { hasFailed, isTracked } from './job-pods.ts'
import { totals } from './track.ts'

/** `Complete` follows on SuccessCriteriaMet, `Failed` on FailureTarget, once all pods have ended. */
export interface Outcome { end: 'Complete' | 'Failed'; reason: string; message: string }

const interim = { SuccessCriteriaMet: 'Complete', FailureTarget: 'Failed' } as const

export const isFinished = ({ status }: Job): boolean => ['Complete', 'Failed'].some((type) => findCondition(status.conditions, type)?.status === 'True')

/** The end that the Job's status already speaks of: it is not changed any more. */
const decided = ({ status }: Job): Outcome | undefined => {
  for (const [type, end] of Object.entries(interim)) {
    const condition = findCondition(status.conditions, type)
    if (condition?.status === 'True') return { end, reason: condition.reason ?? '', message: condition.message ?? '' }
  }
  return undefined
}

const backoffLimit = ({ spec }: Job): number => spec.backoffLimit ?? 6

/** Containers that are restarted in place count as failures, too. */
const restartsBeyondLimit = (job: Job, pods: readonly Pod[]): boolean => {
  if (job.spec.template.spec?.restartPolicy !== 'OnFailure') return false
  const restarts = pods.filter(({ status }) => status.phase === 'Running' || status.phase === 'Pending')
    .flatMap(({ status }) => [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]).reduce((sum, { restartCount }) => sum + restartCount, 0)
  return backoffLimit(job) === 0 ? restarts > 0 : restarts >= backoffLimit(job)
}

/** Milliseconds of `activeDeadlineSeconds` left; undefined when there is no deadline, or it does not run. */
export const deadlineLeft = ({ spec, status }: Job, now: Date): number | undefined =>
  (spec.activeDeadlineSeconds === undefined || status.startTime === undefined || spec.suspend ? undefined : Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - now.getTime())

/** How the indexes fare, where each fails by itself. */
const indexesFailed = (job: Job, { status, failures: { failed } }: Pick<Ending, 'status' | 'failures'>): Outcome | undefined => {
  if (!failsByIndex(job)) return undefined
  const { completions = 0, maxFailedIndexes } = job.spec
  if (maxFailedIndexes !== undefined && failed.size > maxFailedIndexes) return { end: 'Failed', reason: 'MaxFailedIndexesExceeded', message: 'Job has exceeded the specified maximal number of failed indexes' }
  const done = parseIndexes(status.completedIndexes, completions).size
  return failed.size > 0 && failed.size + done >= completions ? { end: 'Failed', reason: 'FailedIndexes', message: 'Job has failed indexes' } : undefined
}

/** `status` is the Job's after counting; `failures` of its indexes. */
interface Ending { status: JobStatus; activePods: number; failures: IndexFailures; now: Date }

const failure = (job: Job, pods: readonly Pod[], at: Ending): Outcome | undefined => {
  const fatal = pods.filter((pod) => isTracked(pod) && hasFailed(pod, job)).map((pod) => judgeFailure(job, pod)).find(({ action }) => action === 'failJob')
  if (fatal?.action === 'failJob') return { end: 'Failed', reason: 'PodFailurePolicy', message: fatal.message }
  const waiting = [...at.failures.delayed.values()].filter((pod) => judgeFailure(job, pod).action !== 'ignore').length
  if (totals(at.status).failed + waiting > backoffLimit(job) || restartsBeyondLimit(job, pods)) return { end: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }
  if ((deadlineLeft({ ...job, status: at.status }, at.now) ?? 1) <= 0) return { end: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }
  return undefined
}

const successPolicyMet = (job: Job, status: JobStatus): Outcome | undefined => {
  if (!isIndexed(job)) return undefined
  const completions = job.spec.completions ?? 0
  const completed = parseIndexes(status.completedIndexes, completions)
  for (const [index, rule] of (job.spec.successPolicy?.rules ?? []).entries()) {
    const wanted = rule.succeededIndexes === undefined ? undefined : parseIndexes(rule.succeededIndexes, completions)
    const reached = wanted ? completed.intersection(wanted).size : completed.size
    if (reached >= (rule.succeededCount ?? wanted?.size ?? Infinity)) return { end: 'Complete', reason: 'SuccessPolicy', message: `Matched rules at index ${index}` }
  }
  return undefined
}

const success = (job: Job, status: JobStatus, activePods: number): Outcome | undefined => {
  const { completions } = job.spec
  const { succeeded } = totals(status)
  const complete = completions === undefined ? succeeded > 0 && activePods === 0 : succeeded >= completions
  return complete ? { end: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' } : undefined
}

export const outcomeOf = (job: Job, pods: readonly Pod[], at: Ending): Outcome | undefined =>
  decided(job) ?? failure(job, pods, at) ?? indexesFailed(job, at) ?? successPolicyMet(job, at.status) ?? success(job, at.status, at.activePods)

/** The conditions that tell of the end: the interim one at once, the last one when `over`. */
export const withOutcome = (conditions: readonly JobCondition[], { end, reason, message }: Outcome, at: { over: boolean; time: string }): JobCondition[] => {
  const types = [end === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget', ...(at.over ? [end] : [])]
  const added = types.filter((type) => !findCondition(conditions, type)).map((type) => ({ type, status: 'True', reason, message, lastProbeTime: at.time, lastTransitionTime: at.time }))
  return [...conditions, ...added]
}
