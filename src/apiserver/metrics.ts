/** What /metrics says of the API server, under upstream's names. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { ServerCounters } from './counters.ts'
import type { FlowControl } from './flow-control/flow-control.ts'
import { flowDurations, registerFlowMetrics } from './flow-control/metrics.ts'
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

const durations = 'apiserver_request_duration_seconds'
const bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]

interface Series {
  labels: Record<string, string>
  codes: Map<number, number>
  /** By bound, not cumulated; the last is for what is longer than all. */
  buckets: number[]
  sum: number
}

export class ServerMetrics {
  private readonly registry = new Registry()
  private readonly series = new Map<string, Series>()
  private readonly counters: ServerCounters | undefined
  private readonly flowControl: FlowControl | undefined
  private readonly served: (context: RequestContext) => boolean

  /** `served` says whether a request was for a resource that exists: others share one label. */
  constructor(parts: { cache: WatchCache; inFlight: InFlight; flowControl?: FlowControl | undefined; counters?: ServerCounters; served: (context: RequestContext) => boolean; version: string }) {
    const registers = [this.registry]
    this.served = parts.served
    // The event loop's delay is sampled by a timer of its own: often enough to see a stall, seldom enough to let an idle process sleep.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 60_000 })
    this.registerRequests()
    this.flowControl = parts.flowControl
    this.counters = parts.counters
    if (this.flowControl) registerFlowMetrics(this.registry, this.flowControl)
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

  /** Requests are counted by our own hand and shown when somebody looks: the library's way would cost a request more than its answer. */
  private registerRequests(): void {
    const { series } = this
    const labelNames = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'code']
    new Counter({ name: 'apiserver_request_total', help: 'Requests by verb, group, version, resource, scope and HTTP response code.', registers: [this.registry], labelNames, collect() {
      this.reset()
      for (const { labels, codes } of series.values()) for (const [code, count] of codes) this.inc({ ...labels, code }, count)
    } })
  }

  get contentType(): string { return this.registry.contentType }

  async text(): Promise<string> {
    const timed = [...this.series.values()].filter(({ buckets }) => buckets.some((count) => count > 0))
    return `${await this.registry.metrics()}\n# HELP ${durations} Response latency in seconds of requests that are not long-running.\n# TYPE ${durations} histogram\n${timed.flatMap(durationLines).join('\n')}\n${this.flowControl ? flowDurations(this.flowControl) : ''}${this.counters?.text() ?? ''}`
  }

  observe(context: RequestContext, seconds: number): void {
    const { info, exchange } = context
    // A subresource that does not exist must not become a label: clients can make up any number of them.
    const known = this.served(context) && (info.subresource === '' || exchange.status !== 404)
    const verb = verbOf(context)
    const scope = scopeOf(context)
    const key = known ? `${verb} ${info.apiGroup} ${info.apiVersion} ${info.resource} ${info.subresource} ${scope}` : `${verb} ${scope}`
    let series = this.series.get(key)
    if (!series) {
      const labels = { verb, group: known ? info.apiGroup : '', version: known ? info.apiVersion : '', resource: known ? info.resource : '', subresource: known ? info.subresource : '', scope }
      this.series.set(key, series = { labels, codes: new Map(), buckets: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 })
    }
    series.codes.set(exchange.status, (series.codes.get(exchange.status) ?? 0) + 1)
    if (context.longRunning) return
    let bucket = 0
    while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket += 1
    series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1
    series.sum += seconds
  }
}

/** A series as Prometheus reads histograms: cumulated buckets, sum and count. */
const durationLines = ({ labels, buckets, sum }: Series): string[] => {
  const shown = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')
  let total = 0
  const lines = buckets.map((count, index) => `${durations}_bucket{le="${bounds[index] ?? '+Inf'}",${shown}} ${(total += count)}`)
  return [...lines, `${durations}_sum{${shown}} ${sum}`, `${durations}_count{${shown}} ${total}`]
}
