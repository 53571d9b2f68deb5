/** /healthz, /livez and /metrics of kube-proxy. Mirrors pkg/proxy/healthcheck/proxy_health.go and pkg/proxy/metrics. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Counter, Histogram, Registry } from 'prom-client'
import { timestamp, type Clock } from '../../src/api/clock.ts'
import type { EndpointLog } from './endpoint-log.ts'

export interface HealthServer {
  synced(sync: { milliseconds: number; full: boolean }): void
  failed(): void
  /** Whether the last write of rules went well. */
  isHealthy(): boolean
  run(signal: AbortSignal): Promise<void>
}

export const healthServer = ({ clock, port, nodeName, endpoints }: { clock: Clock; port: number; nodeName: string; endpoints: EndpointLog }): HealthServer => {
  const registry = new Registry()
  const duration = new Histogram({ name: 'kubeproxy_sync_proxy_rules_duration_seconds', help: 'SyncProxyRules latency in seconds', buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 15], registers: [registry] })
  const full = new Counter({ name: 'kubeproxy_sync_full_proxy_rules_total', help: 'Number of full syncs of the rules', registers: [registry] })
  const failures = new Counter({ name: 'kubeproxy_sync_proxy_rules_iptables_restore_failures_total', help: 'Number of failed iptables-restore calls', registers: [registry] })
  let healthy = false
  let lastUpdated = clock.now()
  return {
    synced: (sync) => { healthy = true; lastUpdated = clock.now(); duration.observe(sync.milliseconds / 1000); if (sync.full) full.inc() },
    failed: () => { healthy = false; failures.inc() },
    isHealthy: () => healthy,
    run: async (signal) => {
      if (port === 0) return
      const server = createServer((request, response) => {
        const path = (request.url ?? '').split('?')[0]
        if (path === '/metrics') void registry.metrics().then((text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text))
        else if (path === '/healthz' || path === '/livez') {
          response.writeHead(healthy ? 200 : 503, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' })
            .end(JSON.stringify({ lastUpdated: timestamp(lastUpdated), currentTime: timestamp(clock.now()), nodeName }))
        } else if (path === '/wherry/endpoints' && isOwnMachine(request)) void stream(endpoints, response)
        else response.writeHead(404).end()
      })
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, '0.0.0.0')
        signal.addEventListener('abort', () => { server.closeAllConnections(); server.close(() => resolve()) }, { once: true })
      })
    },
  }
}

/** Which pods are behind which Services is told to this machine only: nobody is asked here who they are. */
const isOwnMachine = ({ socket }: IncomingMessage): boolean => socket.remoteAddress === '127.0.0.1' || socket.remoteAddress === '::ffff:127.0.0.1'

const stream = async (endpoints: EndpointLog, response: ServerResponse): Promise<void> => {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders()
  for await (const stamp of endpoints.watch(gone.signal)) response.write(`${JSON.stringify(stamp)}\n`)
}
