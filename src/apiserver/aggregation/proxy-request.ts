/** Hands a request to an aggregated server, as the user who sent it. Mirrors kube-aggregator's `pkg/apiserver/handler_proxy.go`. */
import type { APIService } from '../../api/types.ts'
import type { Exchange } from '../exchange.ts'
import { availableCondition } from '../registry/apiregistration/api-service.ts'
import type { UserInfo } from '../registry/strategy.ts'
import { answerHeaders, passedHeaders, relayBody, relayRequest, relayUpgrade } from '../streaming/relay.ts'
import type { DialAddress } from '../outbound/service-resolver.ts'
import { frontProxyHeaders } from './front-proxy-headers.ts'
import type { RemoteServers } from './remote-server.ts'

/** As net/http's Error: the aggregator speaks no Status here. */
const respondText = (exchange: Exchange, status: number, text: string): void =>
  exchange.respond(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache, private' }, Buffer.from(`${text}\n`))

const redirectRefused = 'the backend attempted to redirect this request, which is not permitted'

const headersFor = ({ headers, peer, upgrade }: Exchange, user: UserInfo, { host, port }: DialAddress): Record<string, string | string[]> => {
  const forwarded = headers['x-forwarded-for']
  return {
    // Whatever the client says of itself is dropped there, credentials and X-Remote headers among it.
    ...passedHeaders(headers), ...frontProxyHeaders(user), host: `${host.includes(':') ? `[${host}]` : host}:${port}`, 'x-forwarded-for': forwarded === undefined ? peer.address : `${forwarded}, ${peer.address}`,
    ...(upgrade && { connection: 'Upgrade', upgrade: upgrade.protocol }),
  }
}

/** 503 while the server is not known to be available; its redirects are refused (CVE-2022-3172). */
export const proxyRequest = async (servers: RemoteServers, apiService: APIService, { exchange, user }: { exchange: Exchange; user: UserInfo }): Promise<void> => {
  if (availableCondition(apiService)?.status !== 'True') return respondText(exchange, 503, 'service unavailable')
  let address: DialAddress
  try {
    address = servers.resolve(apiService)
  } catch {
    return respondText(exchange, 503, 'service unavailable')
  }
  const { rawPath, rawQuery, method, upgrade } = exchange
  const request = servers.open(apiService, address, { method, path: rawQuery === '' ? rawPath : `${rawPath}?${rawQuery}`, headers: headersFor(exchange, user, address) })
  if (upgrade) return relayUpgrade(exchange, request)
  const response = await relayRequest(exchange, request).catch((error: unknown) => { respondText(exchange, 503, (error as Error).message); return undefined })
  if (!response) return
  const { statusCode: status = 502 } = response
  if (status >= 300 && status <= 399 && response.headers.location !== undefined) {
    response.destroy()
    return respondText(exchange, 502, redirectRefused)
  }
  return relayBody(response as AsyncIterable<Buffer>, exchange, { status, headers: answerHeaders(response), cancel: () => response.destroy() })
}
