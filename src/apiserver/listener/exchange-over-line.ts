/** The Exchange that all transports share: they differ in their `Line` only. */
import { requestEntityTooLarge } from '../../api/status.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { BodyWriter, Exchange, Peer, RequestHeaders, ResponseHeaders, UpgradeRequest } from '../exchange.ts'
import { jsonLines, type WatchFraming } from '../watch-framing.ts'
import type { Line } from './line.ts'

/** What was added comes last; what a cache has to look at is everything that anybody named. */
const withExtra = (headers: ResponseHeaders, extra: Record<string, string[]> | undefined): ResponseHeaders =>
  (extra ? { ...headers, ...extra, ...(extra['vary'] && headers['vary'] !== undefined && { vary: [headers['vary'], ...extra['vary']].flat() }) } : headers)

export class ExchangeOverLine implements Exchange {
  readonly method: string
  readonly rawPath: string
  readonly rawQuery: string
  status = 0
  audit: AuditTrail | undefined = undefined
  initialized: (() => void) | undefined = undefined
  private readonly line: Line
  private parsedQuery: URLSearchParams | undefined
  private controller: AbortController | undefined
  private writer: BodyWriter | undefined
  private extra: Record<string, string[]> | undefined

  constructor(line: Line) {
    this.line = line
    this.method = line.method
    const mark = line.target.indexOf('?')
    this.rawPath = mark < 0 ? line.target : line.target.slice(0, mark)
    this.rawQuery = mark < 0 ? '' : line.target.slice(mark + 1)
  }

  get headers(): RequestHeaders { return this.line.headers }
  get peer(): Peer { return this.line.peer }
  get watchFraming(): WatchFraming { return this.line.watchFraming ?? jsonLines }
  get responded(): boolean { return this.status !== 0 }

  get upgrade(): UpgradeRequest | undefined {
    const { upgrade } = this.line
    const { audit } = this
    if (!upgrade || !audit) return upgrade
    return { protocol: upgrade.protocol, take: () => {
      audit.started(101)
      return upgrade.take()
    } }
  }

  get query(): URLSearchParams {
    this.parsedQuery ??= new URLSearchParams(this.rawQuery)
    return this.parsedQuery
  }

  /** Made when first asked for: most requests are over before anybody wants to know. */
  get signal(): AbortSignal {
    if (!this.controller) {
      const controller = new AbortController()
      this.controller = controller
      this.line.onClosed(() => controller.abort(new Error('the client closed the connection')))
    }
    return this.controller.signal
  }

  async body(limit: number): Promise<Uint8Array> {
    const body = await this.line.readBody(limit)
    if (!body) throw requestEntityTooLarge(`Request entity too large: limit is ${limit}`)
    return body
  }

  bodyStream(): AsyncIterable<Uint8Array> { return this.line.chunks() }

  addHeader(name: string, value: string): void {
    this.extra ??= {}
    const values = this.extra[name]
    if (values) values.push(value)
    else this.extra[name] = [value]
  }

  /** Once only: a handler that finishes after its time was over has nothing to say any more. */
  respond(status: number, headers: ResponseHeaders, body: Uint8Array): void {
    if (this.responded) return
    // Only what the line has taken is an answer: a header that it refuses must not leave the client without one.
    this.line.respond(status, withExtra(headers, this.extra), body)
    this.status = status
    this.audit?.started(status)
  }

  stream(status: number, headers: ResponseHeaders): BodyWriter {
    this.writer = this.line.open(status, withExtra(headers, this.extra))
    this.status = status
    this.audit?.started(status)
    return this.writer
  }

  breakOff(): void { this.writer?.abort() }
}
