/** The line to an aggregated server: by its APIService's Service, with our front proxy certificate. Mirrors BuildTransportConfig of kube-aggregator's `pkg/controllers/status/remote`. */
import { request as httpsRequest, type RequestOptions } from 'node:https'
import type { ClientRequest } from 'node:http'
import { StatusError } from '../../api/status.ts'
import type { APIService } from '../../api/types.ts'
import { goConnectionError } from '../outbound/connection-error.ts'
import type { DialAddress, ResolveService } from '../outbound/service-resolver.ts'
import { TrustingAgent } from '../outbound/trusting-agent.ts'
import type { UserInfo } from '../registry/strategy.ts'
import { frontProxyHeaders } from './front-proxy-headers.ts'

/** PEM of the certificate by which aggregated servers know that it is us who says for whom a request is. */
export interface FrontProxyCertificate { certificate: string; key: string }

export interface RemoteAnswer { status: number; body: Buffer; etag: string | undefined }

export interface RemoteServers {
  /** Where the APIService's server is now. Throws where it is nowhere. */
  resolve(apiService: APIService): DialAddress
  /** Starts a request; its certificate must be the Service's. The caller handles `response`, `upgrade` and `error`, and ends it. */
  open(apiService: APIService, address: DialAddress, options: RequestOptions): ClientRequest
  /** A GET of ours, whatever certificate the server shows: it tells nothing that is believed further than that the server is there. Rejects in Go's words. */
  get(address: DialAddress, path: string, limits: { timeoutMs: number; maxBytes: number; signal: AbortSignal; headers?: Record<string, string> }): Promise<RemoteAnswer>
}

/** Who asks when we ask for ourselves. */
const aggregator: UserInfo = { name: 'system:kube-aggregator', groups: ['system:masters'] }

export const remoteServers = (resolve: ResolveService, frontProxy: FrontProxyCertificate | undefined): RemoteServers => {
  const identity = frontProxy && { cert: frontProxy.certificate, key: frontProxy.key }
  const kept = new TrustingAgent({ ...identity, keepAlive: true, maxFreeSockets: 32, timeout: 90_000 })
  return {
    resolve: ({ spec: { service } }) => resolve({ namespace: service?.namespace ?? '', name: service?.name ?? '', port: service?.port ?? 443 }),
    open({ spec: { service, caBundle, insecureSkipTLSVerify } }, { host, port }, options) {
      const upgrades = options.headers !== undefined && 'upgrade' in options.headers
      return httpsRequest({
        ...options, host, port, servername: `${service?.name ?? ''}.${service?.namespace ?? ''}.svc`,
        ...(insecureSkipTLSVerify ? { rejectUnauthorized: false } : caBundle ? { ca: Buffer.from(caBundle, 'base64').toString(), allowPartialTrustChain: true } : {}),
        // A connection that was to change its protocol is never used again.
        agent: upgrades ? new TrustingAgent({ ...identity }) : kept,
      })
    },
    async get({ host, port }, path, { timeoutMs, maxBytes, signal, headers }) {
      const deadline = AbortSignal.timeout(timeoutMs)
      try {
        return await fetchAll({ host, port, path, agent: kept, rejectUnauthorized: false, servername: '', signal: AbortSignal.any([signal, deadline]), headers: { accept: 'application/json', ...headers, ...frontProxyHeaders(aggregator) } }, maxBytes)
      } catch (error) {
        const why = deadline.aborted ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)' : goConnectionError(error as Error)
        throw new Error(error instanceof StatusError ? error.message : `Get "https://${host.includes(':') ? `[${host}]` : host}:${port}${path}": ${why}`)
      }
    },
  }
}

const fetchAll = (options: RequestOptions, maxBytes: number): Promise<RemoteAnswer> => new Promise((resolve, reject) => {
  const request = httpsRequest({ ...options, method: 'GET' })
  request.on('error', reject)
  request.once('response', (response) => {
    const chunks: Buffer[] = []
    let size = 0
    response.on('data', (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      if (size > maxBytes) response.destroy(new Error(`the answer is larger than ${maxBytes} bytes`))
    })
    response.on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks), etag: response.headers.etag }))
  })
  request.end()
})
