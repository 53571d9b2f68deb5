/** A connected TLS socket, with h2 chosen where the server offers it. */
import { isIP } from 'node:net'
import { type TLSSocket, connect } from 'node:tls'
import { type ServerAccess, tlsOptions } from './server-access.ts'

const connectMilliseconds = 30_000 // client-go's dial timeout

/** Resolves after the handshake; rejects with what went wrong, certificates among it. */
export const openSocket = async (url: URL, access: ServerAccess): Promise<TLSSocket> => {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const options = await tlsOptions(access)
  const socket = connect({
    host, port: Number(url.port || 443), ALPNProtocols: ['h2', 'http/1.1'], timeout: connectMilliseconds, ...options,
    ...(options.servername === undefined && isIP(host) === 0 && { servername: host }),
  })
  socket.setNoDelay(true)
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => {
      socket.off('error', reject)
      socket.setTimeout(0)
      resolve(socket)
    })
    socket.once('error', reject)
    socket.once('timeout', () => socket.destroy(new Error(`no connection within ${connectMilliseconds / 1000} s`)))
  })
}
