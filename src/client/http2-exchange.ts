/** A request of the REST API on a connection of HTTP/2. */
import type { IncomingHttpHeaders } from 'node:http2'
import { http2Body } from './http2-body.ts'
import { type Http2Connection, whenBroken } from './http2-connection.ts'
import type { ApiRequest, ApiResponse } from './transport.ts'

/** Resolves when the answer's head has arrived; rejects with an UnprocessedError where the server has not begun with the request. */
export type Http2Exchange = (connection: Http2Connection, request: ApiRequest, signal: AbortSignal) => Promise<ApiResponse>

export const http2Exchange: Http2Exchange = async (connection, { method, path, headers, body: sent }, signal) => {
  signal.throwIfAborted()
  const stream = connection.open({ ...headers, ':method': method, ':path': path, ...(sent && { 'content-length': sent.byteLength }) }, sent, signal)
  const body = http2Body(stream, signal)
  return new Promise((resolve, reject) => {
    stream.once('response', (head) => resolve({ status: Number(head[':status']), headers: plainHeaders(head), body }))
    whenBroken(stream, signal, reject)
  })
}

export const plainHeaders = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (name.startsWith(':') || value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]])))
