/** Hands a request over to another server and its answer back, bodies as they come. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { badRequest, serviceUnavailable, StatusError, unclassified } from '../../api/status.ts'
import type { Exchange, RequestHeaders, ResponseHeaders } from '../exchange.ts'
import { goConnectionError } from '../outbound/connection-error.ts'

/** Of one connection only, or the caller's proof of who he is: never passed on. */
const notPassedOn: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'host', 'authorization', 'http2-settings'])

/** What a front proxy or a privileged client would say about whom a request is to be taken for: from an ordinary caller a forgery, on a connection that is trusted as ours. */
const aboutIdentity = ['impersonate-', 'x-remote-']

/** The names that `Connection` lists are of one connection only, too. */
const listedIn = (connection: string | undefined): ReadonlySet<string> => new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()))

const isPassedOn = (name: string): boolean => !name.startsWith(':') && !notPassedOn.has(name) && !aboutIdentity.some((prefix) => name.startsWith(prefix))

export const passedHeaders = (headers: RequestHeaders): Record<string, string> => {
  const listed = listedIn(headers['connection'])
  return Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined && isPassedOn(entry[0]) && !listed.has(entry[0])))
}

export const answerHeaders = (response: IncomingMessage): ResponseHeaders => {
  const listed = listedIn(response.headers.connection)
  return Object.fromEntries(Object.entries(response.headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined && !notPassedOn.has(entry[0]) && !listed.has(entry[0])))
}

/** Copies a body; a reader that is behind slows the sender down. The exchange ends in the middle when the sender does. */
export const relayBody = async (body: AsyncIterable<Uint8Array>, exchange: Exchange, { status, headers, cancel }: { status: number; headers: ResponseHeaders; cancel(): void }): Promise<void> => {
  const writer = exchange.stream(status, headers)
  exchange.signal.addEventListener('abort', cancel, { once: true })
  try {
    for await (const chunk of body) if (!writer.write(chunk)) await writer.drained()
    writer.end()
  } catch {
    writer.abort()
  } finally {
    exchange.signal.removeEventListener('abort', cancel)
  }
}

/** Resolves when more may be written, or nobody takes it any more. */
const room = (request: ClientRequest): Promise<void> => new Promise((resolve) => {
  const done = (): void => {
    request.off('drain', done)
    request.off('close', done)
    resolve()
  }
  request.on('drain', done)
  request.on('close', done)
})

/** The body with the framing that it came with. Only HTTP/2 can have one of unknown length without saying so: its first bytes tell. */
const sendBody = async (exchange: Exchange, request: ClientRequest): Promise<void> => {
  const { headers } = exchange
  const chunks = exchange.bodyStream()[Symbol.asyncIterator]()
  if (headers['content-length'] === undefined && headers['transfer-encoding'] !== undefined) request.setHeader('transfer-encoding', 'chunked')
  for (let first = true; ; first = false) {
    const { done, value } = await chunks.next()
    if (done || request.destroyed) break
    if (first && headers['content-length'] === undefined) request.setHeader('transfer-encoding', 'chunked')
    if (!request.write(value)) await room(request)
  }
  if (!request.destroyed) request.end()
}

/** Sends the exchange's body and resolves with the head of the answer. 503 when nobody answers. The server behind is let go when the client goes. */
export const relayRequest = async (exchange: Exchange, request: ClientRequest): Promise<IncomingMessage> => {
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.on('error', (error) => reject(error instanceof StatusError ? error : serviceUnavailable(`error trying to reach service: ${goConnectionError(error)}`)))
  })
  exchange.signal.addEventListener('abort', () => request.destroy(), { once: true })
  // An answer may come before the body has been sent, or instead of it.
  sendBody(exchange, request).catch(() => request.destroy())
  return answered
}

const headText = (response: IncomingMessage): string => {
  const lines = [`HTTP/1.1 ${response.statusCode ?? 502} ${response.statusMessage ?? ''}`]
  for (let at = 0; at + 1 < response.rawHeaders.length; at += 2) lines.push(`${response.rawHeaders[at] ?? ''}: ${response.rawHeaders[at + 1] ?? ''}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

/**
 * Joins the client's upgraded connection to one that another server has agreed to upgrade. If that server refuses, its answer is relayed and both
 * connections are closed: nothing more of the client's is ever sent to it (CVE-2018-1002105). Any other answer, a redirect among them, is an error.
 */
export const relayUpgrade = async (exchange: Exchange, request: ClientRequest): Promise<void> => {
  const { upgrade } = exchange
  if (!upgrade) throw badRequest('Upgrade request required')
  const gone = (): void => { request.destroy() }
  exchange.signal.addEventListener('abort', gone, { once: true })
  request.end()
  const answer = await new Promise<{ response: IncomingMessage; socket?: Duplex; head: Buffer }>((resolve, reject) => {
    request.once('upgrade', (response, socket, head) => resolve({ response, socket, head }))
    request.once('response', (response) => resolve({ response, head: Buffer.alloc(0) }))
    request.on('error', (error) => reject(error instanceof StatusError ? error : unclassified(`error dialing backend: ${goConnectionError(error)}`)))
  }).finally(() => exchange.signal.removeEventListener('abort', gone))
  if (!answer.socket) {
    // The request lets go of its connection, for others to use, when the answer has ended.
    const { socket, statusCode: status = 502 } = answer.response
    try {
      if (status < 400) throw unclassified(`invalid upgrade response: status code ${status}`)
      await relayBody(answer.response as AsyncIterable<Buffer>, exchange, { status, headers: answerHeaders(answer.response), cancel: () => answer.response.destroy() })
    } finally {
      socket.destroy()
    }
    return
  }
  const client = upgrade.take()
  await join(client.socket, client.head, answer.socket, [Buffer.from(headText(answer.response)), ...(answer.head.length > 0 ? [answer.head] : [])])
}

/**
 * What comes in one piece goes on in one piece, `before` first, so in a TLS record of its own: clients that wait for the socket, and not for what TLS has read
 * already (the Python client's exec), would leave the second of two messages in one record until something else comes, which after the last is nothing.
 */
const passOn = (from: Duplex, to: Duplex, before: Buffer[]): void => {
  const next = (): void => {
    const piece = before.shift()
    if (piece) to.write(piece, next)
    else from.resume()
  }
  from.on('data', (chunk: Buffer) => {
    from.pause()
    to.write(chunk, next)
  })
  from.pause()
  from.once('end', () => { to.end() })
  next()
}

/** Until both sides have ended; the end of one ends the other. */
const join = (client: Duplex, clientHead: Buffer, server: Duplex, before: Buffer[]): Promise<void> => new Promise((resolve) => {
  let open = 2
  const closed = (other: Duplex) => (): void => {
    other.destroy()
    open -= 1
    if (open === 0) resolve()
  }
  client.on('error', () => server.destroy())
  server.on('error', () => client.destroy())
  client.once('close', closed(server))
  server.once('close', closed(client))
  if (clientHead.length > 0) server.write(clientHead)
  client.pipe(server)
  passOn(server, client, before)
})
