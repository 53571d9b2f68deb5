/**
 * The line to an API server over TCP: one HTTP/2 connection for all requests (a second one when the server's limit of streams is reached), made anew when it breaks;
 * HTTP/1.1 with kept-alive connections where the server does not offer h2. Mirrors what client-go's rest and transport packages do.
 */
import type { Clock } from '../api/clock.ts'
import { http1Exchange } from './http1-exchange.ts'
import { Http2Connection } from './http2-connection.ts'
import { http2Exchange, type Http2Exchange } from './http2-exchange.ts'
import { authorization, type ServerAccess } from './server-access.ts'
import { openSocket } from './server-socket.ts'
import { type ApiRequest, type ApiResponse, ConnectionError, type Transport } from './transport.ts'
import { UnprocessedError } from './unprocessed-error.ts'

export interface HttpsTransport extends Transport {
  /** Closes all connections; what is under way fails. The next request would open a new one (with certificates read anew). */
  close(): void
}

const tokenMilliseconds = 60_000

/** `exchange` is how a request is made on a connection of HTTP/2. */
export const httpsTransport = (access: ServerAccess, clock: Clock, exchange: Http2Exchange = http2Exchange): HttpsTransport => {
  const url = parsedServer(access.server)
  const prefix = url.pathname.replace(/\/$/, '')
  const connections = new Set<Http2Connection>()
  let connecting: Promise<Http2Connection | undefined> | undefined
  let closing = new AbortController()
  let http1 = url.protocol === 'http:' ? http1Exchange(url, access) : undefined
  let header: { value: string | undefined; until: number } | undefined

  const credentials = async (): Promise<Record<string, string>> => {
    if (!header || clock.monotonic() >= header.until) header = { value: await authorization(access), until: clock.monotonic() + tokenMilliseconds }
    return header.value === undefined ? {} : { authorization: header.value }
  }

  /** Undefined: the server speaks only HTTP/1.1. Several requests that need a connection at once share one attempt. */
  const connect = async (): Promise<Http2Connection | undefined> => {
    const socket = await openSocket(url, { access, clock }, closing.signal)
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy()
      http1 = http1Exchange(url, access)
      return undefined
    }
    const connection: Http2Connection = new Http2Connection({ url, socket, clock, onClose: () => connections.delete(connection) })
    await connection.ready
    connections.add(connection)
    return connection
  }

  const connection = async (signal: AbortSignal): Promise<Http2Connection | undefined> => {
    for (const each of connections) if (each.hasRoom) return each
    if (!connecting) {
      connecting = connect().finally(() => { connecting = undefined })
      connecting.catch(() => {}) // told to those who wait for it; all of them may have been aborted
    }
    return abortable(connecting, signal)
  }

  const send = async (request: ApiRequest, signal: AbortSignal): Promise<ApiResponse> => {
    if (http1) return http1.request(request, signal)
    const open = await connection(signal)
    return open ? exchange(open, request, signal) : send(request, signal)
  }

  return {
    request: async (request, signal) => {
      signal.throwIfAborted()
      try {
        const full = { ...request, path: prefix + request.path, headers: { ...request.headers, ...await credentials() } }
        const response = await send(full, signal).catch((error: unknown) => {
          if (error instanceof UnprocessedError) return send(full, signal)
          throw error
        })
        if (response.status === 401) header = undefined // the token may have rotated
        return response
      } catch (error) {
        signal.throwIfAborted()
        throw new ConnectionError(`cannot reach ${url.origin}: ${reasonOf(error)}`, { cause: error })
      }
    },
    close: () => {
      closing.abort(new Error('the client was closed'))
      closing = new AbortController()
      for (const each of connections) each.close()
      http1?.close()
    },
  }
}

const parsedServer = (server: string): URL => {
  const url = URL.parse(server)
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw new TypeError(`the server's address ${JSON.stringify(server)} is no https:// or http:// URL`)
  return url
}

const reasonOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message || error.name : String(error)
}

const abortable = async <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
