/** The lines at the top: what the cluster is, how full it is, whether we still hear from it, and what heals. */
import { parseQuantity, toMilli, toNumber } from '../../src/api/quantity.ts'
import type { Node } from '../../src/api/types.ts'
import { fit, spread } from '../text/fit.ts'
import { bar, bytesText, durationText, percentile } from '../text/numbers.ts'
import { sanitize, widthOf } from '../text/sanitize.ts'
import type { StyleName } from '../theme/palette.ts'
import { cellOf, rowStyle } from '../views/row-style.ts'
import { type Line, line } from './frame.ts'
import type { Model } from './model.ts'

interface Load { cpuCores: number; cpuUsed: number; memory: number; memoryUsed: number; known: boolean }

const loadOf = ({ cluster }: Model): Load => {
  const load: Load = { cpuCores: 0, cpuUsed: 0, memory: 0, memoryUsed: 0, known: false }
  for (const row of cluster.nodes.rows.values()) {
    const capacity = (row.object as unknown as Node).status?.capacity
    const used = cluster.usage.nodes.get(row.name)?.now
    if (!capacity?.['cpu'] || !capacity['memory'] || !used) continue
    load.known = true
    load.cpuCores += Number(toMilli(parseQuantity(capacity['cpu']))) / 1000
    load.memory += toNumber(parseQuantity(capacity['memory']))
    load.cpuUsed += used.cpuNanoCores / 1e9
    load.memoryUsed += used.memoryBytes
  }
  return load
}

const share = (used: number, of: number): number => (of > 0 ? used / of : 0)
/** `cells` for the bar; none where there is no room for one. */
const gauge = (name: string, fraction: number, cells: number): string => `${name} ${`${Math.round(fraction * 100)}%`.padStart(3)}${cells < 1 ? '' : ` ${bar(fraction, cells)}`}`

/** Both gauges in so many columns. */
const gaugesIn = (room: number, { cpu, memory }: { cpu: number; memory: number }): string => {
  const bars = Math.min(9, Math.floor((room - '  cpu 100% []  mem 100% []'.length) / 2))
  return `  ${gauge('cpu', cpu, bars)}  ${gauge('mem', memory, bars)}`
}

const counts = ({ cluster }: Model): { nodes: string; pods: string; allReady: boolean } => {
  const nodes = [...cluster.nodes.rows.values()]
  const pods = [...cluster.pods.rows.values()]
  const ready = nodes.filter((row) => cellOf(cluster.nodes.columns, row, 'Status').split(',').includes('Ready')).length
  const fine = pods.filter((row) => { const style = rowStyle(cluster.pods.columns, row); return style === 'standard' || style === 'completed' }).length
  return { nodes: `${ready}/${nodes.length} nodes`, pods: `${fine}/${pods.length} pods`, allReady: ready === nodes.length && fine === pods.length }
}

const awaySeconds = ({ cluster: { connection }, monotonic }: Model): string => ('since' in connection.now ? `${Math.max(0, Math.round((monotonic - connection.now.since) / 1000))}s` : '')

const linkWord = (model: Model): { text: string; style: StyleName } => {
  if (model.state.paused) return { text: 'PAUSED', style: 'warn' }
  const { state } = model.cluster.connection.now
  if (state === 'live') return { text: 'LIVE', style: 'good' }
  return { text: `${state === 'away' ? 'AWAY' : 'CONNECTING'} ${awaySeconds(model)}`, style: 'bad' }
}

const healWords = ({ cluster: { heal } }: Model): string => {
  const open = heal.open()
  const last = heal.lanes.findLast(({ healedMs }) => healedMs !== undefined)
  const all = heal.healed()
  const now = open.length === 0 ? 'all quiet' : open.slice(-2).map(({ podName, events }) => `${podName} ${events.at(-1)?.phase ?? ''}`).join(', ') + (open.length > 2 ? ` +${open.length - 2}` : '')
  return [now, last?.healedMs === undefined ? '' : `last ${last.podName} ${durationText(last.healedMs)}`, all.length === 0 ? '' : `p50 ${durationText(percentile(all, 0.5))} p95 ${durationText(percentile(all, 0.95))}`].filter(Boolean).join(' | ')
}

const revision = ({ cluster }: Model): string => {
  let newest = 0n
  for (const feed of [cluster.pods, cluster.nodes]) for (const row of feed.rows.values()) {
    const own = /^\d+$/.test(row.object.metadata.resourceVersion) ? BigInt(row.object.metadata.resourceVersion) : 0n
    if (own > newest) newest = own
  }
  return newest > 0n ? `rev ${newest}` : ''
}

/** `rows` lines; two for small terminals, three for large ones. */
export const headerLines = (model: Model, rows: number): Line[] => {
  if (rows === 0) return []
  const { cluster, columns, state } = model
  const load = loadOf(model)
  const { nodes, pods, allReady } = counts(model)
  const link = linkWord(model)
  const mode = state.readOnly ? 'RO' : 'RW'
  const name = fit(sanitize(cluster.identity.context), Math.min(24, widthOf(cluster.identity.context))).trimEnd()
  const right = ` ${mode} `
  const [cpu, memory] = [share(load.cpuUsed, load.cpuCores), share(load.memoryUsed, load.memory)]
  const room = columns - right.length - link.text.length - 1
  const wide = rows >= 3
  const head = ` ${name}  `
  const numbers = `${nodes}  ${pods}`
  const gauges = load.known ? gaugesIn(room - widthOf(head) - numbers.length, { cpu, memory }) : '  cpu n/a  mem n/a'
  const middle = wide ? `${numbers}  user ${sanitize(cluster.identity.user)}  server ${sanitize(cluster.identity.server)}  watches ${cluster.feeds.count}` : `${numbers}${gauges}`
  const rest = fit(middle, Math.max(0, room - widthOf(head)))
  const first: Line = [{ text: head, style: 'title' }, { text: rest, style: allReady ? 'plain' : 'warn' }, { text: right, style: state.readOnly ? 'warn' : 'plain' }, { text: link.text, style: link.style }, { text: ' ', style: 'plain' }]
  const heal = line(spread(` heal: ${sanitize(healWords(model))}`, `${revision(model)} `, columns), cluster.heal.open().length > 0 ? 'pending' : 'dim')
  if (!wide) return [first, heal]
  const second = line(fit(load.known
    ? ` cpu ${fit(`${Math.round(cpu * 100)}%`, 4, 'right')} ${bar(cpu, 20)} ${load.cpuUsed.toFixed(1)} of ${load.cpuCores} cores      mem ${bytesText(load.memoryUsed)}/${bytesText(load.memory)} ${bar(memory, 20)}`
    : ' cpu n/a   mem n/a', columns), 'plain')
  return [first, second, heal]
}
