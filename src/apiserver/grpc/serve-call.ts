/** From an HTTP/2 stream to a call of the gRPC service: the same chain of filters and handlers as for REST serves it. Mirrors gRPC's "gRPC over HTTP2". */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Clock } from '../../api/clock.ts'
import { grpcFailure } from '../../api/grpc-status.ts'
import { servicePath } from '../../api/resource-service.ts'
import { badRequest, notImplemented, StatusError } from '../../api/status.ts'
import type { Peer, RequestHeaders } from '../exchange.ts'
import { ExchangeOverLine } from '../listener/exchange-over-line.ts'
import { grpcContentType } from './event-framing.ts'
import { GrpcLine } from './grpc-line.ts'
import { readMessage } from './read-message.ts'
import { methodOf, requestOfCall } from './request-of-call.ts'
import { type CallParts, serveCalls } from './serve-calls.ts'

export interface ServiceParts extends CallParts { clock: Clock }

/** Of any gRPC stream, also of those that we refuse. */
export const isGrpc = (headers: IncomingHttpHeaders): boolean => headers['content-type']?.startsWith(grpcContentType) === true

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 }

/** How long the caller waits, in milliseconds; undefined where it does not say. */
export const deadlineOf = (header: string | string[] | undefined): number | undefined => {
  if (header === undefined) return undefined
  const [, amount, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(header)) ?? []
  if (amount === undefined) throw badRequest(`invalid grpc-timeout ${JSON.stringify(header)}: digits and one of H, M, S, m, u, n`)
  return Number(amount) * (unitMs[unit] ?? 1)
}

const refuse = (stream: ServerHttp2Stream, error: unknown): void => {
  if (stream.closed || stream.destroyed) return
  const { trailers } = grpcFailure(StatusError.from(error).status)
  stream.respond({ ':status': 200, 'content-type': grpcContentType, ...trailers }, { endStream: true })
  // What has not come of the request need not come any more (RFC 9113, 8.1).
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
}

/** Ends the call when its time is over; nothing is left behind when it ends before. */
const limit = (line: GrpcLine, clock: Clock, milliseconds: number): void => {
  const ended = new AbortController()
  line.onClosed(() => ended.abort())
  clock.sleep(milliseconds, ended.signal).then(() => line.expire(), () => undefined)
}

/** Never rejects: what goes wrong is answered. */
export const serveCall = async (stream: ServerHttp2Stream, { headers, peer }: { headers: IncomingHttpHeaders; peer: Peer }, parts: ServiceParts): Promise<void> => {
  // Other encodings of messages, and gRPC-Web, are other content types.
  if (headers[':method'] !== 'POST' || !/^application\/grpc(\+proto)?(;|$)/.test(headers['content-type'] ?? '')) {
    stream.respond({ ':status': headers[':method'] === 'POST' ? 415 : 405 }, { endStream: true })
    stream.resume()
    return
  }
  const { handle, clock } = parts
  try {
    if (headers[':path'] === `${servicePath}Calls`) return serveCalls(stream, { headers, peer }, parts)
    const method = methodOf(headers[':path'])
    if (!method) throw notImplemented(`there is no method ${JSON.stringify(headers[':path'])}`)
    const deadline = deadlineOf(headers['grpc-timeout'])
    const request = requestOfCall(method, await readMessage(stream), headers as RequestHeaders)
    const line = new GrpcLine(stream, { method, request, peer })
    if (deadline !== undefined) limit(line, clock, deadline)
    await handle(new ExchangeOverLine(line))
  } catch (error) {
    refuse(stream, error)
  }
}
