/** The API server: what it is given, and what it gives. `createApiServer` puts the parts together; every transport ends in `handle`. */
import type { Clock } from '../api/clock.ts'
import { audit, type AuditOptions } from './audit/audit.ts'
import { type Aggregation, aggregation, type AggregationOptions } from './aggregation/aggregation.ts'
import { CustomResourceDefinitions, Events, groupResource, type Kind, ValidatingAdmissionPolicies } from '../api/kinds.ts'
import type { Random } from '../api/random.ts'
import type { AdmissionPlugin } from './admission/plugin.ts'
import { runPolicyStatus } from './admission/validating-admission-policy-status.ts'
import type { Authenticator } from './authentication/authenticator.ts'
import type { Authorizer } from './authorization/authorizer.ts'
import { serverCounters, type ServerCounters } from './counters.ts'
import { Definitions } from './crd/definitions.ts'
import type { Exchange } from './exchange.ts'
import type { Delegate, PathHandler, SubresourceHandler, VirtualResource } from './extension.ts'
import { flowControlPaths } from './flow-control/dump.ts'
import { FlowControl, type FlowControlOptions } from './flow-control/flow-control.ts'
import type { InFlightLimits } from './filters/limit-in-flight.ts'
import { bindings } from './handlers/bindings.ts'
import { bootstrapHooks } from './bootstrap/bootstrap-objects.ts'
import { StartHooks } from './start-hooks.ts'
import type { HealthCheck } from './health.ts'
import { type InMemoryTransport, inMemoryTransport } from './listener/in-memory-transport.ts'
import { listen, type ListenOptions } from './listener/listen.ts'
import type { Log } from './log.ts'
import { type BootstrapOptions, runBootstrap } from './bootstrap/bootstrap.ts'
import { runAddressRepair } from './bootstrap/service-addresses.ts'
import { ownObjects } from './handlers/own-objects.ts'
import type { Lookup, Strategy, UserInfo } from './registry/strategy.ts'
import type { Filter } from './request-context.ts'
import { RequestPipeline } from './request-pipeline.ts'
import { ResourceTable } from './resource-table.ts'
import type { ServerParts } from './server-parts.ts'
import { runAutoCompaction } from './storage/auto-compaction.ts'
import { EventLeases } from './storage/event-leases.ts'
import { ObjectStorage, type ServerStore } from './storage/object-storage.ts'
import type { ConnectHandler } from './streaming/connect-handler.ts'
import { viewedResources } from './views.ts'
import type { Follower } from './watch-cache/kind-cache.ts'
import { WatchCache } from './watch-cache/watch-cache.ts'

/** What parts that are made with the server may use: the objects, read from its cache, and a line to itself. */
export interface ProviderParts {
  lookup: Lookup
  /** Tells of all objects of a kind and of every change. */
  follow(kind: Pick<Kind, 'group' | 'plural'>, follower: Follower): void
  clock: Clock
  random: Random
  log: Log
  counters: ServerCounters
  transport(user: UserInfo): InMemoryTransport
}

export type Provided<T> = T | ((parts: ProviderParts) => T)

export interface ApiServerOptions {
  store: ServerStore
  clock: Clock
  random: Random
  log: Log
  /** Wherry's own version. */
  version: string
  strategies: readonly Strategy[]
  authenticator: Provided<Authenticator>
  authorizer: Provided<Authorizer>
  /** In the order in which they run. */
  admission: Provided<readonly AdmissionPlugin[]>
  virtualResources?: Provided<readonly VirtualResource[]>
  subresources?: Provided<readonly SubresourceHandler[]>
  connectHandlers?: Provided<readonly ConnectHandler[]>
  paths?: Provided<readonly PathHandler[]>
  delegate?: Provided<Delegate>
  /** Servers behind this one, by APIServices; absent: none, and no APIServices of our own. Not together with `delegate`. */
  aggregation?: AggregationOptions
  /** What is told of requests, and to whom; absent: nothing. Whoever gives the sink closes it. */
  audit?: AuditOptions | undefined
  /** Run between impersonation and the in-flight limit. */
  filters?: Provided<readonly Filter[]>
  healthChecks?: readonly HealthCheck[]
  /** Objects that upstream's server makes for itself; absent: none (tests). */
  bootstrap?: BootstrapOptions
  /** How long Events live; upstream's --event-ttl, an hour. */
  eventTtlSeconds?: number
  /** Priority and fairness, in place of the in-flight limits. */
  flowControl?: FlowControlOptions | undefined
  /** Upstream's, when there is no `flowControl`. */
  inFlightLimits?: InFlightLimits | undefined
  /** For requests that are not long-running; a minute. */
  requestTimeoutMs?: number | undefined
  /** Origins whose pages may read answers: regular expressions that pin both ends of the host. */
  corsAllowedOrigins?: readonly string[] | undefined
  /** host:port as discovery tells it. */
  serverAddress?: string
}

