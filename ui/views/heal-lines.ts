/** Faults and recoveries in words, with milliseconds from the fault on. */
import type { HealEvent } from '../../src/api/heal.ts'
import type { Lane } from '../store/heal.ts'
import { fit } from '../text/fit.ts'
import { durationText } from '../text/numbers.ts'
import { sanitize } from '../text/sanitize.ts'
import type { StyleName } from '../theme/palette.ts'

const signalNames: Readonly<Record<number, string>> = { 1: 'SIGHUP', 2: 'SIGINT', 3: 'SIGQUIT', 6: 'SIGABRT', 9: 'SIGKILL', 11: 'SIGSEGV', 15: 'SIGTERM' }

const exitWords = ({ exitCode, signal, message }: HealEvent): string =>
  [exitCode === undefined ? 'ended' : `exit ${exitCode}`, signal ? (signalNames[signal] ?? `signal ${signal}`) : '', message ?? ''].filter(Boolean).join(' ')

/** What happened, as a person says it. */
const healWords = (event: HealEvent): string => {
  const { phase, container, attempt, message } = event
  const more = message ? `: ${message}` : ''
  switch (phase) {
    case 'exit': return sanitize(`${container} #${attempt} ${exitWords(event)}`)
    case 'backoff': return sanitize(`restart waits${more}`)
    case 'started': return sanitize(`#${attempt} started${message ? `, ${message}` : ''}`)
    case 'probing': return sanitize(`probing${more}`)
    case 'ready': return sanitize(`ready${more}`)
    default: return sanitize(`${phase}${more}`)
  }
}

const letters: Readonly<Record<string, string>> = { exit: 'X', killing: 'T', reaped: 'r', backoff: 'B', created: 'c', started: 'S', probing: '~', ready: 'R', unready: 'U', sandbox: 'N', endpoint: 'E', rules: 'K' }

/** The lane as a line of `cells`: each phase's letter where it happened, on a scale that ends at the lane's end. */
const laneText = ({ events, healedMs }: Lane, cells: number): string => {
  const begin = events[0]?.monotonicMs ?? 0
  const span = Math.max(1, (events.at(-1)?.monotonicMs ?? begin) - begin)
  const drawn = Array.from({ length: cells }, () => '-')
  for (const { phase, monotonicMs } of events) drawn[Math.min(cells - 1, Math.round(((monotonicMs - begin) / span) * (cells - 1)))] = letters[phase] ?? '?'
  if (healedMs === undefined) drawn[cells - 1] = '>'
  return drawn.join('')
}

const timeOf = (at: string): string => at.slice(11, 23)

/** One lane as a table: when, what, how long after the fault. */
export const laneLines = ({ events }: Lane, width: number): string[] => {
  const begin = events[0]?.monotonicMs ?? 0
  const span = Math.max(1, (events.at(-1)?.monotonicMs ?? begin) - begin)
  const barCells = width >= 70 ? 12 : 0
  const words = width - 13 - (barCells > 0 ? barCells + 3 : 0) - 10
  return events.map((event, index) => {
    const after = event.monotonicMs - begin
    const bar = barCells > 0 ? `| ${fit('='.repeat(Math.round((after / span) * barCells)), barCells)} ` : ''
    return `${fit(index === 0 ? timeOf(event.at) : `     ${timeOf(event.at).slice(5)}`, 13)}${fit(healWords(event), words)}${bar}${fit(`${index === 0 ? '' : '+'}${durationText(after)}`, 10, 'right')}`
  })
}

export const laneSummary = (lane: Lane, width: number): { text: string; style: StyleName } => {
  const result = lane.healedMs === undefined ? `${lane.events.at(-1)?.phase ?? ''}` : `${durationText(lane.healedMs)} healed`
  const name = `${lane.podName}${lane.container ? ` ${lane.container}` : ''} #${lane.number}`
  const names = Math.max(16, Math.floor(width * 0.4))
  const cells = Math.max(8, width - names - 18)
  return { text: `${fit(sanitize(name), names)} |${laneText(lane, cells)} ${fit(result, 15, 'right')}`, style: lane.healedMs === undefined ? 'pending' : 'standard' }
}
