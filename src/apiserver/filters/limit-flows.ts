/** Every request takes its seats, waits for them, or is told to come back later. Mirrors apiserver's `pkg/server/filters/priority-and-fairness.go`. */
import type { Clock } from '../../api/clock.ts'
import { tooManyRequests } from '../../api/status.ts'
import { distinguisherOf } from '../flow-control/classify.ts'
import type { Flow, FlowControl } from '../flow-control/flow-control.ts'
import type { Place, Rejection } from '../flow-control/priority-level.ts'
import { afterWriteWork, listSeats } from '../flow-control/width.ts'
import type { Filter, RequestContext } from '../request-context.ts'
import type { ResourceTable } from '../resource-table.ts'
import type { InFlight } from './limit-in-flight.ts'

interface Parts {
  flowControl: FlowControl
  resources: ResourceTable
  clock: Clock
  inFlight: InFlight
  /** How long a request may wait in a queue: a quarter of the time that it has. */
  waitMs: number
}

const readOnlyVerbs = new Set(['get', 'list', 'watch'])

const startsWithState = (query: URLSearchParams): boolean => {
  const wanted = query.get('sendInitialEvents')
  const version = query.get('resourceVersion') ?? ''
  return wanted === null ? version === '' || version === '0' : wanted !== 'false' && wanted !== '0'
}

const seatsOf = ({ info, exchange }: RequestContext, resources: ResourceTable, most: number): number => {
  if (!info.resourceRequest || info.subresource !== '' || info.name !== '' || (info.verb !== 'list' && info.verb !== 'watch')) return 1
  const { query } = exchange
  if (info.verb === 'watch' && !startsWithState(query)) return 1
  const cache = resources.find(info.apiGroup, info.apiVersion, info.resource)?.stored?.cache
  const limit = Number(query.get('limit') ?? 0) || 0
  return listSeats({
    stored: cache && (info.namespace === '' ? cache.size : cache.list(info.namespace).length), limit, selective: query.has('labelSelector') || query.has('fieldSelector'),
    fromCache: !query.has('continue') && query.get('resourceVersionMatch') !== 'Exact' && !(limit > 0 && Number(query.get('resourceVersion') ?? 0) > 0),
  }, most)
}

const watchersOf = ({ info }: RequestContext, resources: ResourceTable): number =>
  (readOnlyVerbs.has(info.verb) || !info.resourceRequest ? 0 : resources.find(info.apiGroup, info.apiVersion, info.resource)?.stored?.cache.watcherCount ?? 0)

const refuse = (context: RequestContext, flow: Flow, why: Rejection): never => {
  context.terminated = true
  flow.statistics.rejected[why] += 1
  throw tooManyRequests('Too many requests, please try again later.', 1)
}

/** Waits in a queue of the flow; resolves with the place when the seats have been taken. */
const wait = async (context: RequestContext, { flow, seats }: { flow: Flow; seats: number }, { clock, resources, waitMs }: Parts): Promise<Place> => {
  const { level, schema, statistics } = flow
  const begun = clock.monotonic()
  const place = level.enqueue({
    seats, workAfter: afterWriteWork(watchersOf(context, resources)), flow: schema.metadata.name, distinguisher: distinguisherOf(schema, context.user, context.info), arrivedAt: clock.now(),
  }, begun)
  if (typeof place === 'string') return refuse(context, flow, place)
  const { signal } = context.exchange
  const decided = new AbortController()
  const cancel = (): void => place.leave('cancelled')
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  void clock.sleep(waitMs, decided.signal).then(() => place.leave('time-out'), () => undefined)
  statistics.waiting += 1
  const outcome = await place.left
  statistics.waiting -= 1
  decided.abort()
  signal.removeEventListener('abort', cancel)
  const seconds = (clock.monotonic() - begun) / 1000
  if (outcome !== 'started') {
    statistics.waitedRejected.observe(seconds)
    return refuse(context, flow, outcome)
  }
  statistics.waitedStarted.observe(seconds)
  context.exchange.waitedSeconds = (context.exchange.waitedSeconds ?? 0) + seconds
  return place
}

export const limitFlows = (parts: Parts): Filter => async (context, next) => {
  if (context.longRunning && context.info.verb !== 'watch') return next()
  const { clock, inFlight } = parts
  const { exchange } = context
  const flow = parts.flowControl.classify(context.user, context.info)
  const { level, statistics } = flow
  // Their UIDs, not their names: what administrators call them is nobody else's.
  exchange.addHeader('x-kubernetes-pf-flowschema-uid', flow.schema.metadata.uid ?? '')
  exchange.addHeader('x-kubernetes-pf-prioritylevel-uid', level.uid)
  const seats = level.exempt ? 1 : seatsOf(context, parts.resources, level.mostSeats)
  let startedAt = clock.monotonic()
  let place: Place | undefined
  if (level.tryStart(seats, startedAt)) statistics.waitedStarted.observe(0)
  else {
    place = await wait(context, { flow, seats }, parts)
    startedAt = clock.monotonic()
  }
  const pool = readOnlyVerbs.has(context.info.verb) ? 'readOnly' : 'mutating'
  let running = true
  const finish = (): void => {
    if (!running) return
    running = false
    const now = clock.monotonic()
    level.finish(seats, now, place && { request: place.request, queue: place.queue, startedAt })
    statistics.executed.observe((now - startedAt) / 1000)
    statistics.executing -= 1
    statistics.seats -= seats
    inFlight[pool] -= 1
  }
  statistics.dispatched += 1
  statistics.executing += 1
  statistics.seats += seats
  inFlight[pool] += 1
  // A watch costs when it begins; what it tells later is on the account of whoever changes something.
  if (context.longRunning) exchange.initialized = finish
  try {
    await next()
  } finally {
    finish()
  }
}
