/** Rows as strings of one exact width: what fits is decided by the columns' weights. */
import type { TableRow } from '../store/table-row.ts'
import { fit } from '../text/fit.ts'
import { widthOf } from '../text/sanitize.ts'
import type { Column } from './columns.ts'

export interface Fitted { columns: readonly { column: Column; width: number }[]; heading: string }

const gap = 1
const leastShrunk = 8
/** No column takes more than this while others want room. */
const most = 48

const total = (widths: readonly number[]): number => widths.reduce((sum, width) => sum + width + gap, -gap)

/** The natural width of each column over `rows`; columns of the least weight go first, then those that can shrink give way; spare room goes to the last column that shrinks, or the first. */
export const fitColumns = (columns: readonly Column[], rows: readonly TableRow[], width: number): Fitted => {
  const natural = columns.map((column) => rows.reduce((widest, row) => Math.max(widest, widthOf(column.value(row))), widthOf(column.title)))
  let kept = columns.map((column, index) => ({ column, width: natural[index] ?? 0 }))
  const smallest = (each: { column: Column; width: number }): number => (each.column.shrinks ? Math.min(each.width, Math.max(leastShrunk, widthOf(each.column.title))) : each.width)
  const comfortable = (each: { column: Column; width: number }): number => (each.column.title === 'NAME' ? Math.min(each.width, 24) : smallest(each))
  while (kept.length > 1 && total(kept.map(comfortable)) > width) {
    const least = kept.reduce((lightest, each) => (each.column.weight < lightest.column.weight ? each : lightest))
    kept = kept.filter((each) => each !== least)
  }
  const widths = kept.map(({ width: wanted }) => wanted)
  for (let over = total(widths) - width; over > 0;) {
    // The widest of those that shrink gives way, down to the next one or to its least.
    const index = widths.reduce((best, each, at) => (kept[at]?.column.shrinks && each > leastShrunk && (best < 0 || each > (widths[best] ?? 0)) ? at : best), -1)
    if (index < 0) break
    const second = Math.max(leastShrunk, ...widths.filter((_, at) => at !== index && kept[at]?.column.shrinks))
    const cut = Math.max(1, Math.min(over, (widths[index] ?? 0) - second))
    widths[index] = (widths[index] ?? 0) - cut
    over -= cut
  }
  const spare = width - total(widths)
  const name = kept.findIndex(({ column }) => column.title === 'NAME')
  const message = kept.findIndex(({ column }) => column.title === 'MESSAGE')
  const grows = message >= 0 ? message : name
  if (spare > 0 && grows >= 0) widths[grows] = (widths[grows] ?? 0) + (message >= 0 ? spare : Math.min(spare, Math.max(0, most - (widths[grows] ?? 0)), 12))
  const fitted = kept.map(({ column }, index) => ({ column, width: widths[index] ?? 0 }))
  return { columns: fitted, heading: fit(fitted.map(({ column, width: cells }) => fit(column.title, cells, column.align)).join(' '), width) }
}

export const rowText = ({ columns }: Fitted, row: TableRow, width: number): string => fit(columns.map(({ column, width: cells }) => fit(column.value(row), cells, column.align)).join(' '), width)
