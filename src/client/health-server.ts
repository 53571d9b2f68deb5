/** /healthz, /livez, /readyz and /metrics of a component that has nothing else to serve, over TLS with a certificate that it is given, or one of its own making. Mirrors cmd/kube-controller-manager/app/serve.go. */
import { createServer } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Clock } from '../api/clock.ts'
import { newSelfSignedCertificate, validFor } from './pki.ts'

export interface HealthServerOptions {
  clock: Clock
  host: string
  port: number
  /** The component's name, as in its certificate and metrics. */
  name: string
  /** Whether this replica leads. */
  leads(): boolean
  /** PEM. Only clients with a certificate of the authority are told more than whether the component is healthy; without one, nobody is. */
  tls?: HealthTls | undefined
}

export interface HealthTls { certificate: string; key: string; clientCertificateAuthority: string }

/** Serves until `signal` aborts; rejects when the port is taken. */
export const serveHealth = async ({ clock, host, port, name, leads, tls }: HealthServerOptions, signal: AbortSignal): Promise<void> => {
  const registry = new Registry()
  // The event loop's delay is sampled by a timer of its own: often enough to see a stall, seldom enough to let an idle process sleep.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 60_000 })
  new Gauge({ name: 'leader_election_master_status', help: 'Gauge of if the reporting system is the leader of the relevant lease', labelNames: ['name'], registers: [registry], collect() { this.set({ name }, leads() ? 1 : 0) } })
  const { certificate, key } = tls ?? await newSelfSignedCertificate({ commonName: name, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }, validFor(365, clock.now()))
  const server = createServer({ cert: certificate, key, minVersion: 'TLSv1.2', ...(tls && { ca: tls.clientCertificateAuthority, requestCert: true, rejectUnauthorized: false }) }, (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    if (path === '/metrics' && !(request.socket as TLSSocket).authorized) response.writeHead(401, { 'content-type': 'text/plain; charset=utf-8' }).end('Unauthorized\n')
    else if (path === '/metrics') void registry.metrics().then((text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text), (error: unknown) => response.writeHead(500).end(String(error)))
    else if (['/healthz', '/livez', '/readyz'].includes(path)) response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok')
    else response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host)
    const stop = (): void => { server.closeAllConnections(); server.close(() => resolve()) }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
