/** Columns as data, for any kind: the server's, with the namespace in front where it matters, and live ones of pods and nodes put in. */
import { nodeUidOf } from '../store/node-uid.ts'
import type { TableColumn, TableRow } from '../store/table-row.ts'
import type { UsageSeries, UsageStore } from '../store/usage.ts'
import { cpuText, memoryText, shortAge, trend } from '../text/numbers.ts'
import { sanitize } from '../text/sanitize.ts'

export interface Column {
  title: string
  align: 'left' | 'right'
  /** The smaller, the sooner the column is left out when there is no room; the name never is. */
  weight: number
  /** Narrower than its widest value when there is no room. */
  shrinks: boolean
  value(row: TableRow): string
}

export interface ColumnFacts { usage: UsageStore; now: Date; allNamespaces: boolean; wide: boolean; roomy: boolean; kind: string }

const headings: Readonly<Record<string, string>> = { Ready: 'RDY', Restarts: 'RST', Age: 'UP' }
/** Where live columns are among them: what helps most comes first; the others follow. */
const liveOrder: readonly string[] = ['Name', 'Ready', 'Status', 'Roles', 'Restarts', 'CPU', 'MEM', 'TREND 60s', 'IP', 'Node', 'Version', 'Age']
const weights: Readonly<Record<string, number>> = {
  Name: 100, Status: 90, Ready: 85, Restarts: 70, CPU: 65, MEM: 64, Age: 60, Namespace: 58, Node: 50, 'TREND 60s': 45, IP: 30, Message: 80, Reason: 75, Object: 72, Type: 71, 'Last Seen': 70,
}

const ageText = (row: TableRow, column: string, now: Date): string | undefined => {
  const at = column === 'Age' ? row.object.metadata.creationTimestamp : column === 'Last Seen' ? row.object['lastTimestamp'] || row.object['eventTime'] : undefined
  const time = typeof at === 'string' ? Date.parse(at) : NaN
  return Number.isNaN(time) ? undefined : shortAge(now.getTime() - time)
}

const served = ({ name, type }: TableColumn, index: number, now: Date): Column => ({
  title: (Object.hasOwn(headings, name) ? headings[name] : undefined) ?? name.toUpperCase(), align: type === 'integer' || type === 'number' || name === 'Age' || name === 'Restarts' ? 'right' : 'left',
  weight: (Object.hasOwn(weights, name) ? weights[name] : undefined) ?? 40 - index, shrinks: name === 'Name' || name === 'Message' || type !== 'integer' && index > 3,
  value: (row) => {
    const cell = row.cells[index]
    // The server's ages are those of the event that brought the row; ours go on.
    const age = ageText(row, name, now)
    if (age !== undefined) return age
    if (cell === null || cell === undefined) return '-'
    return name === 'Restarts' ? sanitize(String(cell)).replace(/ \(.*\)$/, '') : sanitize(String(cell))
  },
})

const moved = ({ now, before }: UsageSeries, of: 'cpuNanoCores' | 'memoryBytes'): string => {
  if (!before || now[of] === before[of]) return ' '
  const change = (now[of] - before[of]) / Math.max(1, before[of])
  return Math.abs(change) < 0.05 || Math.abs(now[of] - before[of]) < (of === 'cpuNanoCores' ? 2e6 : 2 ** 20) ? ' ' : change > 0 ? '^' : 'v'
}

const live = ({ usage, kind }: ColumnFacts): Column[] => {
  const series = (row: TableRow): UsageSeries | undefined => (kind === 'Node' ? usage.nodes.get(row.name) : usage.pods.get(nodeUidOf(row.object)))
  const number = (title: string, of: 'cpuNanoCores' | 'memoryBytes', text: (value: number) => string): Column => ({
    title: `${title} `, align: 'right', weight: weights[title] ?? 0, shrinks: false,
    value: (row) => { const known = series(row); return known ? text(known.now[of]) + moved(known, of) : 'n/a ' },
  })
  return [
    number('CPU', 'cpuNanoCores', cpuText), number('MEM', 'memoryBytes', memoryText),
    { title: 'TREND 60s', align: 'left', weight: weights['TREND 60s'] ?? 0, shrinks: false, value: (row) => { const known = series(row); return known && known.cpu.length > 1 ? trend(known.cpu, 9) : '' } },
  ]
}

const placeOf = (name: string): number => { const place = liveOrder.indexOf(name); return place < 0 ? liveOrder.length : place }

export const columnsOf = (columns: readonly TableColumn[], facts: ColumnFacts): Column[] => {
  const { kind, wide, roomy, now, allNamespaces } = facts
  if (columns.length === 0) return []
  const isPod = kind === 'Pod'
  const shown = columns.flatMap((column, index) => (column.priority === 0 || wide || (isPod && (column.name === 'Node' || (roomy && column.name === 'IP'))) ? [{ name: column.name, column: served(column, index, now) }] : []))
  const more = isPod || kind === 'Node' ? live(facts).map((column) => ({ name: column.title.trim(), column })) : []
  const all = more.length > 0 ? [...shown, ...more].sort((left, right) => placeOf(left.name) - placeOf(right.name)) : shown
  const namespace: Column = { title: 'NAMESPACE', align: 'left', weight: weights['Namespace'] ?? 0, shrinks: true, value: ({ namespace: name }) => sanitize(name) }
  return [...(allNamespaces ? [namespace] : []), ...all.map(({ column }) => column)]
}
