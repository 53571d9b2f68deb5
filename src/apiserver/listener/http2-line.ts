/** A request on an HTTP/2 stream, without node's compatibility layer: the hot path. */
import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { BodyWriter, Peer, RequestHeaders, ResponseHeaders } from '../exchange.ts'
import type { Line } from './line.ts'
import { readBody } from './read-body.ts'
import { streamWriter } from './stream-writer.ts'

const empty: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }) }

export class Http2Line implements Line {
  readonly method: string
  readonly target: string
  readonly headers: RequestHeaders
  readonly peer: Peer
  private readonly stream: ServerHttp2Stream

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, peer: Peer) {
    this.stream = stream
    this.method = headers[':method'] ?? 'GET'
    this.target = headers[':path'] ?? '/'
    // Pseudo-headers begin with a colon and disturb nobody; set-cookie is the only array, and no request has it.
    this.headers = headers as RequestHeaders
    this.peer = peer
  }

  onClosed(listener: () => void): void {
    if (this.stream.closed || this.stream.destroyed) listener()
    else this.stream.once('close', listener)
  }

  chunks(): AsyncIterable<Uint8Array> { return this.stream.endAfterHeaders ? empty : this.stream }

  readBody(limit: number): Promise<Uint8Array | undefined> {
    return this.stream.endAfterHeaders ? Promise.resolve(new Uint8Array()) : readBody(this.stream, limit)
  }

  private head(status: number, headers: ResponseHeaders): OutgoingHttpHeaders {
    return { ':status': status, ...headers } as OutgoingHttpHeaders
  }

  respond(status: number, headers: ResponseHeaders, body: Uint8Array): void {
    if (this.stream.closed || this.stream.destroyed) return
    if (body.length === 0 || this.method === 'HEAD') {
      this.stream.respond(this.head(status, headers), { endStream: true })
    } else {
      this.stream.respond(this.head(status, { ...headers, 'content-length': String(body.length) }))
      this.stream.end(body)
    }
    // A refused upload must not go on: the client is told that we read no further (as RFC 9113, 8.1 wants it).
    if (!this.stream.endAfterHeaders && !this.stream.readableEnded) this.stream.resume()
  }

  open(status: number, headers: ResponseHeaders): BodyWriter {
    if (!this.stream.closed && !this.stream.destroyed) this.stream.respond(this.head(status, headers))
    return streamWriter(this.stream, () => this.stream.close(constants.NGHTTP2_INTERNAL_ERROR))
  }
}
