/** /debug/api_priority_and_fairness/dump_*: tables for people. Mirrors apiserver's `pkg/util/flowcontrol/apf_controller_debug.go`; requests that run are counted, not listed. */
import type { PathHandler } from '../extension.ts'
import type { FlowControl } from './flow-control.ts'

const root = '/debug/api_priority_and_fairness'

const table = (rows: readonly (readonly unknown[])[]): string => {
  const cells = rows.map((row) => row.map((cell, index) => (index + 1 < row.length ? `${String(cell)},` : String(cell))))
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? []
  return cells.map((row) => `${row.map((cell, column) => (column + 1 < row.length ? cell.padEnd((widths[column] ?? 0) + 1) : cell)).join('')}\n`).join('')
}

export const levelTable = ({ levels }: FlowControl): string => table([
  ['PriorityLevelName', 'ActiveQueues', 'IsIdle', 'IsQuiescing', 'WaitingRequests', 'ExecutingRequests', 'DispatchedRequests', 'RejectedRequests', 'TimedoutRequests', 'CancelledRequests'],
  ...[...levels].map(({ name, fairQueues, idle, quiescing, waiting, executing, totals }) =>
    [name, fairQueues?.activeCount ?? 0, idle, quiescing, waiting, executing, totals.dispatched, totals.rejected, totals['time-out'], totals.cancelled]),
])

export const queueTable = ({ levels }: FlowControl): string => table([
  ['PriorityLevelName', 'Index', 'PendingRequests', 'ExecutingRequests', 'SeatsInUse', 'NextDispatchR'],
  ...[...levels].flatMap(({ name, fairQueues }) => (fairQueues?.queues ?? []).map((queue) =>
    [name, queue.index, queue.waiting.length, queue.executing, queue.seatsInUse, `${(queue.nextDispatchR / 1000).toFixed(8)}ss`])),
])

export const requestTable = ({ levels }: FlowControl): string => table([
  ['PriorityLevelName', 'FlowSchemaName', 'QueueIndex', 'RequestIndexInQueue', 'FlowDistingsher', 'ArriveTime', 'InitialSeats'],
  ...[...levels].flatMap(({ name, fairQueues }) => (fairQueues?.queues ?? []).flatMap((queue) => queue.waiting.map(({ request }, index) =>
    [name, request.flow, queue.index, index, request.distinguisher, request.arrivedAt.toISOString(), request.seats]))),
])

export const flowControlPaths = (flowControl: FlowControl): PathHandler[] =>
  ([['dump_priority_levels', levelTable], ['dump_queues', queueTable], ['dump_requests', requestTable]] as const).map(([name, text]) => ({
    path: `${root}/${name}`, listed: true,
    handle: (exchange) => exchange.respond(200, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }, Buffer.from(text(flowControl))),
  }))
