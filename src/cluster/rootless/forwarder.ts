/**
 * The way from the machine into the namespaces of an unprivileged cluster: connections to a port of 127.0.0.1 are passed on to the API server, those through the tunnel to where they say. It runs inside and listens twice: on the
 * machine's socket, which it inherits as its standard input, and inside on the same port, so that one kubeconfig serves here and there.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { parseFlags } from '../flags.ts'
import { readConfig } from '../config.ts'
import type { Home } from '../home.ts'
import { join, tunnelServer } from './tunnel.ts'

/** Both ways, each end with its other; a peer that is not there closes the connection. */
const passOn = (home: Home) => (outside: Socket): void => {
  outside.on('error', () => { outside.destroy() })
  readConfig(home).then((config) => {
    const address = config?.nodes[0]?.address
    if (!config || address === undefined) { outside.destroy(); return }
    const inside = connect({ host: address, port: config.serverPort, allowHalfOpen: true, noDelay: true })
    join(inside, outside)
  }).catch(() => { outside.destroy() })
}

const listening = (server: Server, where: { fd: number } | { port: number; host: string }): Promise<void> => new Promise((resolve, reject) => {
  server.once('error', reject)
  server.listen(where, resolve)
})

export const runForwarder = async (home: Home, args: readonly string[], signal: AbortSignal): Promise<void> => {
  const port = parseFlags('rootless-forwarder', ['port'], args).number('port', 0)
  const servers = [{ fd: 0 }, { port, host: '127.0.0.1' }].map((where) => ({ where, server: createServer({ allowHalfOpen: true, noDelay: true }, passOn(home)) }))
  const [tunnel] = await Promise.all([tunnelServer(home), ...servers.map(({ server, where }) => listening(server, where))])
  await new Promise<void>((resolve) => { signal.addEventListener('abort', () => { resolve() }, { once: true }) })
  for (const server of [tunnel, ...servers.map(({ server: each }) => each)]) server.close()
}
