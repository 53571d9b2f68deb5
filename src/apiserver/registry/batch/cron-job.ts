/** CronJobs. Mirrors upstream's `pkg/registry/batch/cronjob/strategy.go`, SetDefaults_CronJob and printCronJob. */
import { ageOf } from '../../../api/human-duration.ts'
import { CronJobs } from '../../../api/kinds.ts'
import type { CronJob } from '../../../api/types.ts'
import { ageColumn, nameColumn, workloadColumns } from '../columns.ts'
import { setPodTemplateDefaults } from '../core/pod-spec-defaults.ts'
import { sameGeneration, workloadWarnings } from '../core/pod-warnings.ts'
import { formatLabelSelector } from '../format-selector.ts'
import { statusSubresource } from '../status-subresource.ts'
import { jobSpecWarnings } from './job.ts'
import type { Column, Strategy } from '../strategy.ts'
import { checkCronJob, checkCronJobUpdate } from './cron-job-validation.ts'

const setDefaults = (cronJob: CronJob): void => {
  const spec = (cronJob.spec ??= {} as CronJob['spec'])
  cronJob.status ??= {}
  spec.concurrencyPolicy ||= 'Allow'
  spec.suspend ??= false
  spec.successfulJobsHistoryLimit ??= 3
  spec.failedJobsHistoryLimit ??= 1
  spec.jobTemplate ??= {}
  spec.jobTemplate.metadata ??= {} as NonNullable<CronJob['spec']['jobTemplate']['metadata']>
  spec.jobTemplate.spec ??= {} as NonNullable<CronJob['spec']['jobTemplate']['spec']>
  spec.jobTemplate.spec.template ??= {}
  // Only the pod template has its defaults here; those of the Job come when it is made.
  setPodTemplateDefaults(spec.jobTemplate.spec.template)
}

const warnings = ({ metadata, spec }: CronJob): string[] => [
  ...jobSpecWarnings('spec.jobTemplate.spec', spec.jobTemplate.spec ?? {}),
  ...workloadWarnings(metadata.name, 'spec.jobTemplate.spec.template', spec.jobTemplate.spec?.template),
  ...(spec.schedule.includes('TZ') ? ['CRON_TZ or TZ used in spec.spec.schedule is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details'] : []),
]

const jobOf = ({ metadata, spec }: CronJob): { metadata: CronJob['metadata']; spec: NonNullable<CronJob['spec']['jobTemplate']['spec']> } => ({ metadata, spec: spec.jobTemplate.spec ?? { template: {} } })

const templateColumns = workloadColumns.slice(0, 2).map(({ value, ...column }): Column<CronJob> => ({ ...column, value: (cronJob, at) => value(jobOf(cronJob), at) }))

export const cronJobStrategy: Strategy<CronJob> = {
  kind: CronJobs,
  setDefaults,
  prepareForCreate(cronJob) { cronJob.status = {} },
  validate: checkCronJob,
  prepareForUpdate(next, old) { next.status = old.status },
  validateUpdate: checkCronJobUpdate,
  warnings: (cronJob, _context, old) => (sameGeneration(cronJob.metadata, old) ? [] : warnings(cronJob)),
  generationOf: ({ spec }) => spec,
  columns: [
    nameColumn,
    { name: 'Schedule', type: 'string', description: 'When Jobs are made, in Cron format.', value: ({ spec }) => spec.schedule },
    { name: 'Timezone', type: 'string', description: 'The time zone of the schedule.', value: ({ spec }) => spec.timeZone ?? '<none>' },
    { name: 'Suspend', type: 'string', description: 'Whether no further Jobs are to be made.', value: ({ spec }) => (spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False') },
    { name: 'Active', type: 'string', description: 'How many Jobs run now.', value: ({ status }) => status.active?.length ?? 0 },
    { name: 'Last Schedule', type: 'string', description: 'How long ago a Job was made last.', value: ({ status }, { now }) => (status.lastScheduleTime ? ageOf(status.lastScheduleTime, now) : '<none>') },
    ageColumn,
    ...templateColumns,
    { name: 'Selector', type: 'string', priority: 1, description: 'The label query over the pods that belong to the object.', value: ({ spec }) => formatLabelSelector(spec.jobTemplate.spec?.selector) },
  ],
  subresources: { status: statusSubresource() },
}
