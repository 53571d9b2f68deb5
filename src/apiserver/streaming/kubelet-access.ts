/** How the API server reaches kubelets: by the node's address and port, with its own client certificate. Mirrors `pkg/kubelet/client`. */
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { Nodes } from '../../api/kinds.ts'
import { badRequest, internalError, notFound, StatusError, unclassified } from '../../api/status.ts'
import type { Node, Pod } from '../../api/types.ts'
import { goConnectionError } from '../outbound/connection-error.ts'
import type { Lookup } from '../registry/strategy.ts'
import { type DialGuard, dialGuard } from './dial-guard.ts'
import { type KubeletChannels, openChannels } from './kubelet-channels.ts'

export interface KubeletCredentials {
  /** PEM. */
  certificate: string
  key: string
  /** Of the kubelets' serving certificates; absent: they are not verified (as upstream without --kubelet-certificate-authority). */
  certificateAuthority?: string
}

export interface KubeletAddress { host: string; port: number }

const preferred = ['InternalIP', 'ExternalIP', 'Hostname'] as const

/** 404 for a node that is not there, 500 for one without an address. */
export const kubeletAddress = (lookup: Lookup, nodeName: string): KubeletAddress => {
  const node = lookup.get(Nodes, nodeName)
  if (!node) throw notFound(Nodes, nodeName)
  return { host: addressOf(node), port: node.status.daemonEndpoints?.kubeletEndpoint?.Port ?? 10_250 }
}

export const addressOf = (node: Node): string => {
  for (const type of preferred) {
    const found = (node.status.addresses ?? []).find((each) => each.type === type)
    if (found) return found.address
  }
  throw internalError(new Error(`no preferred addresses found; known addresses: ${JSON.stringify(node.status.addresses ?? [])}`))
}

/** Where the pod's kubelet is; 400 while the pod has no node. */
export const kubeletOf = (lookup: Lookup, pod: Pod): KubeletAddress => {
  if (!pod.spec.nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`)
  return kubeletAddress(lookup, pod.spec.nodeName)
}

export interface KubeletGetOptions {
  /** Whatever certificate the kubelet shows will do: insecureSkipTLSVerifyBackend. */
  insecure?: boolean
}

export interface KubeletClient {
  /** Starts a request; the caller handles `response`, `upgrade` and `error`, and ends it. Throws a StatusError for an address that must not be dialed. */
  open(at: KubeletAddress, options: Pick<RequestOptions, 'method' | 'path' | 'headers'>): ClientRequest
  /** A GET whose head has arrived, whatever it says. A StatusError when the kubelet cannot be reached. */
  get(at: KubeletAddress, path: string, signal: AbortSignal, options?: KubeletGetOptions): Promise<IncomingMessage>
  /** A conversation over channels. Rejects with a KubeletRefusal or a StatusError. */
  channels(at: KubeletAddress, path: string): Promise<KubeletChannels>
}

const urlOf = ({ host, port }: KubeletAddress, path: string): string => `https://${isIPv6(host) ? `[${host}]` : host}:${port}${path}`

/** `guard` says where it may connect to; that of a server which knows its own port refuses this server itself. */
export const kubeletClient = (credentials: KubeletCredentials, guard: DialGuard = dialGuard(undefined)): KubeletClient => {
  const { certificate, key, certificateAuthority } = credentials
  const unverified = { cert: certificate, key, rejectUnauthorized: false }
  const tls = certificateAuthority ? { cert: certificate, key, ca: certificateAuthority } : unverified
  const agent = new Agent({ ...tls, keepAlive: true, maxFreeSockets: 4, timeout: 60_000 })
  const start = ({ host, port }: KubeletAddress, options: RequestOptions): ClientRequest => {
    guard.check(host, port)
    return httpsRequest({ ...options, host, port, lookup: guard.lookup(port) })
  }
  return {
    open: (at, options) => start(at, { ...tls, ...options, agent: options.headers?.['upgrade' as never] ? false : agent }),
    get: (at, path, signal, { insecure = false } = {}) => new Promise((resolve, reject) => {
      const request = start(at, { method: 'GET', path, ...(insecure ? { ...unverified, agent: false } : { ...tls, agent }) })
      const cancel = (): void => { request.destroy() }
      signal.addEventListener('abort', cancel, { once: true })
      request.once('response', (response) => { response.once('close', () => signal.removeEventListener('abort', cancel)); resolve(response) })
      request.once('error', (error) => reject(error instanceof StatusError ? error : unclassified(`Get ${JSON.stringify(urlOf(at, path))}: ${goConnectionError(error)}`)))
      request.end()
    }),
    channels: (at, path) => {
      guard.check(at.host, at.port)
      return openChannels({ url: urlOf(at, path).replace('https:', 'wss:'), tls, lookup: guard.lookup(at.port) })
    },
  }
}
