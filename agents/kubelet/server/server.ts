/**
 * The kubelet's own API on port 10250: TLS, nobody anonymous, everything else authorized. The API server comes with its client certificate, others with a token.
 * Mirrors pkg/kubelet/server/server.go.
 */
import { formatDuration } from '../../../src/api/duration.ts'
import { defaultThresholds, thresholdTexts } from '../eviction/threshold.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Component, Log } from '../../../src/client/component.ts'
import type { NodeFacts } from '../node-status.ts'
import type { KubeletOptions, ServerOptions } from '../options.ts'
import type { Machine } from '../pod-run.ts'
import type { PodWorkers } from '../pod-workers.ts'
import type { UsageSampler } from '../stats/usage-sampler.ts'
import { authenticator } from './authentication.ts'
import { accessesOf, authorizer } from './authorization.ts'
import { acceptChannels } from './channels.ts'
import { nodeRoutes } from './node-routes.ts'
import { podRoutes } from './pod-routes.ts'
import { answerText, findRoute, HttpError, type Route } from './route.ts'
import { systemLogRoutes } from './system-logs.ts'
import { wherryRoutes } from './wherry-routes.ts'

export interface KubeletServerParts {
  options: KubeletOptions
  server: ServerOptions
  machine: Machine
  workers: PodWorkers
  sampler: UsageSampler
  facts: NodeFacts
  /** Called with the port when it listens. */
  listening?(port: number): void
}

/** Answers with upstream's words unless the request may pass. */
type Gate = (request: IncomingMessage, path: string) => Promise<void>

const gate = ({ options: { client, nodeName, clock } }: KubeletServerParts): Gate => {
  const authenticate = authenticator(client, clock)
  const authorize = authorizer(client, nodeName, clock)
  return async (request, path) => {
    const user = await authenticate(request).catch((error: unknown) => { throw new HttpError(500, `Authentication error (verb=${request.method ?? ''}, path=${path}): ${String(error)}`) })
    if (!user) throw new HttpError(401, 'Unauthorized')
    const accesses = accessesOf(request.method ?? 'GET', path)
    for (const access of accesses) if (await authorize(user, access)) return
    const last = accesses.at(-1)
    throw new HttpError(403, `Forbidden (user=${user.name}, verb=${last?.verb ?? ''}, resource=nodes, subresource(s)=[${accesses.map(({ subresource }) => subresource).join(' ')}])`)
  }
}

const configurationOf = ({ options, facts }: KubeletServerParts): object => ({
  kind: 'KubeletConfiguration', apiVersion: 'kubelet.config.k8s.io/v1beta1', staticPodPath: options.moreStaticPods ?? options.staticPodDirectory ?? '', port: facts.kubeletPort, maxPods: facts.maxPods, clusterDomain: options.clusterDomain,
  clusterDNS: options.clusterDNS, nodeStatusUpdateFrequency: '10s', nodeStatusReportFrequency: '5m0s', nodeLeaseDurationSeconds: 40, fileCheckFrequency: '20s', evictionHard: thresholdTexts(options.eviction?.thresholds ?? defaultThresholds, true),
  ...(options.eviction?.thresholds?.some(({ graceMilliseconds }) => graceMilliseconds > 0) && { evictionSoft: thresholdTexts(options.eviction.thresholds, false) }),
  evictionPressureTransitionPeriod: formatDuration(options.eviction?.transitionMilliseconds ?? 5 * 60_000), evictionMaxPodGracePeriod: options.eviction?.maxPodGraceSeconds ?? 0,
  ...(options.shutdown && { shutdownGracePeriodByPodPriority: options.shutdown.graces.map(({ priority, graceSeconds }) => ({ priority, shutdownGracePeriodSeconds: graceSeconds })) }),
  ...(options.reserved && { systemReserved: options.reserved }),
  authentication: { anonymous: { enabled: false }, webhook: { enabled: true } }, authorization: { mode: 'Webhook' },
})

/** As the API server's: commands to execute come in the address. */
const maxHeaderBytes = 1 << 20

