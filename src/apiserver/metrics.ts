/** What /metrics says of the API server, under upstream's names. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { APIServices } from '../api/kinds.ts'
import { availableCondition } from './registry/apiregistration/api-service.ts'
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
const levels = 'apiserver_request_sli_duration_seconds'
const bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]

interface Series {
  labels: Record<string, string>
  codes: Map<number, number>
  whole: Distribution
  /** Without what waited for others. */
  own: Distribution
}

interface Distribution {
  /** By bound, not cumulated; the last is for what is longer than all. */
  buckets: number[]
  sum: number
}

const distribution = (): Distribution => ({ buckets: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 })
const add = (to: Distribution, seconds: number): void => {
  let bucket = 0
  while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket += 1
  to.buckets[bucket] = (to.buckets[bucket] ?? 0) + 1
  to.sum += seconds
}

export class ServerMetrics {
  private readonly registry = new Registry()
  private readonly series = new Map<string, Series>()
  private readonly longRunning = new Map<string, { labels: Record<string, string>; count: number }>()
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
    new Gauge({ name: 'apiserver_resource_objects', help: 'Stored objects by group and resource.', registers, labelNames: ['group', 'resource'], collect() {
      for (const { kind, size } of parts.cache.caches) this.set({ group: kind.group, resource: kind.plural }, size)
    } })
    new Gauge({ name: 'aggregator_unavailable_apiservice', help: '1 for APIServices whose servers cannot be reached.', registers, labelNames: ['name'], collect() {
      this.reset()
      if (!parts.cache.has(APIServices)) return
      for (const each of parts.cache.lookup.list(APIServices)) this.set({ name: each.metadata.name }, availableCondition(each)?.status === 'True' ? 0 : 1)
    } })
    const { longRunning } = this
    new Gauge({ name: 'apiserver_longrunning_requests', help: 'Requests without a time limit that are under way.', registers, labelNames: ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'], collect() {
      this.reset()
      for (const { labels, count } of longRunning.values()) this.set(labels, count)
    } })
    new Gauge({ name: 'apiserver_registered_watchers', help: 'Open watches by resource.', registers, labelNames: ['group', 'version', 'kind'], collect() {
      for (const { kind, watcherCount } of parts.cache.caches) this.set({ group: kind.group, version: kind.version, kind: kind.kind }, watcherCount)
    } })
    new Gauge({ name: 'kubernetes_build_info', help: 'Always 1; the version in labels.', registers, labelNames: ['git_version'] }).set({ git_version: parts.version }, 1)
  }

  /** Requests are counted by our own hand and shown when somebody looks: the library's way would cost a request more than its answer. */
  private registerRequests(): void {
    const { series } = this
    const labelNames = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component', 'code']
    new Counter({ name: 'apiserver_request_total', help: 'Requests by verb, group, version, resource, scope and HTTP response code.', registers: [this.registry], labelNames, collect() {
      this.reset()
      for (const { labels, codes } of series.values()) for (const [code, count] of codes) this.inc({ ...labels, code }, count)
    } })
  }

  get contentType(): string { return this.registry.contentType }

  async text(): Promise<string> {
    const timed = [...this.series.values()].filter(({ whole }) => whole.buckets.some((count) => count > 0))
    const histogram = (name: string, help: string, of: 'whole' | 'own'): string => `# HELP ${name} ${help}\n# TYPE ${name} histogram\n${timed.flatMap((each) => durationLines(name, each.labels, each[of])).join('\n')}\n`
    return `${await this.registry.metrics()}\n${histogram(durations, 'Response latency in seconds of requests that are not long-running.', 'whole')}${histogram(levels, 'The same without the time that webhooks and waiting for a turn took.', 'own')}${this.flowControl ? flowDurations(this.flowControl) : ''}${this.counters?.text() ?? ''}`
  }

  /** A request without a time limit begins (1) or ends (-1). */
  countLongRunning(context: RequestContext, change: 1 | -1): void {
    const { key, labels } = this.labelsOf(context, this.served(context))
    const one = this.longRunning.get(key) ?? { labels, count: 0 }
    one.count += change
    this.longRunning.set(key, one)
  }

  private labelsOf(context: RequestContext, known: boolean): { key: string; labels: Record<string, string> } {
    const { info } = context
    const [verb, scope] = [verbOf(context), scopeOf(context)]
    return {
      key: known ? `${verb} ${info.apiGroup} ${info.apiVersion} ${info.resource} ${info.subresource} ${scope}` : `${verb} ${scope}`,
      labels: { verb, group: known ? info.apiGroup : '', version: known ? info.apiVersion : '', resource: known ? info.resource : '', subresource: known ? info.subresource : '', scope, component: 'apiserver' },
    }
  }

  observe(context: RequestContext, seconds: number): void {
    const { info, exchange } = context
    // A subresource that does not exist must not become a label: clients can make up any number of them.
    const { key, labels } = this.labelsOf(context, this.served(context) && (info.subresource === '' || exchange.status !== 404))
    let series = this.series.get(key)
    if (!series) this.series.set(key, series = { labels, codes: new Map(), whole: distribution(), own: distribution() })
    series.codes.set(exchange.status, (series.codes.get(exchange.status) ?? 0) + 1)
    if (context.longRunning) return
    add(series.whole, seconds)
    add(series.own, Math.max(0, seconds - (exchange.waitedSeconds ?? 0)))
  }
}

/** A series as Prometheus reads histograms: cumulated buckets, sum and count. */
const durationLines = (name: string, labels: Series['labels'], { buckets, sum }: Distribution): string[] => {
  const shown = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')
  let total = 0
  const lines = buckets.map((count, index) => `${name}_bucket{le="${bounds[index] ?? '+Inf'}",${shown}} ${(total += count)}`)
  return [...lines, `${name}_sum{${shown}} ${sum}`, `${name}_count{${shown}} ${total}`]
}
