/** A connected TLS socket, with h2 chosen where the server offers it. */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { type TLSSocket, connect } from 'node:tls'
import type { Clock } from '../api/clock.ts'
import { type ServerAccess, tlsOptions } from './server-access.ts'

const connectMilliseconds = 30_000 // client-go's dial timeout

// A server that is just being started, or restarted, refuses for a moment: asked this often and this long before that counts as its answer.
const retryMilliseconds = 25
const refusedMilliseconds = 1_000

const openPlain = (host: string, port: number): Promise<Socket> => {
  const socket = connectPlain({ host, port, timeout: connectMilliseconds })
  return new Promise((resolve, reject) => {
    socket.once('connect', () => { socket.off('error', reject).setTimeout(0); resolve(socket) })
    socket.once('error', reject)
    socket.once('timeout', () => socket.destroy(new Error(`no connection within ${connectMilliseconds / 1000} s`)))
  })
}

const openPatiently = async ({ host, port, clock }: { host: string; port: number; clock: Clock }, signal: AbortSignal): Promise<Socket> => {
  const deadline = clock.monotonic() + refusedMilliseconds
  for (;;) {
    try {
      return await openPlain(host, port)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED' || clock.monotonic() >= deadline) throw error
    }
    await clock.sleep(retryMilliseconds, signal)
  }
}

/** Resolves after the handshake; rejects with what went wrong, certificates among it, or when `signal` aborts while it waits for somebody to listen. */
export const openSocket = async (url: URL, { access, clock }: { access: ServerAccess; clock: Clock }, signal: AbortSignal): Promise<TLSSocket> => {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const plain = await openPatiently({ host, port: Number(url.port || 443), clock }, signal)
  const socket = connect({ socket: plain, host, ALPNProtocols: ['h2', 'http/1.1'], ...(isIP(host) === 0 && { servername: host }), ...await tlsOptions(access) })
  socket.setNoDelay(true)
  socket.setTimeout(connectMilliseconds)
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => {
      socket.off('error', reject)
      socket.setTimeout(0)
      resolve(socket)
    })
    socket.once('error', reject)
    socket.once('timeout', () => socket.destroy(new Error(`no TLS handshake within ${connectMilliseconds / 1000} s`)))
  })
}
