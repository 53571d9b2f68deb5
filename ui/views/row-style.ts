/** What a row's own words say about its health: for every kind, from the columns that the server shows. */
import type { TableColumn, TableRow } from '../store/table-row.ts'
import type { StyleName } from '../theme/palette.ts'

export const cellOf = (columns: readonly TableColumn[], row: TableRow, name: string): string => {
  const index = columns.findIndex((column) => column.name === name)
  const cell = index < 0 ? undefined : row.cells[index]
  return cell === undefined || cell === null ? '' : String(cell)
}

const calm = /^(Running|Ready|Active|Bound|Available|Complete|Established|Approved,Issued|Normal|True|Healthy)$/
const waiting = /^(Pending|ContainerCreating|PodInitializing|Init:\d+\/\d+|Suspended|Released|SchedulingGated|NotTriggerScaleUp)/
const leaving = /^(Terminating|FailureTarget|SuccessCriteriaMet)/

const statusStyle = (status: string): StyleName | undefined => {
  if (status === '' || calm.test(status)) return undefined
  if (leaving.test(status)) return 'kill'
  if (/^(Completed|Succeeded)$/.test(status)) return 'completed'
  if (waiting.test(status)) return 'pending'
  if (/^Ready,SchedulingDisabled$/.test(status)) return 'pending'
  return 'error'
}

/** `1/3`: some are missing. */
const isShort = (ready: string): boolean => {
  const [, have, want] = /^(\d+)\/(\d+)$/.exec(ready) ?? []
  return have !== undefined && Number(have) < Number(want)
}

/** k9s' colours of rows, by word. */
export const rowStyle = (columns: readonly TableColumn[], row: TableRow): StyleName => {
  if (row.object.metadata.deletionTimestamp) return 'kill'
  const byStatus = statusStyle(cellOf(columns, row, 'Status'))
  if (byStatus) return byStatus
  if (columns.some(({ name }) => name === 'Reason') && cellOf(columns, row, 'Type') === 'Warning') return 'pending'
  if (isShort(cellOf(columns, row, 'Ready'))) return cellOf(columns, row, 'Status') === 'Running' ? 'error' : 'pending'
  const [desired, ready] = [cellOf(columns, row, 'Desired'), cellOf(columns, row, 'Ready')]
  if (desired !== '' && ready !== '' && Number(ready) < Number(desired)) return 'pending'
  return 'standard'
}

const ranks: Partial<Record<StyleName, number>> = { error: 0, pending: 1, kill: 2, completed: 4 }
/** The smaller, the more a person wants to see it. */
export const problemRank = (style: StyleName): number => ranks[style] ?? 3
