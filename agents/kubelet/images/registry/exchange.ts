/** One request to a registry: HTTP or HTTPS by the endpoint's trust, with limits in time, redirects followed without taking credentials to another host. */
import http from 'node:http'
import https from 'node:https'
import type { Endpoint } from './registry-config.ts'

export type Headers = Readonly<Record<string, string | readonly string[]>>

export interface Ask {
  endpoint: Endpoint
  method?: 'GET' | 'HEAD' | 'POST'
  headers: Headers
  body?: string
  /** How an address is reached to which `from` sends us; throws where it must not be. */
  follow(url: URL, from: URL): Endpoint
  signal: AbortSignal
}

export interface Answer { status: number; headers: http.IncomingHttpHeaders; body: http.IncomingMessage; url: URL }

/** No network, no trust, no answer: another try may do better. */
export class Unreachable extends Error { override readonly name = 'Unreachable' }

/** Nothing is sent or comes for so long: given up. */
const silenceMilliseconds = 30_000
const maxRedirects = 5
/** What another host is told, too: neither who asks nor what a file of hosts adds. */
const keptHeaders = ['accept', 'range', 'content-type']

/** As Node's agents want it: the one proxy, which was chosen already. */
const agentFor = ({ url, proxy }: Endpoint): http.Agent | false => {
  if (!proxy) return false
  return url.protocol === 'http:' ? new http.Agent({ proxyEnv: { HTTP_PROXY: proxy.href } }) : new https.Agent({ proxyEnv: { HTTPS_PROXY: proxy.href } })
}

const failed = ({ url, proxy }: Endpoint, error: NodeJS.ErrnoException): Unreachable =>
  new Unreachable(`${url.host}${proxy ? ` through the proxy ${proxy.host}` : ''}: ${error.message || error.code || 'the connection failed'}`, { cause: error })

/** Ends a request that has no connection after so long. */
const limitDial = (request: http.ClientRequest, milliseconds: number): void => {
  const timer = setTimeout(() => request.destroy(new Error(`no connection for ${milliseconds / 1000} s`)), milliseconds)
  const connected = (): void => clearTimeout(timer)
  request.once('socket', (socket) => { if (socket.connecting) socket.once('connect', connected); else connected() })
  request.once('close', connected)
}

const ask = ({ endpoint, method = 'GET', headers, body, signal }: Ask): Promise<Answer> => new Promise((resolve, reject) => {
  const { url, ca, rejectUnauthorized, client, dialMilliseconds } = endpoint
  const options: https.RequestOptions = { method, headers: { 'user-agent': 'wherry', ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) }, signal, timeout: silenceMilliseconds, agent: agentFor(endpoint) }
  const trust: https.RequestOptions = { rejectUnauthorized, ...(ca && { ca: [...ca] }), ...(client && { cert: client.map(({ cert }) => cert), key: client.map(({ key }) => key) }) }
  const request = url.protocol === 'http:' ? http.request(url, options) : https.request(url, { ...options, ...trust })
  if (dialMilliseconds !== undefined) limitDial(request, dialMilliseconds)
  request.once('timeout', () => request.destroy(new Error(`no answer for ${silenceMilliseconds / 1000} s`)))
  request.once('error', (error: NodeJS.ErrnoException) => reject(signal.aborted ? signal.reason as Error : failed(endpoint, error)))
  request.once('response', (response) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response, url }))
  request.end(body)
})

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

/** Resolves with an answer of any status but a redirect; the body must be read or destroyed. */
export const exchange = async (first: Ask): Promise<Answer> => {
  let current = first
  for (let redirects = 0; ; redirects++) {
    const answer = await ask(current)
    const location = answer.headers.location
    if (!isRedirect(answer.status) || location === undefined) return answer
    answer.body.destroy()
    if (redirects === maxRedirects) throw new Error(`${first.endpoint.url.host} redirects more than ${maxRedirects} times`)
    const from = current.endpoint.url
    const url = new URL(location, from)
    const headers = Object.fromEntries(Object.entries(current.headers).filter(([name]) => url.origin === from.origin || keptHeaders.includes(name.toLowerCase())))
    current = { ...current, endpoint: first.follow(url, from), headers }
  }
}

/** All of a small body; rejects for one of more than `limit` bytes. */
export const readBody = async ({ body, url }: Answer, limit: number): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit) break
      chunks.push(chunk)
    }
  } catch (error) {
    throw new Unreachable(`${url.host}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  if (size > limit) throw new Error(`${url.host} sends more than ${limit} bytes at ${url.pathname}`)
  return Buffer.concat(chunks)
}
