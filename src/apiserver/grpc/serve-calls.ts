/** Many calls on one stream. Each goes its own way through the chain of filters and handlers; a reader who takes no answers may send no further calls. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { FrameReader } from '../../api/grpc-frames.ts'
import { grpcFailure } from '../../api/grpc-status.ts'
import { ProtobufError } from '../../api/protobuf-reader.ts'
import { type CallMessage, decodeCall, encodeCallAnswer } from '../../api/resource-message.ts'
import { badRequest, internalError, StatusError } from '../../api/status.ts'
import type { Exchange, Peer, RequestHeaders, ResponseHeaders } from '../exchange.ts'
import { ExchangeOverLine } from '../listener/exchange-over-line.ts'
import { AnswerQueue } from './answer-queue.ts'
import { CallLine } from './call-line.ts'
import { grpcContentType } from './event-framing.ts'
import { metadataOf } from './metadata.ts'
import { countUnfinished, frameFailure, maxMessageBytes } from './read-message.ts'
import { requestOfCall } from './request-of-call.ts'

export interface CallParts {
  handle(exchange: Exchange): Promise<void>
  /** Aborts when the server takes nothing new. */
  stopping: AbortSignal
}

/** So many calls of one stream are under way at a time; further ones wait in the client. */
const maxUnderWay = 1000

const flat = (headers: ResponseHeaders): string[] =>
  Object.entries(metadataOf(headers)).flatMap(([name, value]) => (typeof value === 'string' ? [value] : value).flatMap((each) => [name, each]))

class Calls {
  private readonly stream: ServerHttp2Stream
  private readonly caller: { headers: RequestHeaders; peer: Peer }
  private readonly parts: CallParts
  private readonly frames = new FrameReader(maxMessageBytes)
  private readonly underWay = new Map<number, CallLine>()
  private readonly answers: AnswerQueue
  private waiting: Buffer[] = []
  private counted = 0
  private last = 0
  private over = false
  private going = false

  constructor(stream: ServerHttp2Stream, caller: { headers: RequestHeaders; peer: Peer }, parts: CallParts) {
    this.stream = stream
    this.caller = caller
    this.parts = parts
    this.answers = new AnswerQueue(stream, () => this.goOn())
  }

  take(chunk: Buffer): void {
    if (this.over) return
    try {
      this.waiting.push(...this.frames.push(chunk))
      this.count(this.frames.pending)
      this.goOn()
    } catch (error) {
      this.fail(frameFailure(error))
    }
  }

  /** Nothing new from now on; the stream ends when all that has begun is answered. */
  finish(): void {
    this.over = true
    this.waiting = []
    this.endWhenDone()
  }

  gone(): void {
    this.over = true
    this.count(0)
    for (const line of this.underWay.values()) line.close()
    this.underWay.clear()
  }

  private count(pending: number): void {
    const more = pending - this.counted
    this.counted = pending
    if (more !== 0) countUnfinished(this.stream.session ?? this.stream, more)
  }

  private get busy(): boolean { return this.underWay.size >= maxUnderWay || this.answers.full }

  private goOn(): void {
    // What is refused is answered while the loop goes on.
    if (this.going) return
    this.going = true
    try {
      while (!this.busy && !this.over) {
        const message = this.waiting.shift()
        if (!message) break
        this.begin(decodeCall(message))
      }
    } catch (error) {
      this.fail(error)
    }
    this.going = false
    if (this.waiting.length > 0) this.stream.pause()
    else if (this.stream.isPaused()) this.stream.resume()
    this.endWhenDone()
  }

  private begin(call: CallMessage): void {
    const { id } = call
    if ('cancel' in call) {
      this.underWay.get(id)?.close()
      this.underWay.delete(id)
      return
    }
    if (id <= this.last) throw badRequest(`the id of a call must be greater than ${this.last}`)
    this.last = id
    try {
      const request = requestOfCall(call.method, call.request, this.caller.headers)
      const line = new CallLine(request, { peer: this.caller.peer, answered: ({ status, headers, body }) => this.answer(id, { code: status, object: body, metadata: flat(headers) }) })
      this.underWay.set(id, line)
      // Whoever handles it always answers; should it not, the caller is not left waiting.
      void this.parts.handle(new ExchangeOverLine(line)).then(() => {
        if (!line.isClosed) line.respond(500, {}, Buffer.from(JSON.stringify(internalError(new Error('the call was not answered')).status)))
      })
    } catch (error) {
      const { status } = StatusError.from(error)
      this.answer(id, { code: status.code ?? 500, object: Buffer.from(JSON.stringify(status)), metadata: [] })
    }
  }

  private answer(id: number, told: { code: number; object: Uint8Array; metadata: string[] }): void {
    this.underWay.delete(id)
    this.answers.push(encodeCallAnswer({ id, ...told }))
    if (this.waiting.length > 0 || this.over) this.goOn()
  }

  private endWhenDone(): void {
    if (this.over && this.underWay.size === 0 && this.answers.empty && !this.stream.writableEnded && !this.stream.destroyed) this.end({ 'grpc-status': '0', 'last-call': String(this.last) })
  }

  private fail(error: unknown): void {
    this.gone()
    this.end(grpcFailure(StatusError.from(error instanceof ProtobufError ? badRequest(error.message) : error).status).trailers)
  }

  private end(trailers: Record<string, string>): void {
    this.stream.once('wantTrailers', () => this.stream.sendTrailers(trailers))
    this.stream.end()
    this.stream.resume()
  }
}

export const serveCalls = (stream: ServerHttp2Stream, { headers, peer }: { headers: IncomingHttpHeaders; peer: Peer }, parts: CallParts): void => {
  const calls = new Calls(stream, { headers: headers as RequestHeaders, peer }, parts)
  stream.respond({ ':status': 200, 'content-type': grpcContentType }, { waitForTrailers: true })
  const stop = (): void => calls.finish()
  stream.on('data', (chunk: Buffer) => calls.take(chunk))
  stream.once('end', stop)
  stream.once('close', () => {
    parts.stopping.removeEventListener('abort', stop)
    calls.gone()
  })
  if (parts.stopping.aborted) stop()
  else parts.stopping.addEventListener('abort', stop)
}
