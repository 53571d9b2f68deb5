/** How the API server reaches kubelets: by the node's address and port, with its own client certificate. Mirrors `pkg/kubelet/client`. */
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Nodes } from '../../api/kinds.ts'
import { badRequest, internalError, notFound, serviceUnavailable } from '../../api/status.ts'
import type { Node, Pod } from '../../api/types.ts'
import type { Lookup } from '../registry/strategy.ts'

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

export interface KubeletClient {
  /** Starts a request; the caller handles `response`, `upgrade` and `error`, and ends it. */
  open(at: KubeletAddress, options: Pick<RequestOptions, 'method' | 'path' | 'headers'>): ClientRequest
  /** A GET whose head has arrived. 503 when the kubelet cannot be reached. */
  get(at: KubeletAddress, path: string, signal: AbortSignal): Promise<IncomingMessage>
}

export const kubeletClient = (credentials: KubeletCredentials): KubeletClient => {
  const tls = {
    cert: credentials.certificate, key: credentials.key,
    ...(credentials.certificateAuthority ? { ca: credentials.certificateAuthority } : { rejectUnauthorized: false }),
  }
  const agent = new Agent({ ...tls, keepAlive: true, maxFreeSockets: 4, timeout: 60_000 })
  const open: KubeletClient['open'] = ({ host, port }, options) => httpsRequest({ ...tls, ...options, host, port, agent: options.headers?.['upgrade' as never] ? false : agent })
  return {
    open,
    get: (at, path, signal) => new Promise((resolve, reject) => {
      const request = open(at, { method: 'GET', path })
      const cancel = (): void => { request.destroy() }
      signal.addEventListener('abort', cancel, { once: true })
      request.once('response', (response) => { response.once('close', () => signal.removeEventListener('abort', cancel)); resolve(response) })
      request.once('error', (error) => reject(serviceUnavailable(`error trying to reach the kubelet at ${at.host}:${at.port}: ${error.message}`)))
      request.end()
    }),
  }
}
