/** CronJobs on creation and update. Mirrors ValidateCronJobCreate and ValidateCronJobUpdate of upstream's `pkg/apis/batch/validation`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { CronJob, CronJobSpec, JobTemplateSpec } from '../../../api/types.ts'
import { checkNonNegative, checkOneOf } from '../field-checks.ts'
import { isKnownTimeZone, scheduleError } from './cron-schedule.ts'
import { checkSpecWithoutSelector } from './job-validation.ts'

/** Job names are the CronJob's with eleven characters appended, and label values have 63 at most. */
const maxNameLength = 52

const checkSchedule = (path: string, { schedule, timeZone }: CronJobSpec, old: CronJobSpec | undefined): FieldError[] => {
  if (!schedule) return [fieldError.required(path)]
  const wrong = scheduleError(schedule)
  const namesZone = schedule.includes('TZ')
  const mayNameZone = old?.schedule.includes('TZ') === true
  return [
    ...(wrong === undefined ? [] : [fieldError.invalid(path, schedule, wrong)]),
    ...(mayNameZone && namesZone && timeZone !== undefined ? [fieldError.invalid(path, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule')] : []),
    ...(!mayNameZone && namesZone ? [fieldError.invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')] : []),
  ]
}

const isZonePart = (part: string): boolean => part !== '.' && part !== '..' && !part.startsWith('-') && /^[A-Za-z.\-_0-9+]{1,14}$/.test(part)

const checkTimeZone = (path: string, timeZone: string | undefined): FieldError[] => {
  if (timeZone === undefined) return []
  if (timeZone === '') return [fieldError.invalid(path, timeZone, 'timeZone must be nil or non-empty string')]
  const unknown = fieldError.invalid(path, timeZone, `unknown time zone ${timeZone}`)
  if (!timeZone.split('/').every(isZonePart)) return [unknown]
  const local = timeZone.toLowerCase() === 'local'
  return [
    ...(local ? [fieldError.invalid(path, timeZone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones')] : []),
    ...(timeZone !== 'Local' && !isKnownTimeZone(timeZone) ? [unknown] : []),
  ]
}

const checkTemplate = (path: string, { spec }: JobTemplateSpec): FieldError[] => [
  ...checkSpecWithoutSelector(spec ?? { template: {} }).map((error) => ({ ...error, path: error.path.replace(/^spec/, `${path}.spec`) })),
  ...(spec?.selector ? [fieldError.invalid(`${path}.spec.selector`, spec.selector, '`selector` will be auto-generated')] : []),
  ...(spec?.manualSelector ? [fieldError.notSupported(`${path}.spec.manualSelector`, spec.manualSelector, ['nil', 'false'])] : []),
]

const checkSpec = (spec: CronJobSpec, old: CronJobSpec | undefined): FieldError[] => [
  ...checkSchedule('spec.schedule', spec, old),
  ...checkNonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds),
  ...(old && old.timeZone === spec.timeZone ? [] : checkTimeZone('spec.timeZone', spec.timeZone)),
  ...checkOneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
  ...checkTemplate('spec.jobTemplate', spec.jobTemplate),
  ...checkNonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit),
  ...checkNonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit),
]

export const checkCronJob = ({ metadata, spec }: CronJob): FieldError[] => [
  ...checkSpec(spec, undefined),
  ...(metadata.name.length > maxNameLength ? [fieldError.invalid('metadata.name', metadata.name, `must be no more than ${maxNameLength} characters`)] : []),
]

export const checkCronJobUpdate = (next: CronJob, old: CronJob): FieldError[] => checkSpec(next.spec, old.spec)
