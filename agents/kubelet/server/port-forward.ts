/** Port forwarding over WebSocket channels: of each port a pair, data and error, which begin with the port's number. Mirrors kubelet's cri/streaming/portforward/websocket.go. */
import type { Duplex } from 'node:stream'
import type { Runtime } from '../runtime/runtime.ts'
import type { Channels } from './channels.ts'

/** Throws for what is no port, or none at all. */
export const forwardedPorts = (query: URLSearchParams): number[] => {
  const ports = [...query.getAll('port'), ...query.getAll('ports')].flatMap((text) => text.split(',')).map((text) => text.trim()).filter(Boolean)
  if (ports.length === 0) throw new Error('query parameter "port" is required')
  return ports.map((text) => {
    const port = Number(text)
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`invalid port ${JSON.stringify(text)}`)
    return port
  })
}

const portBytes = (port: number): Uint8Array => Buffer.from([port & 0xff, port >> 8])

const carry = async (channels: Channels, connection: Duplex, data: number): Promise<void> => {
  const upward = (async () => {
    for await (const chunk of channels.input(data)) if (!connection.write(chunk)) await new Promise((resolve) => { connection.once('drain', resolve).once('close', resolve) })
    connection.end()
  })()
  for await (const chunk of connection as AsyncIterable<Buffer>) await channels.send(data, chunk)
  await channels.endOf(data)
  upward.catch(() => {}) // the connection is over either way
}

/** In the words of the runtimes that upstream's users know. */
const whyNot = (error: unknown, podUid: string, port: number): string => {
  const { code, message } = error as NodeJS.ErrnoException
  const inside = `failed to connect to localhost:${port} inside namespace ${JSON.stringify(podUid)}, IPv4: dial tcp4 127.0.0.1:${port}: connect: `
  if (code === 'ECONNREFUSED') return `${inside}connection refused`
  return code === 'ETIMEDOUT' ? `${inside}connection timed out` : message
}

export const servePortForward = async (runtime: Runtime, podUid: string, channels: Channels, ports: readonly number[]): Promise<void> => {
  for (const [index, port] of ports.entries()) {
    await channels.send(index * 2, portBytes(port))
    await channels.send(index * 2 + 1, portBytes(port))
  }
  await Promise.all(ports.map(async (port, index) => {
    let connection: Duplex | undefined
    const stop = (): void => { connection?.destroy() }
    try {
      connection = await runtime.dial(podUid, port)
      channels.signal.addEventListener('abort', stop, { once: true })
      await carry(channels, connection, index * 2)
    } catch (error) {
      if (!channels.signal.aborted) await channels.send(index * 2 + 1, Buffer.from(`error forwarding port ${port} to pod ${podUid}, uid : ${whyNot(error, podUid, port)}`))
    } finally {
      stop()
    }
  }))
  channels.close()
}
