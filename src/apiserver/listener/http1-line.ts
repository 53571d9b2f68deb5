/** A request over HTTP/1.1. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BodyWriter, Peer, RequestHeaders, ResponseHeaders, UpgradeRequest } from '../exchange.ts'
import type { Line } from './line.ts'
import { readBody } from './read-body.ts'
import { streamWriter } from './stream-writer.ts'

/** Go over raw pairs: node keeps only the first of some repeated headers, and drops nothing that we must not see. */
export const joinedHeaders = (request: IncomingMessage): RequestHeaders => {
  const headers: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(request.headers)) if (name !== '__proto__') headers[name] = Array.isArray(value) ? value.join(', ') : value
  return headers
}

export class Http1Line implements Line {
  readonly method: string
  readonly target: string
  readonly headers: RequestHeaders
  readonly peer: Peer
  readonly upgrade?: UpgradeRequest
  private readonly request: IncomingMessage
  private readonly response: ServerResponse

  constructor(request: IncomingMessage, response: ServerResponse, more: { peer: Peer; upgrade?: UpgradeRequest }) {
    this.request = request
    this.response = response
    this.method = request.method ?? 'GET'
    this.target = request.url ?? '/'
    this.headers = joinedHeaders(request)
    this.peer = more.peer
    if (more.upgrade) this.upgrade = more.upgrade
  }

  onClosed(listener: () => void): void {
    if (this.response.closed || this.request.socket.destroyed) listener()
    else this.response.once('close', listener)
  }

  chunks(): AsyncIterable<Uint8Array> { return this.request }

  readBody(limit: number): Promise<Uint8Array | undefined> { return readBody(this.request, limit) }

  respond(status: number, headers: ResponseHeaders, body: Uint8Array): void {
    if (this.response.destroyed || this.response.headersSent) return
    this.response.writeHead(status, { ...headers, 'content-length': String(body.length) } as Record<string, string | string[]>)
    this.response.end(this.method === 'HEAD' ? undefined : body)
    if (!this.request.readableEnded) this.request.resume()
  }

  open(status: number, headers: ResponseHeaders): BodyWriter {
    if (!this.response.destroyed && !this.response.headersSent) {
      this.response.writeHead(status, headers as Record<string, string | string[]>)
      this.response.flushHeaders()
    }
    return streamWriter(this.response, () => this.response.destroy())
  }
}
