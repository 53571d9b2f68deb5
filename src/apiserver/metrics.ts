/** What /metrics says of the API server, under upstream's names. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { APIServices, type Kind } from '../api/kinds.ts'
import { availableCondition } from './registry/apiregistration/api-service.ts'
import type { ServerCounters } from './counters.ts'
import type { FlowControl } from './flow-control/flow-control.ts'
import { flowDurations, registerFlowMetrics } from './flow-control/metrics.ts'
import type { InFlight } from './filters/limit-in-flight.ts'
import { deprecationWarning } from './handlers/deprecations.ts'
import type { RequestContext } from './request-context.ts'
import type { VersionInfo } from './version.ts'
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
  /** The labels as they are shown, with and without whether it was a trial: made once, read at every scrape. */
  shown: { whole: string; own: string }
  codes: Map<number, number>
  /** Of those that the server ended by itself. */
  terminations: Map<number, number>
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

/** Upstream's names of labels: those of /version in snake case. */
const buildInfo = ({ major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform }: VersionInfo): Record<string, string> =>
  ({ major, minor, git_version: gitVersion, git_commit: gitCommit, git_tree_state: gitTreeState, build_date: buildDate, go_version: goVersion, compiler, platform })

const addTo = (codes: Map<number, number>, code: number): void => { codes.set(code, (codes.get(code) ?? 0) + 1) }

/** As upstream's cleanDryRun: the directives, or that they are none. */
const dryRunOf = ({ exchange }: RequestContext): string => {
  if (!exchange.rawQuery.includes('dryRun')) return ''
  const asked = [...new Set(exchange.query.getAll('dryRun'))]
  return asked.every((each) => each === 'All') ? asked.join(',') : 'invalid'
}

/** The labels of the request alone, of a series whose durations say whether it was a trial, too. */
const withoutDryRun = ({ dry_run: _, ...labels }: Series['labels']): Series['labels'] => labels
const textOf = (labels: Series['labels']): string => Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')
const newSeries = (labels: Series['labels']): Series => ({ labels, shown: { whole: textOf(labels), own: textOf(withoutDryRun(labels)) }, codes: new Map(), terminations: new Map(), whole: distribution(), own: distribution() })

export class ServerMetrics {
  private readonly registry = new Registry()
  private readonly series = new Map<string, Series>()
  private readonly longRunning = new Map<string, { labels: Record<string, string>; count: number }>()
  private readonly counters: ServerCounters | undefined
  private readonly flowControl: FlowControl | undefined
  private readonly served: (context: RequestContext) => Kind | undefined
  private readonly deprecated = new Map<string, { group: string; version: string; resource: string; subresource: string }>()

