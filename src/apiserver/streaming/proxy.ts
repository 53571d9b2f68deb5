/** nodes/proxy, pods/proxy and services/proxy: a way through the API server to whatever listens there. Mirrors `pkg/registry/core/{node,pod,service}` and `apimachinery/pkg/util/proxy`. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { EndpointSlices, Nodes, Pods, Services } from '../../api/kinds.ts'
import type { Random } from '../../api/random.ts'
import { badRequest, notFound, serviceUnavailable } from '../../api/status.ts'
import type { Lookup } from '../registry/strategy.ts'
import type { ConnectHandler, ConnectRequest } from './connect-handler.ts'
import { addressOf, kubeletAddress, type KubeletClient } from './kubelet-access.ts'
import { passedHeaders, relayRequest, relayUpgrade } from './relay.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

interface Target { scheme: 'http' | 'https'; name: string; port: string }

/** `https:web:8443` → its parts; 400 for anything else (net.SplitSchemeNamePort). */
export const splitTarget = (text: string, resource: string): Target => {
  const parts = text.split(':')
  const [first = '', second = '', third = ''] = parts
  if (parts.length === 1) return { scheme: 'http', name: first, port: '' }
  if (parts.length === 2) return { scheme: 'http', name: first, port: second }
  if (parts.length === 3 && (first === 'http' || first === 'https' || first === '')) return { scheme: first === 'https' ? 'https' : 'http', name: second, port: third }
  throw badRequest(`invalid ${resource} request ${JSON.stringify(text)}`)
}

interface Backend { scheme: 'http' | 'https'; host: string; port: number; /** The kubelet and the control plane's own ports know us by our certificate, as we know theirs. */ trusted?: boolean }

/** Secure ports of the controller managers and the scheduler. */
const controlPlanePorts: readonly number[] = [10_257, 10_258, 10_259]

const nodeBackend = (lookup: Lookup, { scheme, name, port }: Target): Backend => {
  const kubelet = kubeletAddress(lookup, name)
  if (port === '' || Number(port) === kubelet.port) return { scheme: 'https', ...kubelet, trusted: true }
  if (scheme === 'https' && controlPlanePorts.includes(Number(port))) return { scheme, host: kubelet.host, port: Number(port), trusted: true }
  const node = lookup.get(Nodes, name)
  return { scheme, host: node ? addressOf(node) : kubelet.host, port: Number(port) }
}

const podBackend = (lookup: Lookup, namespace: string, { scheme, name, port }: Target): Backend => {
  const pod = lookup.get(Pods, name, namespace)
  if (!pod) throw notFound(Pods, name)
  const host = pod.status.podIP
  if (!host) throw badRequest('address not allowed')
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? [])
  const number = port === '' ? (ports[0]?.containerPort ?? 80) : /^\d+$/.test(port) ? Number(port) : ports.find((each) => each.name === port)?.containerPort
  if (!number) throw badRequest(`no port ${JSON.stringify(port)} in pod ${JSON.stringify(name)}`)
  return { scheme, host, port: number }
}

const serviceBackend = (lookup: Lookup, { namespace, random }: { namespace: string; random: Random }, { scheme, name, port }: Target): Backend => {
  const service = lookup.get(Services, name, namespace)
  if (!service) throw notFound(Services, name)
  const ports = service.spec.ports ?? []
  const chosen = port === '' ? ports[0] : ports.find((each) => each.name === port || String(each.port) === port)
  if (!chosen || (port === '' && ports.length > 1)) throw serviceUnavailable(port === '' ? `no endpoints available for service ${JSON.stringify(name)}` : `no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`)
  const candidates = lookup.list(EndpointSlices, namespace).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name).flatMap((slice) => {
    const slicePort = (slice.ports ?? []).find((each) => (each.name ?? '') === (chosen.name ?? ''))?.port
    return slicePort ? (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready ?? true).flatMap(({ addresses }) => addresses.slice(0, 1).map((host) => ({ host, port: slicePort }))) : []
  })
  const picked = candidates[Math.floor(random.next() * candidates.length)]
  if (!picked) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`)
  return { scheme, ...picked }
}

/** Upstream answers 403 for these: they would reach what only this machine is meant to reach. */
const isForbidden = (host: string): boolean => host.startsWith('127.') || host.startsWith('169.254.') || host === '::1' || host === '0.0.0.0'

const pass = async ({ exchange, tail }: ConnectRequest, backend: Backend, kubelets: KubeletClient): Promise<void> => {
  if (!backend.trusted && isForbidden(backend.host)) throw badRequest('address not allowed')
  const path = `${tail === '' ? '/' : tail}${exchange.rawQuery ? `?${exchange.rawQuery}` : ''}`
  const base = exchange.rawPath.slice(0, exchange.rawPath.length - tail.length)
  const { upgrade } = exchange
  const headers: Record<string, string> = {
    ...passedHeaders(exchange.headers), host: `${backend.host}:${backend.port}`, 'x-forwarded-uri': base, 'x-forwarded-for': exchange.peer.address,
    ...(upgrade && { connection: 'Upgrade', upgrade: upgrade.protocol }),
  }
  const open = backend.scheme === 'https' ? httpsRequest : httpRequest
  const request = backend.trusted
    ? kubelets.open(backend, { method: exchange.method, path, headers })
    : open({ host: backend.host, port: backend.port, method: exchange.method, path, headers, rejectUnauthorized: false, timeout: 0 })
  if (upgrade) { await relayUpgrade(exchange, request); return }
  await relayRequest(exchange, request)
}

export const proxies = (kubelets: KubeletClient, random: Random): readonly ConnectHandler[] => [
  { resource: 'nodes', subresource: 'proxy', methods, needsParent: false,
    connect: (request) => pass(request, nodeBackend(request.lookup, splitTarget(request.info.name, 'node')), kubelets) },
  { resource: 'pods', subresource: 'proxy', methods, needsParent: false,
    connect: (request) => pass(request, podBackend(request.lookup, request.info.namespace, splitTarget(request.info.name, 'pod')), kubelets) },
  { resource: 'services', subresource: 'proxy', methods, needsParent: false,
    connect: (request) => pass(request, serviceBackend(request.lookup, { namespace: request.info.namespace, random }, splitTarget(request.info.name, 'service')), kubelets) },
]
