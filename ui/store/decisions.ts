/** Why the scheduler put a pod where it is: its own words, through the proxy of a control plane node; other schedulers tell nothing. */
import type { Client } from '../../src/client/client.ts'
import { text } from '../../src/client/watch.ts'
import { sanitize } from '../text/sanitize.ts'
import type { TableRow } from './table-row.ts'

interface NodeVerdict { name: string; fits: boolean; filters: Record<string, { fits: boolean; why?: string[] }>; scores?: Record<string, unknown>; total?: number }
interface Decision {
  at: string; milliseconds: number; attempt: number; result: string; node?: string; message?: string
  nodes: NodeVerdict[]; scorePlugins?: { name: string; weight?: number }[]; tieBreak?: { among: string[]; rule: string }
}

const scoreText = (score: unknown): string => {
  if (typeof score === 'number') return String(score)
  if (typeof score !== 'object' || score === null) return '-'
  return Object.entries(score).map(([name, value]) => `${name} ${String(value)}`).join(', ')
}

const nodeLines = ({ name, fits, filters, scores, total }: NodeVerdict): string[] => [
  `  ${name}  ${fits ? 'fits' : 'does not fit'}${total === undefined ? '' : `  total ${total}`}`,
  ...Object.entries(filters).filter(([, verdict]) => !verdict.fits).map(([plugin, { why = [] }]) => `    ${plugin}: ${why.join('; ')}`),
  ...Object.entries(scores ?? {}).map(([plugin, score]) => `    ${plugin.padEnd(34)} ${scoreText(score)}`),
]

const decisionLines = (decision: Decision): string[] => [
  `${decision.at}  attempt ${decision.attempt}: ${decision.result}${decision.node ? ` on ${decision.node}` : ''}  (${decision.milliseconds} ms)`,
  ...(decision.message ? [`  ${decision.message}`] : []),
  ...decision.nodes.toSorted((left, right) => (right.total ?? -1) - (left.total ?? -1)).flatMap(nodeLines),
  ...(decision.tieBreak ? [`  equal best: ${decision.tieBreak.among.join(', ')} (${decision.tieBreak.rule})`] : []),
  '',
]

const isControlPlane = ({ object }: TableRow): boolean => object.metadata.labels?.['node-role.kubernetes.io/control-plane'] !== undefined

/** Lines to show, or why there are none. */
export const readDecisions = async (client: Client, { pod, nodes }: { pod: string; nodes: readonly TableRow[] }, signal: AbortSignal): Promise<string[] | string> => {
  const candidates = nodes.some(isControlPlane) ? nodes.filter(isControlPlane) : nodes
  let why = 'no node is known yet'
  for (const { name } of candidates) {
    const response = await client.raw({ method: 'GET', path: `/api/v1/nodes/${encodeURIComponent(`https:${name}:10259`)}/proxy/wherry/decisions?pod=${pod}`, headers: { accept: 'application/json' } }, signal)
    const body = await text(response.body)
    if (response.status === 200) {
      const { decisions } = JSON.parse(body) as { decisions: Decision[] }
      return decisions.length > 0 ? decisions.flatMap(decisionLines).map(sanitize) : 'the scheduler remembers no decision about this pod: it has restarted since, or another scheduler or a DaemonSet placed it'
    }
    why = `the scheduler on ${name} answers ${response.status}`
  }
  return `n/a (${why})`
}
