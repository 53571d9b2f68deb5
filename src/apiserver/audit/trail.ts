/** What one request's audit events are told on its way. Mirrors `k8s.io/apiserver/pkg/audit/context.go` and `request.go`. */
import { AssertionError } from 'node:assert'
import { microTimestamp, type Clock } from '../../api/clock.ts'
import type { JsonObject } from '../../api/meta.ts'
import { StatusError } from '../../api/status.ts'
import type { Status } from '../../api/types.ts'
import type { Exchange } from '../exchange.ts'
import type { Log } from '../log.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { RequestContext } from '../request-context.ts'
import type { AuditSink } from './backend.ts'
import type { AuditConfig, Stage } from './policy.ts'
import { sourceIPs } from './source-ips.ts'

export interface TrailParts {
  clock: Clock
  log: Log
  sink: AuditSink
}

const maxUserAgentLength = 1024
/** Errors of our own making, what is a panic in Go; others are what the world does. */
const isFault = (thrown: unknown): thrown is Error => thrown instanceof TypeError || thrown instanceof RangeError || thrown instanceof ReferenceError || thrown instanceof AssertionError
const statusPrefix = '{"kind":"Status"'

const shownUser = ({ name, uid, groups, extra }: UserInfo): JsonObject =>
  ({ ...(name && { username: name }), ...(uid && { uid }), ...(groups.length > 0 && { groups: [...groups] }), ...(extra && Object.keys(extra).length > 0 && { extra: extra as unknown as JsonObject }) })

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** An object, a list of them or a table of them, without metadata.managedFields; changed in place. */
const stripManagedFields = (value: unknown): unknown => {
  if (!isObject(value)) return value
  if (isObject(value['metadata'])) delete value['metadata']['managedFields']
  for (const item of Array.isArray(value['items']) ? value['items'] : []) stripManagedFields(item)
  for (const row of Array.isArray(value['rows']) ? value['rows'] : []) if (isObject(row)) stripManagedFields(row['object'])
  return value
}

/** As sent, but for what some clients prove themselves with: whoever reads the log must not be able to. */
const uriOf = ({ rawPath, rawQuery }: Exchange): string =>
  rawQuery === '' ? rawPath : `${rawPath}?${rawQuery.replaceAll(/(^|&)(access_token|token)=[^&]*/gi, '$1$2=REDACTED')}`

export class AuditTrail {
  private readonly parts: TrailParts
  private readonly config: AuditConfig
  private readonly context: RequestContext
  private readonly auditID: string
  private readonly received: string
  private readonly user: UserInfo
  private readonly objectRef: JsonObject | undefined
  private impersonated: UserInfo | undefined
  private annotations: Record<string, string> | undefined
  private responseStatus: JsonObject | undefined
  /** JSON texts. */
  private request: string | undefined
  private response: string | undefined
  private begun = false

  constructor(parts: TrailParts, context: RequestContext, { config, auditID }: { config: AuditConfig; auditID: string }) {
    this.parts = parts
    this.config = config
    this.context = context
    this.auditID = auditID
    this.received = microTimestamp(parts.clock.now())
    this.user = context.user
    const { resourceRequest, resource, namespace, name, apiGroup, apiVersion, subresource } = context.info
    if (resourceRequest) this.objectRef = { resource, namespace, name, uid: '', apiGroup, apiVersion, resourceVersion: '', subresource }
  }

  /** What is said first counts. */
  annotate(key: string, value: string): void {
    this.annotations ??= Object.create(null) as Record<string, string>
    const before = this.annotations[key]
    if (before === undefined) this.annotations[key] = value
    else if (before !== value) this.parts.log.warn('an audit annotation was set already', { key, auditID: this.auditID })
  }

  impersonates(user: UserInfo): void { this.impersonated = user }

  /** The request's object as the server understands it; of its metadata the event's objectRef takes what the path does not tell. */
  sent(object: object): void {
    const { metadata } = object as { metadata?: unknown }
    if (this.objectRef && isObject(metadata)) {
      for (const field of ['namespace', 'name', 'uid', 'resourceVersion']) {
        const value = metadata[field]
        if (this.objectRef[field] === '' && typeof value === 'string') this.objectRef[field] = value
      }
    }
    if (this.tellsRequests) this.request = this.config.omitManagedFields ? JSON.stringify(stripManagedFields(structuredClone(object))) : JSON.stringify(object)
  }

