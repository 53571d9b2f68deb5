/** What there is to know about the object under the cursor: healing, log, events, processes, yaml. */
import { Events } from '../../src/api/kinds.ts'
import { eventLine, eventsOf } from '../content/events.ts'
import { yamlLines } from '../content/yaml.ts'
import type { Rect } from '../layout/layout.ts'
import { type Tab, tabs } from '../state/ui-state.ts'
import { nodeUidOf } from '../store/node-uid.ts'
import type { TableRow } from '../store/table-row.ts'
import { fit } from '../text/fit.ts'
import type { StyleName } from '../theme/palette.ts'
import { processHeading, processLines } from '../views/containers.ts'
import { laneLines, laneSummary } from '../views/heal-lines.ts'
import { type Line, line, type PaneFrame } from './frame.ts'
import { logLine } from './logs-pane.ts'
import type { Model } from './model.ts'

export interface DetailTarget { row: TableRow | undefined; isPod: boolean }
interface Words { text: string; style: StyleName }
const words = (text: string, style: StyleName = 'plain'): Words => ({ text, style })

/** Said where the nodes tell no heal events: what the events say instead. */
const healTab = (model: Model, { row, isPod }: DetailTarget, width: number): Words[] => {
  const { heal, streams, nodes } = model.cluster
  const own = row && nodeUidOf(row.object)
  const lanes = heal.faults().filter(({ podUid }) => !isPod || podUid === own)
  const tells = [...nodes.rows.values()].some(({ name }) => streams.supports(name) === true)
  if (lanes.length === 0) {
    if (!tells && row) return [words('the nodes tell no heal events; the events of the object:', 'dim'), ...eventsTab(model, { row, isPod })]
    return [...heal.faults().map((lane) => laneSummary(lane, width)), words(isPod ? 'No container of this pod has ended yet. ^k twice kills it.' : 'Nothing has failed yet.', 'dim')]
  }
  if (!isPod) return lanes.map((lane) => laneSummary(lane, width))
  return lanes.slice(-5).flatMap((lane, index, all): Words[] => [
    ...(all.length > 1 && index < all.length - 1 ? [laneSummary(lane, width)] : []),
    ...(index === all.length - 1 ? laneLines(lane, width).map((text) => words(text, lane.healedMs === undefined ? 'pending' : 'standard')) : []),
  ])
}

const eventsTab = (model: Model, { row }: DetailTarget): Words[] => {
  const found = row ? eventsOf(model.cluster.feeds.of(Events), row.uid, model.now) : []
  return found.length === 0 ? [words('No events.', 'dim')] : found.map((event) => words(eventLine(event), event.type === 'Warning' ? 'pending' : 'standard'))
}

const logTab = ({ cluster }: Model, { isPod }: DetailTarget): Words[] => {
  const buffer = cluster.log.value
  if (!isPod) return [words('Logs are of pods: enter shows those of this object.', 'dim')]
  if (!buffer) return [words('No log.', 'dim')]
  if (buffer.lines.length === 0) return [words(buffer.error || 'No output yet.', 'dim')]
  return buffer.lines.slice(-200).map((each) => words(logLine(each, true)))
}

const processesTab = ({ cluster }: Model, { isPod }: DetailTarget): Words[] => {
  const value = cluster.processes.value?.value
  if (!isPod) return [words('Processes are of pods.', 'dim')]
  if (value === undefined) return [words('Asking the node ...', 'dim')]
  return typeof value === 'string' ? [words(value, 'dim')] : [words(processHeading, 'title'), ...processLines(value).map((text) => words(text, text.endsWith(':') ? 'title' : 'standard'))]
}

const yamlTab = ({ row }: DetailTarget): Words[] => (row ? yamlLines(row.object).map((text) => words(text)) : [])

const contents: Record<Tab, (model: Model, target: DetailTarget, width: number) => Words[]> = { heal: healTab, log: logTab, events: eventsTab, procs: processesTab, yaml: (_, target) => yamlTab(target) }
/** These are read from the top, the others from their end. */
const fromTop = new Set<Tab>(['yaml', 'procs'])

/** The log of the pod under the cursor, in a band of its own. */
export const logStrip = (model: Model, target: DetailTarget, { width, height }: Rect): PaneFrame => ({
  title: target.row && target.isPod ? `log ${target.row.namespace}/${target.row.name}` : 'log', info: '', width, height, focused: false,
  lines: logTab(model, target).slice(2 - height).map(({ text, style }) => line(fit(` ${text}`, width - 2), style)),
})

export const detailPane = (model: Model, target: DetailTarget, { width, height }: Rect): PaneFrame => {
  const { tab, focused, up } = model.state.pane
  const inner = width - 2
  const all = contents[tab](model, target, inner - 2)
  const body = height - 2
  const most = Math.max(0, all.length - body)
  const start = fromTop.has(tab) ? Math.min(up, most) : Math.max(0, most - up)
  const lines: Line[] = all.slice(start, start + body).map(({ text, style }) => line(fit(` ${text}`, inner), style))
  const name = target.row ? `${target.row.namespace ? `${target.row.namespace}/` : ''}${target.row.name}` : ''
  return { title: tabs.map((each) => (each === tab ? `[${each}]` : each)).join(' '), info: name, width, height, focused, lines }
}
