/** Hands a request over to another server and its answer back, bodies as they come. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { badRequest, serviceUnavailable } from '../../api/status.ts'
import type { Exchange, RequestHeaders, ResponseHeaders } from '../exchange.ts'

/** Of one connection only, or the caller's proof of who he is: never passed on. */
const notPassedOn: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'host', 'authorization', 'http2-settings'])

/** What a front proxy or a privileged client would say about whom a request is to be taken for: from an ordinary caller a forgery, on a connection that is trusted as ours. */
const aboutIdentity = ['impersonate-', 'x-remote-']

const isPassedOn = (name: string): boolean => !name.startsWith(':') && !notPassedOn.has(name) && !aboutIdentity.some((prefix) => name.startsWith(prefix))

export const passedHeaders = (headers: RequestHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined && isPassedOn(entry[0])))

const answerHeaders = (response: IncomingMessage): ResponseHeaders =>
  Object.fromEntries(Object.entries(response.headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined && !notPassedOn.has(entry[0])))

/** Copies a response's body; a reader that is behind slows the sender down. The exchange ends in the middle when the sender does. */
export const relayBody = async (response: IncomingMessage, exchange: Exchange, { status, headers }: { status: number; headers: ResponseHeaders }): Promise<void> => {
  const writer = exchange.stream(status, headers)
  const cancel = (): void => { response.destroy() }
  exchange.signal.addEventListener('abort', cancel, { once: true })
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) if (!writer.write(chunk)) await writer.drained()
    writer.end()
  } catch {
    writer.abort()
  } finally {
    exchange.signal.removeEventListener('abort', cancel)
  }
}

/** Sends the exchange's body and relays what comes back. 503 when nobody answers. */
export const relayRequest = async (exchange: Exchange, request: ClientRequest, transform: (response: IncomingMessage) => ResponseHeaders = answerHeaders): Promise<void> => {
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', (error) => reject(serviceUnavailable(`error trying to reach service: ${error.message}`)))
  })
  answered.catch(() => {})
  exchange.signal.addEventListener('abort', () => request.destroy(), { once: true })
  const hasBody = exchange.method !== 'GET' && exchange.method !== 'HEAD'
  if (hasBody) for await (const chunk of exchange.bodyStream()) if (!request.write(chunk)) await new Promise((resolve) => { request.once('drain', resolve); request.once('close', resolve) })
  request.end()
  const response = await answered
  await relayBody(response, exchange, { status: response.statusCode ?? 502, headers: transform(response) })
}

const headText = (response: IncomingMessage): string => {
  const lines = [`HTTP/1.1 ${response.statusCode ?? 502} ${response.statusMessage ?? ''}`]
  for (let at = 0; at + 1 < response.rawHeaders.length; at += 2) lines.push(`${response.rawHeaders[at] ?? ''}: ${response.rawHeaders[at + 1] ?? ''}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

/**
 * Joins the client's upgraded connection to one that another server has agreed to upgrade. If that server says anything but 101, its answer is
 * relayed and both connections are closed: nothing more of the client's is ever sent to it (CVE-2018-1002105).
 */
export const relayUpgrade = async (exchange: Exchange, request: ClientRequest): Promise<void> => {
  const { upgrade } = exchange
  if (!upgrade) throw badRequest('Upgrade request required')
  request.end()
  const answer = await new Promise<{ response: IncomingMessage; socket?: Duplex; head: Buffer }>((resolve, reject) => {
    request.once('upgrade', (response, socket, head) => resolve({ response, socket, head }))
    request.once('response', (response) => resolve({ response, head: Buffer.alloc(0) }))
    request.once('error', (error) => reject(serviceUnavailable(`error dialing backend: ${error.message}`)))
  })
  if (!answer.socket) {
    // The request lets go of its connection, for others to use, when the answer has ended.
    const { socket } = answer.response
    await relayBody(answer.response, exchange, { status: answer.response.statusCode ?? 502, headers: answerHeaders(answer.response) })
    socket.destroy()
    return
  }
  const client = upgrade.take()
  client.socket.write(headText(answer.response))
  await join(client.socket, client.head, answer.socket, answer.head)
}

/** Until both sides have ended; the end of one ends the other. */
const join = (client: Duplex, clientHead: Buffer, server: Duplex, serverHead: Buffer): Promise<void> => new Promise((resolve) => {
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
  if (serverHead.length > 0) client.write(serverHead)
  if (clientHead.length > 0) server.write(clientHead)
  client.pipe(server)
  server.pipe(client)
})
