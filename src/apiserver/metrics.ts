/** What /metrics says of the API server, under upstream's names. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { InFlight } from './filters/limit-in-flight.ts'
import type { RequestContext } from './request-context.ts'
import type { WatchCache } from './watch-cache/watch-cache.ts'

const verbNames: Readonly<Record<string, string>> = { deletecollection: 'DELETECOLLECTION', update: 'PUT', create: 'POST' }

/** As upstream's CleanVerb: what clients send cannot make new label values. */
const verbOf = ({ info, exchange }: RequestContext): string => {
  if (info.resourceRequest) return verbNames[info.verb] ?? (/^(get|list|watch|patch|delete)$/.test(info.verb) ? info.verb.toUpperCase() : 'other')
  return /^(GET|POST|PUT|PATCH|DELETE|HEAD)$/.test(exchange.method) ? exchange.method : 'other'
}

const scopeOf = ({ info }: RequestContext): string => (!info.resourceRequest ? '' : info.name !== '' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster')

export class ServerMetrics {
  readonly registry = new Registry()
  private readonly requests: Counter
  private readonly durations: Histogram
  private readonly served: (context: RequestContext) => boolean

  /** `served` says whether a request was for a resource that exists: others share one label. */
  constructor(parts: { cache: WatchCache; inFlight: InFlight; served: (context: RequestContext) => boolean; version: string }) {
    const registers = [this.registry]
    this.served = parts.served
    collectDefaultMetrics({ register: this.registry })
    this.requests = new Counter({ name: 'apiserver_request_total', help: 'Requests by verb, group, version, resource, scope and HTTP response code.', registers,
      labelNames: ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'code'] })
    this.durations = new Histogram({ name: 'apiserver_request_duration_seconds', help: 'Response latency in seconds of requests that are not long-running.', registers,
      labelNames: ['verb', 'group', 'version', 'resource', 'subresource', 'scope'], buckets: [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60] })
    new Gauge({ name: 'apiserver_current_inflight_requests', help: 'Requests under way, by kind.', registers, labelNames: ['request_kind'], collect() {
      this.set({ request_kind: 'mutating' }, parts.inFlight.mutating)
      this.set({ request_kind: 'readOnly' }, parts.inFlight.readOnly)
    } })
    new Gauge({ name: 'apiserver_storage_objects', help: 'Stored objects by resource.', registers, labelNames: ['resource'], collect() {
      for (const { kind, size } of parts.cache.caches) this.set({ resource: kind.group ? `${kind.plural}.${kind.group}` : kind.plural }, size)
    } })
    new Gauge({ name: 'apiserver_registered_watchers', help: 'Open watches by resource.', registers, labelNames: ['group', 'version', 'kind'], collect() {
      for (const { kind, watcherCount } of parts.cache.caches) this.set({ group: kind.group, version: kind.version, kind: kind.kind }, watcherCount)
    } })
    new Gauge({ name: 'kubernetes_build_info', help: 'Always 1; the version in labels.', registers, labelNames: ['git_version'] }).set({ git_version: parts.version }, 1)
  }

  observe(context: RequestContext, seconds: number): void {
    const { info, exchange } = context
    const known = this.served(context)
    const labels = {
      verb: verbOf(context), group: known ? info.apiGroup : '', version: known ? info.apiVersion : '', resource: known ? info.resource : '', subresource: known ? info.subresource : '', scope: scopeOf(context),
    }
    this.requests.inc({ ...labels, code: exchange.status }, 1)
    if (!context.longRunning) this.durations.observe(labels, seconds)
  }
}
