/**
 * One HTTP GET as probes and lifecycle hooks make it. Mirrors pkg/probe/http: no certificate is checked, redirects are followed on the same host only.
 * Over a bare socket: a request of node:http costs more than twice as much, and a node makes hundreds a second.
 */
import net from 'node:net'
import tls from 'node:tls'
import { type HttpAnswer, readAnswer } from './http-answer.ts'

export interface HttpTarget {
  scheme: 'http' | 'https'
  host: string
  port: number
  path: string
  headers: readonly { name: string; value: string }[]
}

export type HttpOutcome = { status: number; body: string } | { failed: string }

const maxRedirects = 10

const urlOf = ({ scheme, host, port, path }: HttpTarget): string => `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path.startsWith('/') ? path : `/${path}`}`

const headersOf = (target: HttpTarget): Record<string, string> => {
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.36', accept: '*/*', connection: 'close' }
  for (const { name, value } of target.headers) {
    if (value === '' && ['user-agent', 'accept'].includes(name.toLowerCase())) Reflect.deleteProperty(headers, name.toLowerCase())
    else headers[name.toLowerCase()] = value
  }
  return headers
}

/** What is the same each time that a probe asks. */
interface Prepared { url: URL; host: string; port: number; request: string }

const prepare = (url: URL, headers: Record<string, string>): Prepared => ({
  url, host: url.hostname.replace(/^\[|\]$/g, ''), port: portOf(url),
  request: `GET ${url.pathname}${url.search} HTTP/1.1\r\n${Object.entries('host' in headers ? headers : { host: url.host, ...headers }).map(fieldLine).join('')}\r\n`,
})

const maxPrepared = 1000
const known = new Map<string, Prepared>()

const preparedFor = (target: HttpTarget): Prepared => {
  const key = target.headers.length === 0 ? urlOf(target) : `${urlOf(target)} ${JSON.stringify(target.headers)}`
  const before = known.get(key)
  if (before) return before
  const prepared = prepare(new URL(urlOf(target)), headersOf(target))
  if (known.size >= maxPrepared) known.clear()
  known.set(key, prepared)
  return prepared
}

export const httpGet = async (target: HttpTarget, signal: AbortSignal): Promise<HttpOutcome> => {
  const first = preparedFor(target)
  let asked = first
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const outcome = await once(asked, signal)
    if ('failed' in outcome) return { failed: `Get ${JSON.stringify(urlOf(target))}: ${outcome.failed}` }
    const next = outcome.location === undefined ? undefined : new URL(outcome.location, asked.url)
    // A redirect to elsewhere is taken for health: what is there is not the container's business.
    if (!next || next.hostname !== first.url.hostname) return outcome
    asked = prepare(next, headersOf(target))
  }
  return { failed: `Get ${JSON.stringify(urlOf(target))}: stopped after 10 redirects` }
}

/** A header can hold anything but what would end it. */
const fieldLine = ([name, value]: [string, string]): string => {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw new Error(`net/http: invalid header field name ${JSON.stringify(name)}`)
  if ([...value].some((each) => each !== '\t' && (each < ' ' || each === '\u007F'))) throw new Error(`net/http: invalid header field value for ${JSON.stringify(name)}`)
  return `${name}: ${value}\r\n`
}

/** A URL forgets the port that its scheme has anyway. */
const portOf = (url: URL): number => Number(url.port || (url.protocol === 'https:' ? 443 : 80))

// One for all: what has come is copied out of it before anything else is read.
const buffer = Buffer.alloc(65_536)

const connect = ({ url, host, port }: Prepared, data: (chunk: Buffer) => void): net.Socket => {
  const onread = { buffer, callback: (count: number, bytes: Uint8Array) => { data(Buffer.from(bytes.subarray(0, count))); return true } }
  if (url.protocol !== 'https:') return net.connect({ host, port, onread })
  return tls.connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'], ...(net.isIP(host) === 0 && { servername: host }) }).on('data', data)
}

const once = (prepared: Prepared, signal: AbortSignal): Promise<HttpAnswer | { failed: string }> => new Promise((resolve) => {
  if (signal.aborted) { resolve({ failed: tooLate }); return }
  let bytes: Buffer | undefined
  const look = (ended: boolean): void => {
    try {
      const answer = readAnswer(bytes ?? Buffer.alloc(0), ended)
      if (answer) finish(answer)
    } catch (error) { finish({ failed: (error as Error).message }) }
  }
  const socket = connect(prepared, (chunk) => {
    bytes = bytes === undefined ? chunk : Buffer.concat([bytes, chunk])
    look(false)
  })
  const finish = (outcome: HttpAnswer | { failed: string }): void => {
    signal.removeEventListener('abort', giveUp)
    socket.destroy()
    resolve(outcome)
  }
  const giveUp = (): void => finish({ failed: tooLate })
  signal.addEventListener('abort', giveUp, { once: true })
  socket.once('end', () => look(true))
  socket.on('error', (error) => finish({ failed: connectionWords(error, prepared) }))
  socket.resume()
  socket.write(prepared.request)
})

const tooLate = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'

/** A connection's failure in the words of Go's net package. */
export const dialWords = (error: Error & { code?: string }, address: string): string => {
  const words: Record<string, string> = { ECONNREFUSED: 'connect: connection refused', EHOSTUNREACH: 'connect: no route to host', ENETUNREACH: 'connect: network is unreachable', ETIMEDOUT: 'i/o timeout' }
  return `dial tcp ${address}: ${words[error.code ?? ''] ?? error.message}`
}

const connectionWords = (error: Error & { code?: string; syscall?: string }, { url, port }: Prepared): string => {
  if (error.syscall === 'connect') return dialWords(error, `${url.hostname}:${port}`)
  if (error.code === 'ECONNRESET') return 'EOF'
  return error.message
}
