/** The whole picture from the model: which panes, how large, what is in them. */
import { Events, Nodes, Pods } from '../../src/api/kinds.ts'
import { type Layout, layoutOf, minimumColumns, minimumRows, type Rect } from '../layout/layout.ts'
import { type Screen, tableScreen, topScreen } from '../state/ui-state.ts'
import { cursorIndex } from '../views/select-rows.ts'
import { containersPane } from './containers-pane.ts'
import { type DetailTarget, detailPane, logStrip } from './detail-pane.ts'
import { dialogPane } from './dialog-pane.ts'
import { footerLines } from './footer.ts'
import { type Frame, line, type PaneFrame } from './frame.ts'
import { headerLines } from './header.ts'
import { logsPane } from './logs-pane.ts'
import { type Model, podRow } from './model.ts'
import { tablePane } from './table-pane.ts'
import { textPane } from './text-pane.ts'

export const hasDetail = (screen: Screen): boolean => screen.screen === 'table' || screen.screen === 'containers'

/** What the detail pane is about. */
export const detailTarget = (model: Pick<Model, 'cluster' | 'rowsOf'>, screen: Screen): DetailTarget => {
  if (screen.screen === 'containers') return { row: podRow(model, screen.pod), isPod: true }
  if (screen.screen !== 'table') return { row: undefined, isPod: false }
  const rows = model.rowsOf(screen)
  return { row: rows[cursorIndex(rows.map(({ uid }) => uid), screen.cursor, screen.index)], isPod: screen.kind.plural === Pods.plural && screen.kind.group === '' }
}

const mainPane = (model: Model, screen: Screen, rect: Rect): PaneFrame => {
  switch (screen.screen) {
    case 'table': return tablePane(model, screen, rect)
    case 'containers': return containersPane(model, screen, rect)
    case 'logs': return logsPane(model, screen, rect)
    case 'text': return textPane(model, screen, rect)
  }
}

const strips = (model: Model, { nodes, events, log }: Layout, target: DetailTarget): PaneFrame[][] => {
  if (!nodes || !events || !log) return []
  const part = (kind: typeof Nodes | typeof Events, rect: Rect): PaneFrame => {
    const pane = tablePane(model, { ...tableScreen(kind, undefined), cursor: 'none', index: -1 }, rect)
    return { ...pane, focused: false, lines: pane.lines.map((each) => each.map(({ text, style }) => ({ text: text.replace(/^>/, ' '), style }))) }
  }
  return [[part(Nodes, nodes), part(Events, events)], [logStrip(model, target, log)]]
}

const tooSmall = ({ columns, rows, redraw }: Model): Frame =>
  ({ columns, rows, header: [line(`terminal ${columns}x${rows}, needs ${minimumColumns}x${minimumRows}`.slice(0, Math.max(0, columns)), 'warn')], bands: [], footer: [], redraw })

export const dashboardFrame = (model: Model): Frame => {
  const { state, columns, rows, redraw } = model
  const screen = topScreen(state)
  const dialog = state.dialog
  const layout = layoutOf(columns, rows, { header: state.header, pane: dialog && state.pane.size === 'none' ? 'third' : dialog && state.pane.size === 'full' ? 'half' : state.pane.size, hasDetail: hasDetail(screen) || dialog !== undefined })
  if (!layout) return tooSmall(model)
  const main = layout.main.height > 0 ? [mainPane(model, screen, layout.main)] : []
  const target = detailTarget(model, screen)
  const detail = layout.detail ? [dialog ? dialogPane(dialog, layout.detail) : detailPane(model, target, layout.detail)] : []
  const bands = layout.beside ? [[...main, ...detail]] : [main, detail].filter(({ length }) => length > 0)
  return { columns, rows, header: headerLines(model, layout.header), bands: [...bands, ...strips(model, layout, target)], footer: footerLines(model), redraw }
}