  /** A patch, as it came. What is no JSON is not told: it will be refused. */
  sentPatch(body: Uint8Array): void {
    if (!this.tellsRequests) return
    try {
      this.request = JSON.stringify(JSON.parse(Buffer.from(body).toString()))
    } catch {
      this.request = undefined
    }
  }

  get tellsRequests(): boolean { return this.config.level === 'Request' || this.config.level === 'RequestResponse' }

  /** The answer, one JSON document, before it is made YAML or compressed. */
  answered(json: Uint8Array): void {
    if (Buffer.from(json.buffer, json.byteOffset, Math.min(json.length, statusPrefix.length)).toString('latin1') === statusPrefix) {
      this.responseStatus = statusOf(JSON.parse(Buffer.from(json).toString()) as Status)
    }
    if (this.config.level !== 'RequestResponse') return
    const text = Buffer.from(json).toString()
    this.response = this.config.omitManagedFields ? JSON.stringify(stripManagedFields(JSON.parse(text))) : text
  }

  /** The head of the response goes out. */
  started(code: number): void {
    if (this.begun) return
    this.begun = true
    this.responseStatus = { metadata: {}, ...this.responseStatus, code }
    // The head is on its way: nobody can wait for this one.
    if (this.context.longRunning) void this.emit('ResponseStarted')
  }

  /** The request was refused, and nothing is sent yet; or something broke. */
  failed(thrown: unknown): Promise<boolean> | void {
    const { status } = StatusError.from(thrown)
    if (!this.begun) {
      this.answered(Buffer.from(JSON.stringify(status)))
      this.responseStatus = statusOf(status)
      this.started(status.code ?? 500)
    }
    if (!isFault(thrown)) return this.emit('ResponseComplete')
    this.responseStatus = { metadata: {}, status: 'Failure', message: `APIServer panic'd: ${thrown.message}`, reason: 'InternalError', code: 500 }
    return this.emit('Panic')
  }

  completed(): Promise<boolean> | void {
    if (!this.begun) {
      this.responseStatus = { metadata: {}, status: 'Success', message: 'Connection closed early', code: 200 }
      if (this.context.longRunning) void this.emit('ResponseStarted')
    }
    return this.emit('ResponseComplete')
  }

  /** Nobody knows who asks: the only event of such a request. */
  unauthenticated(message: string): Promise<boolean> | void {
    this.responseStatus = { metadata: {}, status: 'Failure', message, reason: 'Unauthorized', code: 401 }
    return this.emit('ResponseStarted')
  }

  /** Resolves with whether the request may go on, where it has to wait for that. */
  emit(stage: Stage): Promise<boolean> | void {
    if (this.config.omitStages.has(stage)) return undefined
    const { exchange, info } = this.context
    const agent = exchange.headers['user-agent'] ?? ''
    const ips = sourceIPs(exchange.headers, exchange.peer.address)
    const stageTimestamp = stage === 'RequestReceived' ? this.received : microTimestamp(this.parts.clock.now())
    const head = JSON.stringify({
      kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: this.config.level, auditID: this.auditID, stage, requestURI: uriOf(exchange),
      verb: info.verb, user: shownUser(this.user), ...(this.impersonated && { impersonatedUser: shownUser(this.impersonated) }), ...(ips.length > 0 && { sourceIPs: ips }),
      ...(agent !== '' && { userAgent: agent.length > maxUserAgentLength ? `${agent.slice(0, maxUserAgentLength)}...TRUNCATED` : agent }),
      ...(this.objectRef && { objectRef: Object.fromEntries(Object.entries(this.objectRef).filter(([, value]) => value !== '')) }),
      ...(this.responseStatus && { responseStatus: this.responseStatus }),
    })
    const tail = JSON.stringify({ requestReceivedTimestamp: this.received, stageTimestamp, ...(this.annotations && { annotations: this.annotations }) })
    // Bodies are JSON already.
    const bodies = (this.request === undefined ? '' : `"requestObject":${this.request},`) + (this.response === undefined ? '' : `"responseObject":${this.response},`)
    return this.parts.sink.write(`${head.slice(0, -1)},${bodies}${tail.slice(1)}`)
  }
}

const statusOf = ({ status, message, reason, details, code }: Status): JsonObject =>
  ({ metadata: {}, ...(status && { status }), ...(message && { message }), ...(reason && { reason }), ...(details && { details: details as unknown as JsonObject }), ...(code !== undefined && { code }) })
