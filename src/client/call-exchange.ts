/** A call of the gRPC service on a connection of HTTP/2, answered as the same request of the REST API is. */
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { FrameReader } from '../api/grpc-frames.ts'
import { httpCodeOf, statusInDetails } from '../api/grpc-status.ts'
import { decodeAnswer, decodeEvent, encodeRequest } from '../api/resource-message.ts'
import { resourceMethods, servicePath } from '../api/resource-service.ts'
import { channelOf } from './call-channel.ts'
import { callOfRequest, type OutgoingCall } from './call-of-request.ts'
import { http2Body } from './http2-body.ts'
import { type Http2Connection, whenBroken } from './http2-connection.ts'
import { http2Exchange, type Http2Exchange, plainHeaders } from './http2-exchange.ts'
import { type ApiResponse, ConnectionError, type EncodedEvent } from './transport.ts'

/** Longer messages than a server of ours sends. */
const maxMessageBytes = 128 * 1024 * 1024

/** By gRPC what the server has of it; all else by HTTP, on the same connection. */
export const callExchange: Http2Exchange = (connection, request, signal) => {
  const outgoing = connection.offersCalls ? callOfRequest(request) : undefined
  return outgoing ? called(connection, outgoing, signal) : http2Exchange(connection, request, signal)
}

const called = async (connection: Http2Connection, { method, call, headers }: OutgoingCall, signal: AbortSignal): Promise<ApiResponse> => {
  signal.throwIfAborted()
  const { answer } = resourceMethods[method]
  const channel = answer === 'object' ? channelOf(connection, headers) : undefined
  if (channel) return channel.call(method, call, signal)
  const stream = connection.open({ ...headers, ':method': 'POST', ':path': servicePath + method, 'content-type': 'application/grpc', te: 'trailers' }, encodeRequest(call), signal)
  return answer === 'events' ? watched(stream, signal) : answered(stream, signal)
}

async function* parts(bytes: readonly Uint8Array[]): AsyncGenerator<Uint8Array> { yield* bytes }

/** The failure that the trailers tell, if they tell one: its Status, or, where there is none, gRPC's own message. */
const failureIn = (trailers: IncomingHttpHeaders): { status: number; body: Uint8Array } | undefined => {
  const code = Number(trailers['grpc-status'] ?? NaN)
  if (code === 0) return undefined
  if (Number.isNaN(code)) throw new ConnectionError('the call ended without a status')
  const details = trailers['grpc-status-details-bin']
  const json = details === undefined ? undefined : statusInDetails(String(details))
  if (!json) return { status: httpCodeOf(code), body: Buffer.from(decodeURIComponent(String(trailers['grpc-message'] ?? ''))) }
  return { status: (JSON.parse(Buffer.from(json).toString()) as { code?: number }).code ?? httpCodeOf(code), body: json }
}

/** One message, or the pieces of a list: resolves when all of it is there. */
const answered = (stream: ClientHttp2Stream, signal: AbortSignal): Promise<ApiResponse> => new Promise((resolve, reject) => {
  let head: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders | undefined
  const chunks: Buffer[] = []
  stream.once('response', (headers) => { head = headers })
  stream.once('trailers', (headers) => { trailers = headers })
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.once('end', () => {
    if (stream.aborted || stream.rstCode || head[':status'] === undefined) return // told when it closes
    try {
      resolve(answerOf(head, trailers, chunks))
    } catch (error) {
      reject(error)
    }
  })
  whenBroken(stream, signal, reject)
})

const answerOf = (head: IncomingHttpHeaders, trailers: IncomingHttpHeaders | undefined, chunks: readonly Buffer[]): ApiResponse => {
  const headers = plainHeaders(head)
  const status = Number(head[':status'])
  if (status !== 200) return { status, headers, body: parts(chunks) }
  const frames = new FrameReader(maxMessageBytes)
  const answers = chunks.flatMap((chunk) => frames.push(chunk)).map(decodeAnswer)
  if (frames.pending > 0) throw new ConnectionError('the answer ends in the middle of a message')
  const failure = failureIn(trailers ?? head)
  const code = answers[0]?.code ?? 0
  // A Status that is too long for the trailers comes before them.
  if (failure && code < 400) return { status: failure.status, headers, body: parts([failure.body]) }
  if (answers.length === 0) throw new ConnectionError('the call ended without an answer')
  return { status: code, headers, body: parts(answers.map(({ object }) => object)) }
}

const watched = (stream: ClientHttp2Stream, signal: AbortSignal): Promise<ApiResponse> => new Promise((resolve, reject) => {
  const body = http2Body(stream, signal)
  let trailers: IncomingHttpHeaders | undefined
  stream.once('trailers', (headers) => { trailers = headers })
  stream.once('response', (head) => {
    if (head['grpc-status'] === undefined && Number(head[':status']) === 200) {
      const events = eventsIn(body, () => trailers ?? {})
      resolve({ status: 200, headers: plainHeaders(head), events, body: linesOf(events) })
      return
    }
    gather(body).then((chunks) => resolve(answerOf(head, trailers, chunks))).catch(reject)
  })
  whenBroken(stream, signal, reject)
})

const gather = async (body: AsyncIterable<Uint8Array>): Promise<Buffer[]> => {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(Buffer.from(chunk))
  return chunks
}

async function* eventsIn(body: AsyncIterable<Uint8Array>, trailers: () => IncomingHttpHeaders): AsyncGenerator<readonly EncodedEvent[]> {
  const frames = new FrameReader(maxMessageBytes)
  for await (const chunk of body) {
    const messages = frames.push(chunk)
    if (messages.length > 0) yield messages.map(decodeEvent)
  }
  if (frames.pending > 0) throw new ConnectionError('the stream ends in the middle of a message')
  const failure = failureIn(trailers())
  if (failure) throw new ConnectionError(`the watch was ended: ${Buffer.from(failure.body).toString()}`)
}

const newline = Buffer.from('\n')

/** As over HTTP, for whoever reads the body itself. */
async function* linesOf(events: AsyncIterable<readonly EncodedEvent[]>): AsyncGenerator<Uint8Array> {
  for await (const batch of events) for (const { type, object } of batch) yield Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, Buffer.from('}'), newline])
}
