/** Keeps the condition Available of every APIService that another server answers: after each change of it, its Service or endpoints, and now and then. */
import type { Clock } from '../../api/clock.ts'
import { deepEqual } from '../../api/equal.ts'
import { APIServices, EndpointSlices, type Kind, Services } from '../../api/kinds.ts'
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import type { APIService } from '../../api/types.ts'
import type { ServerCounters } from '../counters.ts'
import type { Log } from '../log.ts'
import { availableCondition } from '../registry/apiregistration/api-service.ts'
import type { CacheEvent } from '../watch-cache/cache-event.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'
import { failedDiscovery, type Finding, obstacle, passed, withFinding } from './availability.ts'
import { DueTimes } from './due-times.ts'
import type { WriteApiService } from './own-writes.ts'
import type { RemoteServers } from './remote-server.ts'

export interface AvailabilityParts {
  cache: WatchCache
  clock: Clock
  log: Log
  servers: RemoteServers
  write: WriteApiService
  counters?: Pick<ServerCounters, 'unavailable'>
  /** Told of what a server says that it serves, each time that it is asked. */
  learned(apiService: APIService, resources: JsonObject, signal: AbortSignal): void
  forgotten(name: string): void
  /** Called once, when each that was there at the beginning has been looked at, well or not. */
  lookedAtAll?(): void
}

const attempts = 5
const limits = { timeoutMs: 5000, maxBytes: 8 << 20 }

export const discoveryPath = ({ spec: { group = '', version = '' } }: APIService): string => (group === '' ? `/api/${version}` : `/apis/${group}/${version}`)

const hostPort = ({ host, port }: { host: string; port: number }): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/** The server's own list of its resources. Rejects with why there is none. */
const askOnce = async ({ servers }: Pick<AvailabilityParts, 'servers'>, apiService: APIService, signal: AbortSignal): Promise<JsonObject> => {
  const address = servers.resolve(apiService)
  const path = discoveryPath(apiService)
  const url = `https://${hostPort(address)}${path}`
  const answer = await servers.get(address, path, { ...limits, signal }).catch((error: unknown) => { throw new Error(`failing or missing response from ${url}: ${(error as Error).message}`) })
  if (answer.status < 200 || answer.status >= 300) throw new Error(`failing or missing response from ${url}: bad status from ${url}: ${answer.status}`)
  try {
    return JSON.parse(answer.body.toString()) as JsonObject
  } catch {
    return {}
  }
}

/** One good answer is enough: of several servers behind a Service some may be gone. */
const ask = async (parts: AvailabilityParts, apiService: APIService, signal: AbortSignal): Promise<Finding> => {
  try {
    const list = await askOnce(parts, apiService, signal).catch(() => Promise.any(Array.from({ length: attempts - 1 }, () => askOnce(parts, apiService, signal))))
    parts.learned(apiService, list, signal)
    return passed
  } catch (error) {
    const last = error instanceof AggregateError ? (error.errors.at(-1) as Error) : (error as Error)
    return failedDiscovery(last.message)
  }
}

/** Whether all is well with it, or there is nothing to look after. */
const check = async (parts: AvailabilityParts, name: string, signal: AbortSignal): Promise<boolean | undefined> => {
  const { cache: { lookup }, clock, counters, write } = parts
  const apiService = lookup.get(APIServices, name)
  if (!apiService?.spec.service) {
    parts.forgotten(name)
    return undefined
  }
  const finding = obstacle(apiService, lookup) ?? await ask(parts, apiService, signal)
  const next = withFinding(apiService, finding, clock.now())
  if (finding.status === 'False' && availableCondition(apiService)?.status === 'True') counters?.unavailable.count({ name, reason: finding.reason })
  if (next && !await write({ method: 'PUT', name, subresource: 'status', object: next }, signal)) return false
  return finding.reason !== 'FailedDiscoveryCheck'
}

const serviceOf = ({ current, previous }: CacheEvent): { namespace: string; name: string } => {
  const { metadata } = (current ?? previous)?.object as KubeObject
  return { namespace: metadata.namespace ?? '', name: metadata.labels?.['kubernetes.io/service-name'] ?? '' }
}

const follow = ({ cache, clock }: AvailabilityParts, due: DueTimes): (() => void) => {
  const users = (namespace: string, service: string): void => {
    for (const { metadata, spec } of cache.lookup.list(APIServices)) if (spec.service?.name === service && spec.service.namespace === namespace) due.mark(metadata.name, clock.monotonic())
  }
  const all = (): void => { for (const { metadata } of cache.lookup.list(APIServices)) due.mark(metadata.name, clock.monotonic()) }
  const on = (kind: Kind, offer: (event: CacheEvent) => void): (() => void) => (cache.has(kind) ? cache.of(kind).subscribe({ namespace: '', offer, flush: () => undefined, expire: all }) : () => undefined)
  const stops = [
    on(APIServices, (event) => {
      const { current, previous } = event
      if (current && previous && deepEqual((current.object as APIService).spec, (previous.object as APIService).spec)) return
      due.mark(((current ?? previous)?.object as KubeObject).metadata.name, clock.monotonic())
    }),
    on(Services, ({ current, previous }) => { const { metadata } = (current ?? previous)?.object as KubeObject; users(metadata.namespace ?? '', metadata.name) }),
    on(EndpointSlices, (event) => { const { namespace, name } = serviceOf(event); users(namespace, name) }),
  ]
  all()
  return () => { for (const stop of stops) stop() }
}

export const runAvailability = async (parts: AvailabilityParts, signal: AbortSignal): Promise<void> => {
  const { clock, log } = parts
  const due = new DueTimes()
  const underWay = new Map<string, Promise<void>>()
  const work = async (name: string): Promise<void> => {
    const well = await check(parts, name, signal).catch((error: unknown) => {
      if (!signal.aborted) log.warn('the availability of an APIService could not be found out', { name, error: String(error) })
      return false
    })
    underWay.delete(name)
    if (well === undefined) due.forget(name)
    else due.done(name, well, clock.monotonic())
  }
  const stop = follow(parts, due)
  let begun = false
  while (!signal.aborted) {
    const changed = due.changed()
    const now = clock.monotonic()
    for (const name of due.take(now)) {
      if (underWay.has(name)) underWay.set(name, underWay.get(name)?.then(() => { due.mark(name, now) }) ?? Promise.resolve())
      else underWay.set(name, work(name))
    }
    if (!begun) void Promise.all(underWay.values()).then(() => parts.lookedAtAll?.())
    begun = true
    const pause = new AbortController()
    const waited = due.next === Infinity ? undefined : clock.sleep(Math.max(0, due.next - clock.monotonic()), AbortSignal.any([signal, pause.signal])).catch(() => undefined)
    const aborted = new Promise<void>((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true, signal: pause.signal }) })
    await Promise.race([changed, aborted, ...(waited ? [waited] : [])])
    pause.abort()
  }
  stop()
  await Promise.allSettled(underWay.values())
}
