import { Jobs } from '../../../api/kinds.ts'
import type { Job } from '../../../api/types.ts'
import type { Strategy } from '../strategy.ts'
import { jobColumns } from './job-columns.ts'

export const jobStrategy: Strategy<Job> = {
  kind: Jobs,
  columns: jobColumns,
  selectableFields: { 'status.successful': ({ status }) => String(status.succeeded ?? 0) },
}