export interface ApiServer {
  readonly handle: (exchange: Exchange) => Promise<void>
  /** Resolves when requests can be served. */
  readonly ready: Promise<void>
  readonly lookup: Lookup
  readonly resources: ResourceTable
  /** The servers behind this one, where there may be some. */
  readonly aggregation: Aggregation | undefined
  /** Feeds the cache, compacts the store, makes the bootstrap objects, until the signal aborts; requests are served meanwhile. */
  run(signal: AbortSignal): Promise<void>
  /** A component that serves a port; give it the signal that `run` gets. */
  listen(options: ListenOptions): { name: string; run(signal: AbortSignal): Promise<void> }
  inMemoryTransport(user: UserInfo): InMemoryTransport
  /** Serves one more kind from now on. */
  addKind(strategy: Strategy): Promise<void>
  removeKind(kind: Strategy['kind']): void
}

const defaultEventTtlSeconds = 3600
/** What begins with the servers behind this one, by the names of kube-aggregator's `pkg/apiserver/apiserver.go`. */
const followingHooks = ['apiservice-status-local-available-controller', 'apiservice-status-remote-available-controller', 'apiservice-openapi-controller', 'apiservice-openapiv3-controller']
/** How long a stopping server waits for requests that are under way. */
const lastRequestsMs = 3000

