/** apiserver_flowcontrol_*, under upstream's names. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { FlowControl } from './flow-control.ts'
import { type Durations, durationBounds, type FlowStatistics } from './flow-statistics.ts'
import type { PriorityLevel } from './priority-level.ts'

const prefix = 'apiserver_flowcontrol_'
const byFlow = ['priority_level', 'flow_schema']

const rejections = (statistics: FlowStatistics): [string, number][] => Object.entries(statistics.rejected).filter(([, count]) => count > 0)

export const registerFlowMetrics = (registry: Registry, flowControl: FlowControl): void => {
  const registers = [registry]
  const flows = (name: string, help: string, value: (statistics: FlowStatistics) => number): void => {
    new Gauge({ name: `${prefix}${name}`, help, registers, labelNames: byFlow, collect() {
      for (const [priority_level, flow_schema, statistics] of flowControl.series) this.set({ priority_level, flow_schema }, value(statistics))
    } })
  }
  const levels = (name: string, help: string, value: (level: PriorityLevel) => number): void => {
    new Gauge({ name: `${prefix}${name}`, help, registers, labelNames: ['priority_level'], collect() {
      this.reset()
      for (const level of flowControl.levels) this.set({ priority_level: level.name }, value(level))
    } })
  }
  new Counter({ name: `${prefix}dispatched_requests_total`, help: 'Requests that were let through.', registers, labelNames: byFlow, collect() {
    this.reset()
    for (const [priority_level, flow_schema, { dispatched }] of flowControl.series) this.inc({ priority_level, flow_schema }, dispatched)
  } })
  new Counter({ name: `${prefix}rejected_requests_total`, help: 'Requests that were told to come back later.', registers, labelNames: [...byFlow, 'reason'], collect() {
    this.reset()
    for (const [priority_level, flow_schema, statistics] of flowControl.series) for (const [reason, count] of rejections(statistics)) this.inc({ priority_level, flow_schema, reason }, count)
  } })
  flows('current_inqueue_requests', 'Requests that wait in queues.', ({ waiting }) => waiting)
  flows('current_executing_requests', 'Requests that are served, or watches that begin.', ({ executing }) => executing)
  flows('current_executing_seats', 'Seats of the requests that are served.', ({ seats }) => seats)
  levels('nominal_limit_seats', 'Seats that belong to the level.', ({ limits }) => limits.nominal)
  levels('lower_limit_seats', 'Seats that the level keeps when it lends.', ({ limits }) => limits.lowest)
  levels('upper_limit_seats', 'Seats that the level may have with what it borrows.', ({ limits }) => limits.highest)
  levels('current_limit_seats', 'Seats that the level may use now.', ({ limit }) => limit)
}

const linesOf = (name: string, labels: Record<string, string>, { buckets, sum }: Durations): string[] => {
  const shown = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')
  let total = 0
  const lines = buckets.map((count, index) => `${name}_bucket{le="${durationBounds[index] ?? '+Inf'}",${shown}} ${(total += count)}`)
  return [...lines, `${name}_sum{${shown}} ${sum}`, `${name}_count{${shown}} ${total}`]
}

const seen = ({ buckets }: Durations): boolean => buckets.some((count) => count > 0)

/** The histograms, as text. */
export const flowDurations = (flowControl: FlowControl): string => {
  const waits: string[] = []
  const runs: string[] = []
  for (const [priority_level, flow_schema, { waitedStarted, waitedRejected, executed }] of flowControl.series) {
    if (seen(waitedStarted)) waits.push(...linesOf(`${prefix}request_wait_duration_seconds`, { execute: 'true', flow_schema, priority_level }, waitedStarted))
    if (seen(waitedRejected)) waits.push(...linesOf(`${prefix}request_wait_duration_seconds`, { execute: 'false', flow_schema, priority_level }, waitedRejected))
    if (seen(executed)) runs.push(...linesOf(`${prefix}request_execution_seconds`, { flow_schema, priority_level }, executed))
  }
  const part = (name: string, help: string, lines: readonly string[]): string => `# HELP ${prefix}${name} ${help}\n# TYPE ${prefix}${name} histogram\n${lines.map((line) => `${line}\n`).join('')}`
  return part('request_wait_duration_seconds', 'How long requests waited in queues.', waits) + part('request_execution_seconds', 'How long requests had their seats.', runs)
}
