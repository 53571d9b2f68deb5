/** What a Job's status may not say. Mirrors validateJobStatus and ValidateJobStatusUpdate of upstream's `pkg/apis/batch/validation`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Job } from '../../../api/types.ts'
import { checkEach, checkNonNegative } from '../field-checks.ts'
import { parseIndexes } from './job-indexes.ts'

const isTrue = ({ status }: Job, wanted: string): boolean => status.conditions?.some(({ type, status: is }) => type === wanted && is === 'True') ?? false

/** An Invalid that prints no value, as upstream's OmitValueType. */
const wrong = (path: string, detail: string): FieldError => ({ type: 'FieldValueInvalid', path, message: `Invalid value: ${detail}` })
const unlessRight = (isWrong: boolean, path: string, detail: string): FieldError[] => (isWrong ? [wrong(path, detail)] : [])

const checkUncounted = ({ status: { uncountedTerminatedPods } }: Job): FieldError[] => {
  const seen = new Set<string>()
  return (['succeeded', 'failed'] as const).flatMap((list) => checkEach(`status.uncountedTerminatedPods.${list}`, uncountedTerminatedPods?.[list], (uid, at) => {
    if (!uid) return [fieldError.invalid(at, uid, 'must not be empty')]
    if (seen.has(uid)) return [fieldError.duplicate(at, uid)]
    seen.add(uid)
    return []
  }))
}

const checkConditions = (job: Job): FieldError[] => {
  const [complete, failed, target, met] = ['Complete', 'Failed', 'FailureTarget', 'SuccessCriteriaMet'].map((type) => isTrue(job, type)) as [boolean, boolean, boolean, boolean]
  const path = 'status.conditions'
  return [
    ...unlessRight(complete && failed, path, 'cannot set Complete=True and Failed=true conditions'),
    ...unlessRight(complete && target, path, 'cannot set Complete=True and FailureTarget=true conditions'),
    ...unlessRight(failed && !target, path, 'cannot set Failed=True condition without the FailureTarget=true condition'),
    ...unlessRight(complete && !met, path, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition'),
    ...unlessRight(met && failed, path, 'cannot set SuccessCriteriaMet=True and Failed=true conditions'),
    ...unlessRight(met && target, path, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'),
  ]
}

const checkTimes = (job: Job): FieldError[] => {
  const { startTime, completionTime } = job.status
  const complete = isTrue(job, 'Complete')
  return [
    ...(completionTime && !complete ? [fieldError.invalid('status.completionTime', completionTime, 'cannot set completionTime when there is no Complete=True condition')] : []),
    ...(!completionTime && complete ? [fieldError.required('status.completionTime', 'completionTime is required for Complete jobs')] : []),
    ...(startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime) ? [fieldError.invalid('status.completionTime', completionTime, 'must be equal to or after `startTime`')] : []),
    ...(!startTime && (complete || isTrue(job, 'Failed')) ? [fieldError.required('status.startTime', 'startTime is required for finished job')] : []),
  ]
}

const checkFinished = (job: Job): FieldError[] => {
  const { active = 0, terminating = 0, uncountedTerminatedPods: uncounted } = job.status
  if (!isTrue(job, 'Complete') && !isTrue(job, 'Failed')) return []
  return [
    ...(active > 0 ? [fieldError.invalid('status.active', active, 'active>0 is invalid for finished job')] : []),
    ...((uncounted?.failed ?? []).length + (uncounted?.succeeded ?? []).length > 0 ? [fieldError.invalid('status.uncountedTerminatedPods', uncounted, 'must be empty for finished job')] : []),
    ...(terminating > 0 ? [fieldError.invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job')] : []),
  ]
}

const checkIndexes = ({ spec, status: { completedIndexes = '', failedIndexes } }: Job): FieldError[] => {
  const completed = spec.completions === undefined ? undefined : parseIndexes(completedIndexes, spec.completions)
  const failed = spec.completions === undefined || failedIndexes === undefined ? undefined : parseIndexes(failedIndexes, spec.completions)
  const overlaps = completed && failed && 'ranges' in completed && 'ranges' in failed && failed.ranges.some(([first, last]) => completed.ranges.some(([from, to]) => first <= to && from <= last))
  return [
    ...(completed && 'error' in completed ? [fieldError.invalid('status.completedIndexes', completedIndexes, `error parsing completedIndexes: ${completed.error}`)] : []),
    ...(failed && 'error' in failed ? [fieldError.invalid('status.failedIndexes', failedIndexes, `error parsing failedIndexes: ${failed.error}`)] : []),
    ...(completedIndexes !== '' && spec.completionMode !== 'Indexed' ? [fieldError.invalid('status.completedIndexes', completedIndexes, 'cannot set non-empty completedIndexes when non-indexed completion mode')] : []),
    ...(failedIndexes !== undefined && spec.backoffLimitPerIndex === undefined ? [fieldError.invalid('status.failedIndexes', failedIndexes, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null')] : []),
    ...(overlaps ? [fieldError.invalid('status.failedIndexes', failedIndexes, 'failedIndexes and completedIndexes overlap')] : []),
  ]
}

const checkTransition = (next: Job, old: Job): FieldError[] => [
  ...['Failed', 'Complete', 'FailureTarget'].flatMap((type) => unlessRight(isTrue(old, type) && !isTrue(next, type), 'status.conditions', `cannot disable the terminal ${type}=True condition`)),
  ...(['failed', 'succeeded'] as const).filter((name) => (next.status[name] ?? 0) < (old.status[name] ?? 0)).map((name) => fieldError.invalid(`status.${name}`, next.status[name] ?? 0, `cannot decrease the ${name} counter`)),
  ...(next.status.completionTime && old.status.completionTime && next.status.completionTime !== old.status.completionTime ? [fieldError.invalid('status.completionTime', next.status.completionTime, 'field is immutable')] : []),
  ...(old.status.startTime && next.status.startTime !== old.status.startTime && !next.spec.suspend ? [fieldError.required('status.startTime', 'startTime cannot be removed for unsuspended job')] : []),
  ...unlessRight(isTrue(old, 'SuccessCriteriaMet') && !isTrue(next, 'SuccessCriteriaMet'), 'status.conditions', 'cannot disable the SuccessCriteriaMet=True condition'),
]

const counters = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const

export const checkJobStatus = (next: Job, old: Job): FieldError[] => [
  ...counters.flatMap((name) => checkNonNegative(`status.${name}`, next.status[name])),
  ...checkUncounted(next),
  ...checkConditions(next),
  ...checkTimes(next),
  ...checkFinished(next),
  ...checkIndexes(next),
  ...((next.status.ready ?? 0) > (next.status.active ?? 0) ? [fieldError.invalid('status.ready', next.status.ready, 'cannot set more ready pods than active')] : []),
  ...checkTransition(next, old),
]
