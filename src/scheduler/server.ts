/** What the scheduler tells over HTTP: health, metrics, and its last decisions. */
import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import type { Component, Log } from '../client/component.ts'
import { detailsOf, summaryOf } from './decision-log.ts'
import type { Scheduler } from './scheduler.ts'

export interface Answer { status: number; contentType: string; body: string }

const plain = (status: number, body: string): Answer => ({ status, contentType: 'text/plain; charset=utf-8', body })
const json = (body: unknown): Answer => ({ status: 200, contentType: 'application/json', body: `${JSON.stringify(body)}\n` })

/** Paths that anybody may ask. */
const open: readonly string[] = ['/healthz', '/livez', '/readyz']

/** Answers a GET; callable without a socket, too. `GET /wherry/decisions` lists, `?pod=namespace/name` tells all about one pod's, newest first. */
export const handleScheduler = async (scheduler: Scheduler, target: string): Promise<Answer> => {
  const { pathname, searchParams } = new URL(target, 'http://scheduler')
  switch (pathname) {
    case '/healthz':
    case '/livez': return plain(200, 'ok')
    case '/readyz': return scheduler.ready ? plain(200, 'ok') : plain(500, 'the informers have not synced yet')
    case '/metrics': return { status: 200, contentType: scheduler.metrics.registry.contentType, body: await scheduler.metrics.registry.metrics() }
    case '/wherry/decisions': {
      const pod = searchParams.get('pod')
      if (pod === null) return json({ decisions: scheduler.decisions.list().map(summaryOf) })
      if (!/^[^/]+\/[^/]+$/.test(pod)) return plain(400, `pod=${pod} must be namespace/name\n`)
      return json({ decisions: scheduler.decisions.list(pod).map(detailsOf) })
    }
    default: return plain(404, '404 page not found\n')
  }
}

export interface SchedulerServerOptions {
  /** Default 10259. */
  port?: number
  /** Default 127.0.0.1, as kubeadm sets it. */
  address?: string
  tls: { certificate: string; key: string }
  /** PEM: clients with a certificate of it may ask everything from anywhere; without one, only health is for everybody, the rest for this machine. */
  clientCertificateAuthority?: string
  log: Log
}

/** Serves over TLS until the signal aborts. Rejects when the port is taken. */
export const schedulerServer = (scheduler: Scheduler, { port = 10259, address = '127.0.0.1', tls, clientCertificateAuthority, log }: SchedulerServerOptions): Component => ({
  name: 'scheduler-server',
  run: async (signal) => {
    const server = createServer({
      cert: tls.certificate, key: tls.key, ...(clientCertificateAuthority !== undefined && { ca: clientCertificateAuthority, requestCert: true, rejectUnauthorized: false }),
    }, (request, response) => { void respond(scheduler, { request, response, log }) })
    signal.addEventListener('abort', () => { server.close(); server.closeAllConnections() })
    const failure = once(server, 'error').then(([error]: unknown[]) => { throw error })
    failure.catch(() => {}) // told by the race below, if it comes in time
    server.listen(port, address)
    await Promise.race([once(server, 'listening'), failure])
    log.info(`serving on https://${address}:${port}`)
    if (!signal.aborted) await Promise.race([once(server, 'close'), failure])
  },
})

const isLoopback = (address: string | undefined): boolean => address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address)

const respond = async (scheduler: Scheduler, { request, response, log }: { request: IncomingMessage; response: ServerResponse; log: Log }): Promise<void> => {
  const target = request.url ?? '/'
  const trusted = (request.socket as TLSSocket).authorized || isLoopback(request.socket.remoteAddress)
  const answer = request.method !== 'GET' && request.method !== 'HEAD' ? plain(405, 'only GET is supported\n')
    : !trusted && !open.includes(target.split('?', 1)[0] ?? '') ? plain(403, 'only for this machine, or with a client certificate\n')
    : await handleScheduler(scheduler, target).catch((error: unknown) => {
      log.error(`${target}: ${error instanceof Error ? error.message : String(error)}`)
      return plain(500, 'internal error\n')
    })
  response.writeHead(answer.status, { 'content-type': answer.contentType })
  response.end(request.method === 'HEAD' ? undefined : answer.body)
}
