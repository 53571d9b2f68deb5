/** One port with TLS: HTTP/2, gRPC in it, HTTP/1.1, upgrades, client certificates. */
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import { type IncomingMessage, type ServerOptions, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Clock } from '../../api/clock.ts'
import { serviceSetting } from '../../api/resource-service.ts'
import type { Exchange } from '../exchange.ts'
import { isGrpc, serveCall } from '../grpc/serve-call.ts'
import type { Log } from '../log.ts'
import { ExchangeOverLine } from './exchange-over-line.ts'
import { Http1Line } from './http1-line.ts'
import { Http2Line } from './http2-line.ts'
import { authoritiesIn, type KnownAuthorities, peerOf } from './peer.ts'

export interface ListenOptions {
  host: string
  /** 0 is a free one; `listening` tells which. */
  port: number
  /** PEM. */
  tls: { key: string; cert: string; clientCa?: string; /** Of front proxies. */ requestHeaderCa?: string }
  /** Called once, when connections are accepted. */
  listening?: (address: { host: string; port: number }) => void
}

export interface ListenParts {
  handle(exchange: Exchange): Promise<void>
  log: Log
  clock: Clock
}

const lastWordMs = 3000

type ServingParts = ListenParts & { authorities: KnownAuthorities; stopping: AbortSignal }

const onUpgrade = (parts: ServingParts, request: IncomingMessage, socket: Duplex, head: Buffer): void => {
  if (!(socket instanceof TLSSocket)) {
    socket.destroy()
    return
  }
  const response = new ServerResponse(request)
  let taken = false
  response.assignSocket(socket)
  response.shouldKeepAlive = false
  response.on('finish', () => {
    if (!taken) socket.end()
  })
  socket.on('error', () => socket.destroy())
  const protocol = (request.headers.upgrade ?? '').toLowerCase()
  const line = new Http1Line(request, response, { peer: peerOf(socket, socket, parts.authorities), upgrade: { protocol, take: () => {
    taken = true
    response.detachSocket(socket)
    return { request, socket, head }
  } } })
  void parts.handle(new ExchangeOverLine(line))
}

const connect = (server: Http2SecureServer, parts: ServingParts): Set<{ destroy(): void }> => {
  const open = new Set<{ destroy(): void }>()
  server.on('request', (request, response) => {
    // Only HTTP/1.1 comes here, see below.
    const message = request as unknown as IncomingMessage
    if (!(message.socket instanceof TLSSocket)) return
    void parts.handle(new ExchangeOverLine(new Http1Line(message, response as unknown as ServerResponse, { peer: peerOf(message.socket, message.socket, parts.authorities) })))
  })
  // A listener for requests also makes node serve every HTTP/2 stream through its compatibility layer: each would be answered twice.
  server.removeAllListeners('stream')
  server.on('stream', (stream, headers) => {
    stream.on('error', (error) => parts.log.debug('a stream broke', { error: error.message }))
    const session = stream.session
    if (!session) return
    const peer = peerOf(session, session.socket as TLSSocket, parts.authorities)
    if (isGrpc(headers)) void serveCall(stream, { headers, peer }, parts)
    else void parts.handle(new ExchangeOverLine(new Http2Line(stream, headers, peer)))
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => onUpgrade(parts, request, socket, head))
  server.on('session', (session: ServerHttp2Session) => {
    open.add(session)
    session.on('close', () => open.delete(session))
    session.on('error', (error) => parts.log.debug('a connection broke', { error: error.message }))
  })
  server.on('secureConnection', (socket) => {
    socket.setNoDelay(true)
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  server.on('tlsClientError', (error) => parts.log.debug('a TLS handshake failed', { error: error.message }))
  server.on('sessionError', (error: Error) => parts.log.debug('a connection broke', { error: error.message }))
  return open
}

/** Go's http.DefaultMaxHeaderBytes: `kubectl exec` sends its whole command in the address. */
const maxHeaderBytes = 1 << 20

/** Serves until the signal aborts; then accepts nothing new, lets requests finish for three seconds, and closes what is still open. */
export const listen = async (options: ListenOptions, parts: ListenParts, signal: AbortSignal): Promise<void> => {
  const { key, cert, clientCa, requestHeaderCa } = options.tls
  const authorities = [clientCa, requestHeaderCa].filter((each) => each !== undefined)
  const server = createSecureServer({
    key, cert, allowHTTP1: true, minVersion: 'TLSv1.2', ...(authorities.length > 0 && { ca: authorities, requestCert: true, rejectUnauthorized: false }),
    http1Options: { maxHeaderSize: maxHeaderBytes } as ServerOptions,
    settings: { maxConcurrentStreams: 1000, maxHeaderListSize: maxHeaderBytes, initialWindowSize: 1024 * 1024, customSettings: { [serviceSetting.id]: serviceSetting.version } }, maxSessionMemory: 100, sessionTimeout: 300,
  })
  const open = connect(server, { ...parts, stopping: signal, authorities: { clients: authoritiesIn(clientCa), frontProxies: authoritiesIn(requestHeaderCa) } })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port, backlog: 1024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.on('error', (error) => parts.log.error('the listener failed', { error: error.message }))
  const address = server.address() as AddressInfo
  options.listening?.({ host: address.address, port: address.port })
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const each of open) if ('goaway' in each) (each as ServerHttp2Session).close()
    else if (!(each as TLSSocket).alpnProtocol || (each as TLSSocket).alpnProtocol === 'http/1.1') idleEnd(each as TLSSocket)
  const patience = new AbortController()
  const late = parts.clock.sleep(lastWordMs, patience.signal).catch(() => undefined)
  await Promise.race([closed, late])
  patience.abort()
  for (const each of open) each.destroy()
  await closed
}

/** Ends a connection of HTTP/1.1 that has nothing under way. */
const idleEnd = (socket: TLSSocket): void => {
  if ((socket as TLSSocket & { _httpMessage?: unknown })._httpMessage) return
  socket.end()
}