export const createApiServer = (options: ApiServerOptions): ApiServer => {
  const { store, clock, random, log } = options
  const cache = new WatchCache({ store, clock, log })
  const resources = new ResourceTable()
  const stopping = new AbortController()
  const counters = serverCounters()
  const given = <T>(provided: Provided<T>): T => (typeof provided === 'function' ? (provided as (parts: ProviderParts) => T)(providerParts) : provided)
  // Requests may come while the pieces below are still being put together: they go through here.
  const handle = (exchange: Exchange): Promise<void> => pipeline.handle(exchange)
  const providerParts: ProviderParts = { lookup: cache.lookup, follow: (kind, follower) => cache.followKind(kind, follower), clock, random, log, counters, transport: (user) => inMemoryTransport(user, handle) }
  const parts: ServerParts = {
    store, cache, resources, clock, random, log, counters, stopping: stopping.signal, admission: given(options.admission), storage: new ObjectStorage({ store, cache, leases: new EventLeases(store, clock) }),
  }
  // Custom resources are served where their definitions are stored.
  const definitions = options.strategies.some(({ kind }) => kind === CustomResourceDefinitions)
    ? new Definitions({ server: parts, transport: providerParts.transport({ name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }) }) : undefined
  const aggregated: Aggregation | undefined = options.aggregation && aggregation({
    options: options.aggregation, cache, resources, clock, random, log, counters, transport: providerParts.transport, registered: () => hooks.finished('kube-apiserver-autoregistration', 'apiservice-registration-controller'),
    following: () => hooks.finished(...followingHooks), discovered: () => hooks.finished('apiservice-discovery-controller'),
  })
  const flowControl = options.flowControl && new FlowControl({ cache, clock, log, seats: options.flowControl.seats })
  const hooks = new StartHooks()
  const { promise: ready, resolve: becomeReady } = Promise.withResolvers<void>()
  const state = { ready: false }
  const pipeline: RequestPipeline = new RequestPipeline({
    parts, ready, isReady: () => state.ready, version: options.version, authenticator: given(options.authenticator), authorizer: given(options.authorizer),
    connectHandlers: given(options.connectHandlers ?? []), subresources: given(options.subresources ?? []), paths: [...given(options.paths ?? []), ...(flowControl ? flowControlPaths(flowControl) : [])], flowControl,
    delegate: aggregated ?? (options.delegate && given(options.delegate)), filters: given(options.filters ?? []), audit: options.audit && audit(options.audit, { clock, random, log, counters }), healthChecks: [...options.healthChecks ?? [], ...(aggregated ? [{ name: 'autoregister-completion', check: () => (hooks.isFinished('kube-apiserver-autoregistration') ? undefined : 'missing APIService registrations') }] : [])],
    inFlightLimits: options.inFlightLimits, requestTimeoutMs: options.requestTimeoutMs, serverAddress: options.serverAddress ?? '',
    corsAllowedOrigins: options.corsAllowedOrigins ?? [], hooks,
  })
  hooks.expect('start-apiserver-admission-initializer', 'generic-apiserver-start-informers')
  if (flowControl) hooks.expect('priority-and-fairness-config-consumer', 'priority-and-fairness-filter')
  if (definitions) hooks.expect('start-apiextensions-informers', 'start-apiextensions-controllers', 'crd-informer-synced')
  if (options.bootstrap) hooks.expect(...bootstrapHooks, 'start-service-ip-repair-controllers')
  if (aggregated) hooks.expect('start-kube-aggregator-informers', ...followingHooks, 'apiservice-registration-controller', 'apiservice-discovery-controller', 'kube-apiserver-autoregistration')
  const ttlOf = ({ kind }: Strategy): number | undefined => (groupResource(kind) === groupResource(Events) ? (options.eventTtlSeconds ?? defaultEventTtlSeconds) : undefined)

  const addKind = async (strategy: Strategy): Promise<void> => {
    const { kind } = strategy
    await cache.add(kind)
    const stored = { kind, strategy, cache: cache.of(kind), view: undefined, ttlSeconds: ttlOf(strategy) }
    resources.add({ stored })
    for (const view of viewedResources(stored)) resources.add({ stored: view })
  }
  for (const virtual of [bindings as VirtualResource, ...given(options.virtualResources ?? [])]) resources.add({ virtual })

  return {
    handle, ready, lookup: cache.lookup, resources, aggregation: aggregated, addKind,
    removeKind(kind) {
      resources.remove(kind)
      cache.remove(kind)
    },
    inMemoryTransport: providerParts.transport,
    listen: (listening) => ({ name: 'apiserver-listener', run: async (signal) => {
      await ready
      await listen(listening, { handle, log, clock }, signal)
    } }),
    async run(signal) {
      // Watches end at once; the cache goes on until the last write has been seen by whoever made it.
      const caching = new AbortController()
      signal.addEventListener('abort', () => {
        stopping.abort()
        const patience = clock.sleep(lastRequestsMs, caching.signal).catch(() => undefined)
        void Promise.race([pipeline.drained(), patience]).then(() => caching.abort())
      }, { once: true })
      for (const strategy of options.strategies) await addKind(strategy)
      const following = cache.run(caching.signal, () => {
        void Promise.resolve(definitions?.serveEstablished()).then(() => {
          state.ready = true
          // Admission reads what the cache holds: it can begin when the cache is full.
          hooks.finished('start-apiserver-admission-initializer', 'generic-apiserver-start-informers', 'start-kube-aggregator-informers', 'start-apiextensions-informers', 'start-apiextensions-controllers', 'crd-informer-synced')
          becomeReady()
        })
      })
      await Promise.race([ready, following])
      await Promise.all([
        following, runAutoCompaction({ store, clock, log }, signal), definitions?.run(signal), aggregated?.run(signal), flowControl?.run(signal, () => { hooks.finished('priority-and-fairness-config-consumer', 'priority-and-fairness-filter') }),
        cache.has(ValidatingAdmissionPolicies) && runPolicyStatus({ server: parts, transport: providerParts.transport({ name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }) }, signal),
        options.bootstrap && runBootstrap({ options: options.bootstrap, cache, log, clock, transport: providerParts.transport, done: (hook) => hooks.finished(hook) }, signal),
        options.bootstrap && runAddressRepair({ cache, store, clock, log, own: ownObjects(parts), swept: () => hooks.finished('start-service-ip-repair-controllers') }, signal),
      ])
    },
  }
}
