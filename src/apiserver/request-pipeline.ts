/** The chain of filters, and where a request ends. Its order is data, with the reasons beside it. */
import { methodNotAllowed, pathNotFound, resourceNotFound } from '../api/status.ts'
import type { Audit } from './audit/audit.ts'
import type { Authenticator } from './authentication/authenticator.ts'
import type { Authorizer } from './authorization/authorizer.ts'
import { hasSubresource } from './discovery/api-resources.ts'
import { Discovery } from './discovery/discovery.ts'
import type { Exchange } from './exchange.ts'
import type { FlowControl } from './flow-control/flow-control.ts'
import type { Delegate, PathHandler, SubresourceHandler } from './extension.ts'
import { authenticate } from './filters/authenticate.ts'
import { authorize } from './filters/authorize.ts'
import { crossOrigin } from './filters/cross-origin.ts'
import { type InFlightLimits, limitInFlight, usualInFlightLimits } from './filters/limit-in-flight.ts'
import { limitFlows } from './filters/limit-flows.ts'
import { impersonate } from './filters/impersonate.ts'
import { limitTime } from './filters/limit-time.ts'
import { respondError } from './filters/respond-error.ts'
import { dispatch } from './handlers/dispatch.ts'
import { health, type HealthCheck } from './health.ts'
import { HealthIndicators } from './health-indicators.ts'
import { ServerMetrics } from './metrics.ts'
import { asRaw, respondObject } from './negotiation/respond.ts'
import { chain, type Filter, RequestContext } from './request-context.ts'
import { requestInfo } from './request-info.ts'
import { kindOf } from './resource-table.ts'
import type { ServerParts } from './server-parts.ts'
import type { StartHooks } from './start-hooks.ts'
import type { ConnectHandler } from './streaming/connect-handler.ts'
import { versionInfo } from './version.ts'

export interface PipelineParts {
  parts: ServerParts
  ready: Promise<void>
  isReady(): boolean
  version: string
  authenticator: Authenticator
  authorizer: Authorizer
  connectHandlers: readonly ConnectHandler[]
  subresources: readonly SubresourceHandler[]
  paths: readonly PathHandler[]
  delegate: Delegate | undefined
  filters: readonly Filter[]
  audit: Audit | undefined
  healthChecks: readonly HealthCheck[]
  inFlightLimits: InFlightLimits | undefined
  /** Instead of the in-flight limits. */
  flowControl: FlowControl | undefined
  requestTimeoutMs: number | undefined
  serverAddress: string
  /** Origins whose pages may read answers: regular expressions. */
  corsAllowedOrigins: readonly string[]
  hooks: StartHooks
}

const defaultTimeoutMs = 60_000
const storeTimeoutMs = 2000
const ownPaths = ['/api', '/apis', '/healthz', '/livez', '/metrics', '/metrics/slis', '/readyz', '/version']

export class RequestPipeline {
  private readonly given: PipelineParts
  private readonly run: (context: RequestContext) => Promise<void>
  private readonly discovery: Discovery
  private readonly metrics: ServerMetrics
  private readonly slis = new HealthIndicators()
  private readonly lastFailures = new Map<string, string>()
  private underWay = 0
  private idle: (() => void) | undefined

  constructor(given: PipelineParts) {
    this.given = given
    const { parts, connectHandlers } = given
    const inFlight = { mutating: 0, readOnly: 0 }
    const timeoutMs = given.requestTimeoutMs ?? defaultTimeoutMs
    this.discovery = new Discovery({ table: parts.resources, connectHandlers, serverAddress: given.serverAddress, aggregation: given.delegate?.discovery })
    this.metrics = new ServerMetrics({ cache: parts.cache, inFlight, flowControl: given.flowControl, counters: parts.counters, version: versionInfo(given.version),
      served: ({ info }) => {
        const served = parts.resources.find(info.apiGroup, info.apiVersion, info.resource)
        const kind = served && kindOf(served)
        return kind && hasSubresource(kind, info.subresource, connectHandlers) ? kind : undefined
      } })
    this.run = chain([
      // A browser asks what a page may do before it shows who it is.
      crossOrigin(given.corsAllowedOrigins),
      // Whoever is refused is told of, too.
      ...(given.audit ? [given.audit.outer] : []),
      // First who asks: nothing is told to strangers, not even that we are busy.
      authenticate(given.authenticator, parts),
      // By whom, before they become somebody else.
      ...(given.audit ? [given.audit.inner] : []),
      // Then as whom: everything after it judges the user who acts.
      impersonate(given.authorizer),
      ...given.filters,
      // Before authorization, which may itself cost something.
      given.flowControl ? limitFlows({ flowControl: given.flowControl, resources: parts.resources, clock: parts.clock, inFlight, waitMs: timeoutMs / 4 }) : limitInFlight(given.inFlightLimits ?? usualInFlightLimits, inFlight),
      authorize(given.authorizer, parts),
      // Innermost: what waits in the filters before it has limits of its own.
      limitTime(parts.clock, timeoutMs, parts.stopping),
    ], (context) => this.answer(context))
  }

