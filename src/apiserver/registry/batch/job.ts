/** Jobs. Mirrors upstream's `pkg/registry/batch/job/strategy.go` and SetDefaults_Job. */
import { semanticEqual } from '../../../api/equal.ts'
import { Jobs } from '../../../api/kinds.ts'
import type { Job } from '../../../api/types.ts'
import { setPodTemplateDefaults } from '../core/pod-spec-defaults.ts'
import { sameGeneration, workloadWarnings } from '../core/pod-warnings.ts'
import { maxInt32 } from '../field-checks.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { jobColumns } from './job-columns.ts'
import { generateSelector } from './job-selector.ts'
import { checkJobStatus } from './job-status-validation.ts'
import { checkJob, checkJobUpdate } from './job-validation.ts'

/** A Job without labels has those of its template. */
const inheritLabels = (job: Job): void => {
  const { labels } = job.spec.template.metadata ?? {}
  if (labels) job.metadata.labels = { ...labels }
}

const setDefaults = (job: Job): void => {
  const spec = (job.spec ??= {} as Job['spec'])
  job.status ??= {}
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : maxInt32
  spec.template ??= {} as Job['spec']['template']
  setPodTemplateDefaults(spec.template)
  if (Object.keys(job.metadata.labels ?? {}).length === 0) inheritLabels(job)
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.manualSelector ??= false
  for (const rule of spec.podFailurePolicy?.rules ?? []) for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True'
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
}

/** Also of the Jobs of a CronJob. Mirrors upstream's `pkg/api/job/warnings.go`. */
export const jobSpecWarnings = (path: string, { completionMode, completions = 0, parallelism = 0 }: Partial<Job['spec']>): string[] =>
  (completionMode === 'Indexed' && completions > 100_000 && parallelism > 10_000
    ? [`${path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`] : [])

export const jobStrategy: Strategy<Job> = {
  kind: Jobs,
  orphansByDefault: { warning: 'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning' },
  setDefaults,
  prepareForCreate(job) {
    const inherits = semanticEqual(job.metadata.labels, job.spec.template.metadata?.labels)
    generateSelector(job)
    if (inherits) inheritLabels(job)
    job.status = {}
  },
  validate: checkJob,
  prepareForUpdate(next, old) { next.status = old.status },
  validateUpdate: checkJobUpdate,
  warnings: ({ metadata, spec }, _context, old) => (sameGeneration(metadata, old) ? [] : [...jobSpecWarnings('spec', spec), ...workloadWarnings(metadata.name, 'spec.template', spec.template)]),
  generationOf: ({ spec }) => spec,
  columns: jobColumns,
  selectableFields: { 'status.successful': ({ status }) => String(status.succeeded ?? 0) },
  subresources: { status: statusSubresource({ validate: checkJobStatus }) },
}
