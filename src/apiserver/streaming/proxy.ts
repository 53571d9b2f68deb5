/** nodes/proxy, pods/proxy and services/proxy: a way through the API server to whatever listens there. Mirrors ProxyREST of `pkg/registry/core/{node,pod,service}` and apimachinery's `util/proxy`. */
import { request as httpRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIPv6 } from 'node:net'
import type { Random } from '../../api/random.ts'
import type { Lookup } from '../registry/strategy.ts'
import type { ConnectHandler, ConnectRequest } from './connect-handler.ts'
import type { DialGuard } from './dial-guard.ts'
import type { KubeletClient } from './kubelet-access.ts'
import { relayAnswer } from './proxy-answer.ts'
import { type Backend, nodeBackend, podBackend, serviceBackend, splitTarget } from './proxy-target.ts'
import { passedHeaders, relayRequest, relayUpgrade } from './relay.ts'
import { upgradeHeaders } from './upgrade-headers.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

export interface ProxyParts { kubelets: KubeletClient; random: Random; guard: DialGuard }

/** What the server behind is told of a request, beyond its own headers. The client's Host is passed on, as upstream does. */
const headersFor = ({ exchange }: ConnectRequest): Record<string, string> => {
  const { headers, peer, rawPath, upgrade } = exchange
  const before = headers['x-forwarded-for']
  return {
    ...passedHeaders(headers), ...(upgrade && { ...upgradeHeaders(headers), connection: 'Upgrade', upgrade: headers['upgrade'] ?? upgrade.protocol }),
    host: headers['host'] ?? headers[':authority'] ?? '', 'x-forwarded-for': before === undefined ? peer.address : `${before}, ${peer.address}`, 'x-forwarded-uri': rawPath,
  }
}

/** An empty path is sent back with a slash: relative links would lead elsewhere. */
const redirectsToRoot = ({ exchange, tail }: ConnectRequest): boolean => tail === '' && !exchange.upgrade && (exchange.method === 'GET' || exchange.method === 'HEAD')

const pass = async (request: ConnectRequest, backend: Backend, { kubelets, guard }: ProxyParts): Promise<void> => {
  const { exchange, tail } = request
  const { rawPath, rawQuery, method, upgrade } = exchange
  const query = rawQuery ? `?${rawQuery}` : ''
  if (redirectsToRoot(request)) { exchange.respond(301, { location: `${rawPath}/${query}` }, new Uint8Array()); return }
  const { scheme, host, port } = backend
  const headers = headersFor(request)
  const options: RequestOptions = { method, path: `${tail === '' ? '/' : tail}${query}`, headers }
  guard.check(host, port)
  const open = scheme === 'https' ? httpsRequest : httpRequest
  // Whose certificate a pod shows, nobody here can know.
  const outgoing = backend.trusted ? kubelets.open(backend, options) : open({ ...options, host, port, lookup: guard.lookup(port), agent: false, ...{ rejectUnauthorized: false } })
  if (upgrade) { await relayUpgrade(exchange, outgoing); return }
  const response = await relayRequest(exchange, outgoing)
  const base = tail === '' ? rawPath : rawPath.slice(0, rawPath.length - tail.length)
  await relayAnswer(exchange, response, { base, backend: `${isIPv6(host) ? `[${host}]` : host}:${port}`, host: headers['host'] ?? '' })
}

type Locate = (lookup: Lookup, request: ConnectRequest) => Backend

const proxy = (parts: ProxyParts, { resource, kind, locate }: { resource: string; kind: string; locate: Locate }): ConnectHandler => ({
  resource, subresource: 'proxy', methods, needsParent: false,
  options: ({ tail }) => ({ apiVersion: 'v1', kind, path: tail }),
  connect: (request) => pass(request, locate(request.lookup, request), parts),
})

export const proxies = (parts: ProxyParts): readonly ConnectHandler[] => [
  proxy(parts, { resource: 'nodes', kind: 'NodeProxyOptions', locate: (lookup, { info }) => nodeBackend(lookup, splitTarget(info.name, 'node')) }),
  proxy(parts, { resource: 'pods', kind: 'PodProxyOptions', locate: (lookup, { info }) => podBackend(lookup, info.namespace, splitTarget(info.name, 'pod')) }),
  proxy(parts, { resource: 'services', kind: 'ServiceProxyOptions',
    locate: (lookup, { info }) => serviceBackend(lookup, { namespace: info.namespace, random: parts.random }, splitTarget(info.name, 'service')) }),
]
