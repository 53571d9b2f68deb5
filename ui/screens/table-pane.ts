/** The table in the middle: only the rows that fit, the cursor's among them. */
import type { TableScreen } from '../state/ui-state.ts'
import { fit } from '../text/fit.ts'
import { columnsOf } from '../views/columns.ts'
import { fitColumns, rowText } from '../views/row-table.ts'
import { rowStyle } from '../views/row-style.ts'
import { cursorIndex } from '../views/select-rows.ts'
import { type Line, line, type PaneFrame } from './frame.ts'
import type { Rect } from '../layout/layout.ts'
import type { Model } from './model.ts'

/** The first row shown, so that the cursor stands in the middle third. */
export const windowStart = (cursor: number, count: number, height: number): number => Math.max(0, Math.min(cursor - Math.floor(height / 2), count - height))

/** Widths are measured on so many rows at most: in larger tables columns may be cut. */
const measured = 500

const emptyWords = (model: Model, screen: TableScreen): readonly string[] => {
  const feed = model.feedOf(screen)
  const { connection, identity } = model.cluster
  if (connection.now.state !== 'live' && !feed.loaded) {
    return connection.now.why === '' ? [`Connecting to ${identity.server} ...`]
      : [`No control plane answers at ${identity.server}.`, `Start it with: ${model.startCommand}`, '', connection.now.why, 'We go on trying.']
  }
  if (feed.error !== '') return [feed.error]
  if (!feed.loaded) return ['Loading ...']
  if (screen.filter !== '') return [`Nothing fits the filter ${JSON.stringify(screen.filter)}. esc clears it.`]
  return [`No ${screen.kind.plural}${screen.namespace === undefined || !screen.kind.namespaced ? '' : ` in ${screen.namespace}. 0 shows all namespaces`}.`]
}

const title = ({ kind, namespace, scope }: TableScreen): string => `${kind.plural}${kind.namespaced ? `(${namespace ?? 'all'})` : ''}${scope ? ` of ${scope.label}` : ''}`

const sortWords = ({ sort, filter, marks, kind }: TableScreen): string =>
  [marks.size > 0 ? `${marks.size} marked` : '', filter === '' ? '' : `/${filter}`, sort.by === 'problems' ? (kind.kind === 'Event' ? 'newest first' : 'problems first') : `by ${sort.by}${sort.descending ? ' down' : ''}`].filter(Boolean).join(' | ')

export const tablePane = (model: Model, screen: TableScreen, { width, height }: Rect): PaneFrame => {
  const { cluster, state, now } = model
  const feed = model.feedOf(screen)
  const rows = model.rowsOf(screen)
  const inner = width - 2
  const body = height - 3
  const cursor = cursorIndex(rows.map(({ uid }) => uid), screen.cursor, screen.index)
  const start = windowStart(cursor, rows.length, body)
  const shown = rows.slice(start, start + body)
  const away = cluster.connection.now.state !== 'live'
  const columns = columnsOf(feed.columns, { usage: cluster.usage, now, allNamespaces: screen.kind.namespaced && screen.namespace === undefined && model.columns >= 100, wide: state.wide, roomy: model.columns >= 100, kind: screen.kind.kind })
  const fitted = fitColumns(columns, rows.length > measured ? [...rows.slice(0, measured), ...shown] : rows, inner - 3)
  const lines: Line[] = [line(fit(`  ${fitted.heading}`, inner), 'title')]
  for (const [index, row] of shown.entries()) {
    const current = start + index === cursor
    const marked = screen.marks.has(row.uid)
    const text = `${current ? '>' : ' '}${marked ? '*' : ' '}${rowText(fitted, row, inner - 3)} `
    lines.push([{ text, style: away ? 'away' : marked ? 'marked' : rowStyle(feed.columns, row), ...(current && !state.pane.focused && { inverse: true, bold: true }) }])
  }
  if (rows.length === 0) for (const words of ['', ...emptyWords(model, screen)]) lines.push(line(fit(`  ${words}`, inner), 'warn'))
  const range = rows.length === 0 ? '[0]' : shown.length < rows.length ? `[${start + 1}-${start + shown.length} of ${rows.length}]` : `[${rows.length}]`
  return { title: `${title(screen)}${range}`, info: sortWords(screen), width, height, focused: !state.pane.focused, lines: lines.slice(0, height - 2) }
}
