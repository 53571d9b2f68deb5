/** Exchanges over HTTP/1.1, for servers without h2 (and for `kubectl proxy`, which is plain HTTP). */
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { type ServerAccess, tlsOptions } from './server-access.ts'
import { type ApiRequest, type ApiResponse, ConnectionError, type Transport } from './transport.ts'

export const http1Exchange = (url: URL, access: ServerAccess): Transport & { close(): void } => {
  const hostname = url.hostname.replace(/^\[|\]$/g, '')
  const secure = url.protocol === 'https:'
  const agent = secure ? new HttpsAgent({ keepAlive: true, timeout: 30_000 }) : new HttpAgent({ keepAlive: true })
  return {
    request: async ({ method, path, headers, body }, signal) => {
      const options = { hostname, port: url.port || (secure ? 443 : 80), method, path, agent, headers: { ...headers, ...(body && { 'content-length': body.byteLength }) } }
      const request = secure ? httpsRequest({ ...options, ...(isIP(hostname) === 0 && { servername: hostname }), ...await tlsOptions(access) }) : httpRequest(options)
      return exchanged(request, { body, signal })
    },
    close: () => agent.destroy(),
  }
}

const exchanged = (request: ReturnType<typeof httpRequest>, { body, signal }: { body: ApiRequest['body']; signal: AbortSignal }): Promise<ApiResponse> =>
  new Promise((resolve, reject) => {
    const abort = (): void => { request.destroy() }
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    request.once('close', () => signal.removeEventListener('abort', abort))
    request.setTimeout(0)
    request.once('response', (response) => resolve({
      status: response.statusCode ?? 0, body: bytes(response, signal),
      headers: Object.fromEntries(Object.entries(response.headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]]))),
    }))
    request.once('error', (error) => reject(signal.aborted ? signal.reason : error))
    request.end(body)
  })

async function* bytes(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array
  } catch (error) {
    signal.throwIfAborted()
    throw new ConnectionError(`the connection broke: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  } finally {
    response.destroy()
  }
}
