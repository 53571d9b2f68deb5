/** What `kubectl get jobs` shows. Mirrors printJob of upstream's `pkg/printers/internalversion/printers.go`. */
import { humanDuration } from '../../../api/human-duration.ts'
import type { Job } from '../../../api/types.ts'
import { ageColumn, nameColumn, workloadColumns } from '../columns.ts'
import type { Column } from '../strategy.ts'

const hasCondition = ({ status }: Job, wanted: string): boolean => status.conditions?.some(({ type, status: is }) => type === wanted && is === 'True') ?? false

const statusWord = (job: Job): string => {
  if (hasCondition(job, 'Complete')) return 'Complete'
  if (hasCondition(job, 'Failed')) return 'Failed'
  if (job.metadata.deletionTimestamp) return 'Terminating'
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find((type) => hasCondition(job, type)) ?? 'Running'
}

const completions = ({ spec, status }: Job): string => {
  const succeeded = status.succeeded ?? 0
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`
  const parallelism = spec.parallelism ?? 0
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

const duration = ({ status }: Job, now: Date): string => {
  if (!status.startTime) return ''
  return humanDuration((status.completionTime ? Date.parse(status.completionTime) : now.getTime()) - Date.parse(status.startTime))
}

export const jobColumns: readonly Column<Job>[] = [
  nameColumn,
  { name: 'Status', type: 'string', description: 'Status of the job.', value: statusWord },
  { name: 'Completions', type: 'string', description: 'How many pods have succeeded, of how many that are wanted.', value: completions },
  { name: 'Duration', type: 'string', description: 'Time required to complete the job.', value: (job, { now }) => duration(job, now) },
  ageColumn,
  ...workloadColumns,
]
