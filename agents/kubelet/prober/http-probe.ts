/** One HTTP GET as probes and lifecycle hooks make it. Mirrors pkg/probe/http: no certificate is checked, redirects are followed on the same host only. */
import http from 'node:http'
import https from 'node:https'

export interface HttpTarget {
  scheme: 'http' | 'https'
  host: string
  port: number
  path: string
  headers: readonly { name: string; value: string }[]
}

export type HttpOutcome = { status: number; body: string } | { failed: string }

// They keep no connections and no TLS sessions; an agent for each request would be made in vain.
const agents = { 'http:': new http.Agent({ keepAlive: false }), 'https:': new https.Agent({ keepAlive: false, maxCachedSessions: 0, rejectUnauthorized: false }) }

const maxRedirects = 10
const maxBody = 10 * 1024

const urlOf = ({ scheme, host, port, path }: HttpTarget): string => `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path.startsWith('/') ? path : `/${path}`}`

const headersOf = (target: HttpTarget): Record<string, string> => {
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.36', accept: '*/*', connection: 'close' }
  for (const { name, value } of target.headers) {
    if (value === '' && ['user-agent', 'accept'].includes(name.toLowerCase())) Reflect.deleteProperty(headers, name.toLowerCase())
    else headers[name.toLowerCase()] = value
  }
  return headers
}

export const httpGet = async (target: HttpTarget, signal: AbortSignal): Promise<HttpOutcome> => {
  const headers = headersOf(target)
  const first = new URL(urlOf(target))
  let url = first
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const outcome = await once(url, headers, signal)
    if ('failed' in outcome) return { failed: `Get ${JSON.stringify(urlOf(target))}: ${outcome.failed}` }
    const next = outcome.location === undefined ? undefined : new URL(outcome.location, url)
    // A redirect to elsewhere is taken for health: what is there is not the container's business.
    if (!next || next.hostname !== first.hostname) return outcome
    url = next
  }
  return { failed: `Get ${JSON.stringify(urlOf(target))}: stopped after 10 redirects` }
}

type Single = { status: number; body: string; location?: string } | { failed: string }

const once = (url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Single> => new Promise((resolve) => {
  const secure = url.protocol === 'https:'
  const send = secure ? https.request : http.request
  const request = send(url, { headers, signal, agent: agents[secure ? 'https:' : 'http:'], setHost: !('host' in headers) }, (response) => {
    const chunks: Buffer[] = []
    let size = 0
    const done = (): void => {
      const redirect = response.statusCode !== undefined && response.statusCode >= 300 && response.statusCode < 400
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString().slice(0, maxBody), ...(redirect && response.headers.location && { location: response.headers.location }) })
    }
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > maxBody) { done(); request.destroy() }
    })
    response.on('end', done)
    response.on('error', (error) => resolve({ failed: connectionWords(error, url, signal) }))
  })
  request.on('error', (error) => resolve({ failed: connectionWords(error, url, signal) }))
  request.end()
})

/** A connection's failure in the words of Go's net package. */
export const dialWords = (error: Error & { code?: string }, address: string): string => {
  const words: Record<string, string> = { ECONNREFUSED: 'connect: connection refused', EHOSTUNREACH: 'connect: no route to host', ENETUNREACH: 'connect: network is unreachable', ETIMEDOUT: 'i/o timeout' }
  return `dial tcp ${address}: ${words[error.code ?? ''] ?? error.message}`
}

const connectionWords = (error: Error & { code?: string; syscall?: string }, url: URL, signal: AbortSignal): string => {
  if (signal.aborted) return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
  if (error.syscall === 'connect') return dialWords(error, url.host)
  if (error.code === 'ECONNRESET') return 'EOF'
  return error.message
}
