/** Cluster DNS: one component that answers from informers, and forwards the rest. Health paths and ports are CoreDNS'. */
import { createServer } from 'node:http'
import { Registry } from 'prom-client'
import type { Clock } from '../../src/api/clock.ts'
import type { Component, Log } from '../../src/client/component.ts'
import type { Informers } from '../../src/client/informers.ts'
import { answerCache } from './cache.ts'
import { clusterView } from './cluster-view.ts'
import { forward, type Upstream } from './forward.ts'
import { dnsMetrics, type Source } from './metrics.ts'
import { respond } from './respond.ts'
import { serveDns } from './server.ts'

export interface DnsOptions {
  informers: Informers
  clock: Clock
  log: Log
  domain: string
  address: string
  port: number
  upstreams: readonly Upstream[]
  /** Ports of /health, /ready and /metrics; 0: not served. */
  healthPort: number
  readyPort: number
  metricsPort: number
}

const ttlSeconds = 5

export const dns = (options: DnsOptions): Component => ({
  name: 'dns',
  run: async (signal) => {
    const view = clusterView(options.informers)
    const registry = new Registry()
    const count = dnsMetrics(registry)
    let ready = false
    void view.synced.then(() => { ready = true; options.log.info('answering', { domain: options.domain }) }, () => {})
    const responder = {
      view, domain: options.domain, ttlSeconds, cache: answerCache(options.clock),
      forward: (query: Buffer, protocol: 'udp' | 'tcp') => forward(query, options.upstreams, protocol),
    }
    const answer = async (query: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer | undefined> => {
      const began = options.clock.monotonic()
      let asked: { source: Source; type: string } | undefined
      const answered = await respond(query, protocol, { ...responder, answered: (source, type) => { asked = { source, type } } })
      if (asked && answered) count({ ...asked, protocol, rcode: (answered[3] ?? 0) & 15, seconds: (options.clock.monotonic() - began) / 1000 })
      return answered
    }
    await Promise.all([
      serveDns({ address: options.address, port: options.port, respond: async (query, protocol) => {
        // Before everything has been seen, "no such name" would be a lie.
        if (!ready) await view.synced
        return answer(query, protocol)
      } }, signal),
      serveText(options.healthPort, () => ({ status: 200, text: 'OK' }), signal),
      serveText(options.readyPort, () => (ready ? { status: 200, text: 'OK' } : { status: 503, text: 'kubernetes' }), signal),
      serveText(options.metricsPort, async () => ({ status: 200, text: await registry.metrics() }), signal),
    ])
  },
})

const serveText = async (port: number, answer: () => { status: number; text: string } | Promise<{ status: number; text: string }>, signal: AbortSignal): Promise<void> => {
  if (port === 0) return
  const server = createServer((_, response) => { void Promise.resolve(answer()).then(({ status, text }) => response.writeHead(status, { 'content-type': 'text/plain' }).end(text)) })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port)
    signal.addEventListener('abort', () => { server.closeAllConnections(); server.close(() => resolve()) }, { once: true })
  })
}