  /** `served` says of which kind a request was, where that kind and its subresource exist (clients, refused ones among them, can make up any number of others): the rest share one label. */
  constructor(parts: { cache: WatchCache; inFlight: InFlight; flowControl?: FlowControl | undefined; counters?: ServerCounters; served: (context: RequestContext) => Kind | undefined; version: VersionInfo }) {
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
      for (const { labels, count } of longRunning.values()) this.set(withoutDryRun(labels), count)
    } })
    new Gauge({ name: 'apiserver_registered_watchers', help: 'Open watches by resource.', registers, labelNames: ['group', 'version', 'kind'], collect() {
      for (const { kind, watcherCount } of parts.cache.caches) this.set({ group: kind.group, version: kind.version, kind: kind.kind }, watcherCount)
    } })
    new Gauge({ name: 'kubernetes_build_info', help: 'Always 1; the version in labels.', registers, labelNames: Object.keys(buildInfo(parts.version)) }).set(buildInfo(parts.version), 1)
  }

  private registerRequests(): void {
    const registers = [this.registry]
    const { deprecated } = this
    new Gauge({ name: 'apiserver_requested_deprecated_apis', help: '1 for deprecated resources that somebody has asked for.', registers, labelNames: ['group', 'version', 'resource', 'subresource', 'removed_release'], collect() {
      for (const labels of deprecated.values()) this.set({ ...labels, removed_release: '' }, 1)
    } })
  }

  get contentType(): string { return this.registry.contentType }

  /** Requests are counted and shown by our own hand: the library's way would cost a request more than its answer, and a scrape more than all others. */
  private requestLines(): string {
    const all = [...this.series.values()]
    const counter = (name: string, help: string, of: 'codes' | 'terminations'): string =>
      `# HELP ${name} ${help}\n# TYPE ${name} counter\n${all.map((each) => [...each[of]].map(([code, count]) => `${name}{${each.shown[of === 'codes' ? 'whole' : 'own']},code="${code}"} ${count}\n`).join('')).join('')}`
    return counter('apiserver_request_total', 'Requests by verb, dry run, group, version, resource, scope and HTTP response code.', 'codes') + counter('apiserver_request_terminations_total', 'Requests that the server ended by itself, to protect itself.', 'terminations')
  }

  async text(): Promise<string> {
    const timed = [...this.series.values()].filter(({ whole }) => whole.buckets.some((count) => count > 0))
    const histogram = (name: string, help: string, of: 'whole' | 'own'): string => `# HELP ${name} ${help}\n# TYPE ${name} histogram\n${timed.map((each) => durationLines(name, each.shown[of], each[of])).join('')}`
    return `${await this.registry.metrics()}\n${this.requestLines()}${histogram(durations, 'Response latency in seconds of requests that are not long-running.', 'whole')}${histogram(levels, 'The same without the time that webhooks and waiting for a turn took.', 'own')}${this.flowControl ? flowDurations(this.flowControl) : ''}${this.counters?.text() ?? ''}`
  }

  /** A request without a time limit begins (1) or ends (-1). */
  countLongRunning(context: RequestContext, change: 1 | -1): void {
    const { key, labels } = this.labelsOf(context, this.served(context) !== undefined)
    const one = this.longRunning.get(key) ?? { labels, count: 0 }
    one.count += change
    this.longRunning.set(key, one)
  }

  private labelsOf(context: RequestContext, known: boolean): { key: string; labels: Record<string, string> } {
    const { info } = context
    const [verb, scope] = [verbOf(context), scopeOf(context)]
    const dryRun = dryRunOf(context)
    return {
      key: known ? `${verb}${dryRun} ${info.apiGroup} ${info.apiVersion} ${info.resource} ${info.subresource} ${scope}` : `${verb}${dryRun} ${scope}`,
      labels: { verb, dry_run: dryRun, group: known ? info.apiGroup : '', version: known ? info.apiVersion : '', resource: known ? info.resource : '', subresource: known ? info.subresource : '', scope, component: 'apiserver' },
    }
  }

  observe(context: RequestContext, seconds: number): void {
    const { info, exchange } = context
    const kind = this.served(context)
    const known = kind !== undefined
    const { key, labels } = this.labelsOf(context, known)
    let series = this.series.get(key)
    if (!series) this.series.set(key, series = newSeries(labels))
    // As upstream's RecordRequestTermination: what did not come to an end of its own is not among the requests.
    if (context.terminated) return addTo(series.terminations, exchange.status)
    addTo(series.codes, exchange.status)
    if (known && kind.custom === undefined && deprecationWarning(kind) !== undefined) this.deprecated.set(`${info.resource} ${info.subresource}`, { group: kind.group, version: kind.version, resource: info.resource, subresource: info.subresource })
    if (context.longRunning) return
    add(series.whole, seconds)
    add(series.own, Math.max(0, seconds - (exchange.waitedSeconds ?? 0)))
  }
}

/** A series as Prometheus reads histograms: cumulated buckets, sum and count. */
const durationLines = (name: string, shown: string, { buckets, sum }: Distribution): string => {
  let total = 0
  let lines = ''
  buckets.forEach((count, index) => { lines += `${name}_bucket{le="${bounds[index] ?? '+Inf'}",${shown}} ${(total += count)}\n` })
  return `${lines}${name}_sum{${shown}} ${sum}\n${name}_count{${shown}} ${total}\n`
}
