/** A call of the gRPC service as a line of the API server: its answer is messages and trailers. */
import { constants, type ServerHttp2Stream } from 'node:http2'
import { grpcFailure } from '../../api/grpc-status.ts'
import { encodeAnswer, encodeAnswerHead } from '../../api/resource-message.ts'
import { type ResourceMethod, resourceMethods } from '../../api/resource-service.ts'
import { internalError, timeout } from '../../api/status.ts'
import type { Status } from '../../api/types.ts'
import type { BodyWriter, Peer, RequestHeaders, ResponseHeaders } from '../exchange.ts'
import type { Line } from '../listener/line.ts'
import { streamWriter } from '../listener/stream-writer.ts'
import { eventsOfLines, grpcContentType, grpcEvents } from './event-framing.ts'
import { gathered } from './gathered.ts'
import { metadataOf } from './metadata.ts'
import type { RestRequest } from './request-of-call.ts'

/** So much is rather copied than written by itself. */
const copiedBytes = 32 * 1024
/** So long are the pieces of a list: clients refuse messages of more than four megabytes. */
const pieceBytes = 1024 * 1024

const isStatus = (value: unknown): value is Status => typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status'

/** An answer of 400 and more; what is not told as a Status, by a server behind this one, becomes one. */
const statusOf = (code: number, body: Uint8Array): Status => {
  const text = Buffer.from(body).toString()
  try {
    const told = JSON.parse(text) as unknown
    if (isStatus(told)) return { ...told, code: told.code ?? code }
  } catch {
    // No JSON: its text is the message.
  }
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, message: text.trim() || `the server answered ${code}` }
}

export class GrpcLine implements Line {
  readonly method: string
  readonly target: string
  readonly headers: RequestHeaders
  readonly peer: Peer
  readonly watchFraming = grpcEvents
  private readonly stream: ServerHttp2Stream
  private readonly answer: 'object' | 'pieces' | 'events'
  private readonly body: Uint8Array
  private trailers: Record<string, string> = { 'grpc-status': '0' }
  private opened = false
  private over = false
  private readonly closing: (() => void)[] = []

  constructor(stream: ServerHttp2Stream, call: { method: ResourceMethod; request: RestRequest; peer: Peer }) {
    const { method, request } = call
    this.stream = stream
    this.method = request.method
    this.target = request.target
    this.headers = request.headers
    this.body = request.body
    this.answer = resourceMethods[method].answer
    this.peer = call.peer
  }

  private get gone(): boolean { return this.over || this.stream.closed || this.stream.destroyed }

  onClosed(listener: () => void): void {
    if (this.gone) listener()
    else {
      if (this.closing.length === 0) this.stream.once('close', () => this.close())
      this.closing.push(listener)
    }
  }

  private close(): void {
    for (const listener of this.closing.splice(0)) listener()
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    if (this.body.length > 0) yield this.body
  }

  readBody(limit: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.body.length > limit ? undefined : this.body)
  }

  respond(status: number, headers: ResponseHeaders, body: Uint8Array): void {
    if (this.gone || this.opened) return
    if (status >= 400) return this.fail(statusOf(status, body), headers)
    this.head(headers)
    if (body.length <= copiedBytes) this.stream.end(encodeAnswer(body, status))
    else this.writePieces(body, status)
  }

  /** Without copying them; a single object is one piece, however long. */
  private writePieces(body: Uint8Array, status: number): void {
    const longest = this.answer === 'pieces' ? pieceBytes : body.length
    this.stream.cork()
    for (let at = 0; at < body.length; at += longest) {
      const piece = body.subarray(at, at + longest)
      this.stream.write(encodeAnswerHead(piece.length, at === 0 ? status : 0))
      this.stream.write(piece)
    }
    this.stream.uncork()
    this.stream.end()
  }

  open(status: number, headers: ResponseHeaders): BodyWriter {
    const events = this.answer === 'events' && status < 400
    if (!events) return gathered((body) => {
      if (body) this.respond(status, headers, body)
      else this.fail(internalError(new Error('the answer is too large, or broke off')).status, {})
    })
    if (!this.gone) this.head(headers)
    const writer = streamWriter(this.stream, () => this.stream.close(constants.NGHTTP2_INTERNAL_ERROR))
    return headers['content-type'] === grpcContentType ? writer : eventsOfLines(writer)
  }

  /** The caller's time is over; whoever still works on the call is told that nobody waits for it. */
  expire(): void {
    if (this.gone) return
    const { status } = timeout('Timeout: request did not complete within the allotted timeout')
    if (!this.opened) this.fail(status, {})
    else {
      this.trailers = grpcFailure(status).trailers
      this.stream.end()
    }
    this.over = true
    this.close()
  }

  private fail(status: Status, headers: ResponseHeaders): void {
    const { trailers, message } = grpcFailure(status)
    if (message) {
      this.trailers = trailers
      this.head(headers)
      this.stream.end(message)
    } else this.stream.respond({ ':status': 200, 'content-type': grpcContentType, ...metadataOf(headers), ...trailers }, { endStream: true })
  }

  private head(headers: ResponseHeaders): void {
    this.opened = true
    this.stream.once('wantTrailers', () => this.stream.sendTrailers(this.trailers))
    this.stream.respond({ ':status': 200, 'content-type': grpcContentType, ...metadataOf(headers) }, { waitForTrailers: true })
  }
}