  /** Every request of every transport. Never rejects: what goes wrong is answered. */
  async handle(exchange: Exchange): Promise<void> {
    const { clock, log } = this.given.parts
    const begun = clock.monotonic()
    let context: RequestContext | undefined
    this.underWay += 1
    try {
      context = new RequestContext(exchange, requestInfo(exchange.method, exchange.rawPath, () => exchange.query))
      if (context.longRunning) this.metrics.countLongRunning(context, 1)
      await this.run(context)
    } catch (error) {
      respondError(exchange, error, (shown) => log.error('a request failed', { method: exchange.method, path: exchange.rawPath, error: shown.message, stack: (shown.cause as Error | undefined)?.stack ?? shown.stack }))
    }
    this.underWay -= 1
    if (this.underWay === 0) this.idle?.()
    if (context?.longRunning) this.metrics.countLongRunning(context, -1)
    if (context) this.metrics.observe(context, (clock.monotonic() - begun) / 1000)
  }

  /** Resolves when no request is under way. */
  drained(): Promise<void> {
    return this.underWay === 0 ? Promise.resolve() : new Promise((resolve) => { this.idle = resolve })
  }

  private async answer(context: RequestContext): Promise<void> {
    const { info, exchange, user } = context
    const { parts, delegate, connectHandlers, subresources } = this.given
    if (!this.given.isReady()) await this.given.ready
    if (!info.resourceRequest) return this.answerPath(context)
    // `/apis//v1/...` is no second way to the core group.
    if (info.apiPrefix === 'apis' && info.apiGroup === '') throw pathNotFound()
    if (delegate?.serves(info.apiGroup, info.apiVersion)) {
      exchange.initialized?.()
      return delegate.handle(exchange, { path: info.path, user })
    }
    const served = parts.resources.find(info.apiGroup, info.apiVersion, info.resource)
    if (!served) throw parts.resources.isOwnGroup(info.apiGroup) ? resourceNotFound() : pathNotFound()
    return dispatch({ exchange, info, user }, parts, { served, extensions: { connectHandlers, subresources } })
  }

  private async answerPath({ info, exchange, user }: RequestContext): Promise<void> {
    const { paths, version, delegate } = this.given
    const { path } = info
    const own = paths.find((each) => each.path === path || (each.prefix === true && path.startsWith(`${each.path}/`)))
    if (own) return own.handle(exchange, { path, user })
    const [, root = '', group = '', groupVersion = ''] = path.split('/')
    const isRead = exchange.method === 'GET' || exchange.method === 'HEAD'
    if (!isRead && (this.discovery.has(path) || path === '/version')) throw methodNotAllowed()
    if ((root === 'apis' && groupVersion !== '' && delegate?.serves(group, groupVersion)) || (root === 'api' && group !== '' && delegate?.serves('', group))) return delegate.handle(exchange, { path, user })
    switch (root) {
      case 'api': case 'apis': return this.discovery.handle(exchange, path)
      case 'version': if (path.replace(/\/$/, '') === '/version') return respondObject(exchange, 200, versionInfo(version), asRaw); throw resourceNotFound()
      case 'healthz': case 'livez': case 'readyz': return health(exchange, path, { checks: this.checks(), failed: (name, why) => this.healthFailed(name, why), seen: (name, endpoint, well) => this.slis.observe(name, endpoint, well) })
      case 'metrics':
        if (path === '/metrics/slis') return exchange.respond(200, { 'content-type': this.metrics.contentType }, Buffer.from(this.slis.text()))
        if (path === '/metrics') return exchange.respond(200, { 'content-type': this.metrics.contentType }, Buffer.from(await this.metrics.text()))
        break
      case '': return respondObject(exchange, 200, { paths: this.listedPaths() }, asRaw)
      default:
    }
    throw pathNotFound()
  }

  /** Once for each reason: those who wait for readiness ask many times a second. */
  private healthFailed(name: string, why: string): void {
    if (this.lastFailures.get(name) === why) return
    this.lastFailures.set(name, why)
    this.given.parts.log.warn('a health check failed', { name, why })
  }

  private checks(): HealthCheck[] {
    const { parts, healthChecks } = this.given
    // Longer than that nobody waits for the store. (upstream's --etcd-healthcheck-timeout)
    const store = async (): Promise<undefined> => {
      const answered = new AbortController()
      const late = parts.clock.sleep(storeTimeoutMs, answered.signal).then(() => { throw new Error('the store does not answer: context deadline exceeded') }, () => undefined)
      await Promise.race([parts.store.revision(), late]).finally(() => answered.abort())
    }
    return [
      { name: 'ping', check: () => undefined },
      { name: 'log', check: () => (parts.log.blocked?.() ? 'logging blocked' : undefined) },
      { name: 'etcd', check: store },
      { name: 'etcd-readiness', readyOnly: true, check: store },
      { name: 'informer-sync', readyOnly: true, check: () => (this.given.isReady() ? undefined : 'the watch cache is not filled yet') },
      ...this.given.hooks.checks(),
      ...healthChecks,
      { name: 'shutdown', readyOnly: true, check: () => (parts.stopping.aborted ? 'process is shutting down' : undefined) },
    ]
  }

  private listedPaths(): string[] {
    const { parts, paths } = this.given
    const versions = new Set<string>()
    for (const served of parts.resources.all()) {
      const { group, version } = served.stored ? served.stored.kind : served.virtual.kind
      for (const path of group ? [`/apis/${group}`, `/apis/${group}/${version}`] : [`/api/${version}`]) versions.add(path)
    }
    const checks = this.checks().flatMap(({ name, readyOnly }) => (readyOnly ? ['readyz'] : ['healthz', 'livez', 'readyz']).map((endpoint) => `/${endpoint}/${name}`))
    return [...ownPaths, ...checks, ...versions, ...paths.filter(({ listed }) => listed).map(({ path }) => path)].sort()
  }
}