export const kubeletServer = (parts: KubeletServerParts): Component => ({
  name: 'kubelet-server',
  async run(signal) {
    const { machine, server: { cert, key, clientCA, port, address } } = parts
    const routes = [...nodeRoutes({ ...parts, configuration: configurationOf(parts), imageDirectory: parts.options.imageDirectory }), ...podRoutes(parts), ...systemLogRoutes(parts.server.systemLogs ?? '/var/log'), ...wherryRoutes(parts)]
    const pass = gate(parts)
    const server = createServer({ cert, key, ca: clientCA, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'], maxHeaderSize: maxHeaderBytes })
    server.on('request', (request, response) => { void serve({ request, response, routes, pass, log: machine.log, signal }) })
    // node forgets connections that were upgraded: they would outlive the server.
    const upgraded = new Set<Duplex>()
    server.on('upgrade', (request, socket, head) => {
      upgraded.add(socket)
      socket.once('close', () => upgraded.delete(socket))
      void serveUpgrade({ request, socket, head, routes, pass, log: machine.log, signal })
    })
    server.on('tlsClientError', (error) => machine.log.debug('TLS handshake failed', { error: error.message }))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new Error(`kubelet: cannot listen on port ${port}: ${error.message}`, { cause: error })))
      server.listen(port, address, resolve)
    })
    const bound = server.address()
    if (bound && typeof bound === 'object') parts.listening?.(bound.port)
    await new Promise<void>((resolve) => { if (signal.aborted) resolve(); else signal.addEventListener('abort', () => resolve(), { once: true }) })
    server.closeAllConnections()
    for (const socket of upgraded) socket.destroy()
    await new Promise<void>((resolve) => { server.close(() => resolve()) })
  },
})

interface Serving { request: IncomingMessage; routes: readonly Route[]; pass: Gate; log: Log; signal: AbortSignal }

const target = (request: IncomingMessage): URL => new URL(request.url ?? '/', 'https://kubelet')

const refusal = (error: unknown): { code: number; message: string } =>
  (error instanceof HttpError ? { code: error.code, message: error.message } : { code: 500, message: error instanceof Error ? error.message : String(error) })

const serve = async ({ request, response, routes, pass, log, signal }: Serving & { response: ServerResponse }): Promise<void> => {
  const gone = new AbortController()
  response.once('close', () => gone.abort(new Error('the client has gone')))
  try {
    const { pathname, searchParams } = target(request)
    await pass(request, pathname)
    const found = findRoute(routes, pathname)
    if (!found?.route.answer) throw new HttpError(404, '404 page not found')
    if (!found.route.methods.includes(request.method ?? '')) throw new HttpError(405, '405: Method Not Allowed')
    await found.route.answer({ at: found.at, query: searchParams, request, signal: AbortSignal.any([gone.signal, signal]) }, response)
  } catch (error) {
    if (gone.signal.aborted) return
    const { code, message } = refusal(error)
    if (code >= 500) log.warn('kubelet server', { path: request.url, error: message })
    if (response.headersSent) response.destroy()
    else answerText(response, `${message}\n`, { code })
  }
}

const serveUpgrade = async ({ request, socket, head, routes, pass, log, signal }: Serving & { socket: Duplex; head: Buffer }): Promise<void> => {
  socket.on('error', (error) => log.debug('kubelet connection', { error: error.message }))
  let accepted = false
  try {
    const { pathname, searchParams } = target(request)
    await pass(request, pathname)
    const found = findRoute(routes, pathname)
    if (!found?.route.upgrade) throw new HttpError(404, '404 page not found')
    await found.route.upgrade({ at: found.at, query: searchParams, request, signal }, async () => {
      const channels = await acceptChannels(request, socket, head).catch((error: unknown) => { throw new HttpError(400, error instanceof Error ? error.message : String(error)) })
      accepted = true
      return channels
    })
  } catch (error) {
    const { code, message } = refusal(error)
    if (!accepted) socket.end(`HTTP/1.1 ${code} ${code === 401 ? 'Unauthorized' : 'Refused'}\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(message)}\r\nconnection: close\r\n\r\n${message}`)
    else { log.warn('kubelet stream', { path: request.url, error: message }); socket.destroy() }
  }
}
