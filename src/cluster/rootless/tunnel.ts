/**
 * What crosses the wall of an unprivileged cluster's namespaces, by way of a socket in its data directory: whoever is outside says on one line where to, and then talks as if it were there.
 * UDP comes in pieces, each with its length before it. Nobody but the user can open the socket.
 */
import { createSocket } from 'node:dgram'
import { rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import type { Home } from '../home.ts'

export interface Destination { protocol: 'TCP' | 'UDP'; host: string; port: number }

export const tunnelFile = (home: Pick<Home, 'data'>): string => path.join(home.data, 'rootless.sock')

const maxLineBytes = 256
const headBytes = 2

export const frame = (datagram: Uint8Array): Buffer => {
  const head = Buffer.alloc(headBytes)
  head.writeUInt16BE(datagram.length)
  return Buffer.concat([head, datagram])
}

/** Puts pieces together again that a stream has cut anywhere. */
export const unframe = (each: (datagram: Buffer) => void): (chunk: Buffer) => void => {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      const end = rest.length < headBytes ? Infinity : headBytes + rest.readUInt16BE()
      if (rest.length < end) return
      each(rest.subarray(headBytes, end))
      rest = rest.subarray(end)
    }
  }
}

/** Both ways, each end with its other, and with both when one of them fails. */
export const join = (one: Socket, other: Socket): void => {
  const end = (): void => { one.destroy(); other.destroy() }
  for (const each of [one, other]) { each.on('error', end); each.on('close', end) }
  one.pipe(other)
  other.pipe(one)
}

const joinDatagrams = (outside: Socket, { host, port }: Destination, first: Buffer): void => {
  const inside = createSocket('udp4')
  const end = (): void => { outside.destroy() }
  outside.on('close', () => { inside.close() })
  outside.on('error', end)
  inside.on('error', end)
  inside.on('message', (datagram) => { outside.write(frame(datagram)) })
  inside.connect(port, host, () => {
    const take = unframe((datagram) => { inside.send(datagram) })
    take(first)
    outside.on('data', take)
    outside.resume()
  })
}

export const parseDestination = (line: string): Destination | undefined => {
  const [protocol, host = '', port] = line.split(' ')
  return (protocol === 'TCP' || protocol === 'UDP') && host !== '' && Number(port) > 0 ? { protocol, host, port: Number(port) } : undefined
}

const serve = (outside: Socket): void => {
  let text = Buffer.alloc(0)
  outside.on('error', () => { outside.destroy() })
  const hear = (chunk: Buffer): void => {
    text = Buffer.concat([text, chunk])
    const end = text.indexOf('\n')
    if (end < 0 && text.length < maxLineBytes) return
    outside.off('data', hear)
    outside.pause()
    const line = text.subarray(0, Math.max(0, end)).toString()
    const [destination, first] = [parseDestination(line), text.subarray(end + 1)]
    // A line of another sort only waits for the end of this process.
    if (!destination) { if (line === 'life') outside.resume(); else outside.destroy(); return }
    if (destination.protocol === 'UDP') { joinDatagrams(outside, destination, first); return }
    const inside = connect({ ...destination, allowHalfOpen: true, noDelay: true })
    if (first.length > 0) inside.write(first)
    join(inside, outside)
  }
  outside.on('data', hear)
}

/** Inside. */
export const tunnelServer = (home: Home): Promise<Server> => new Promise((resolve, reject) => {
  const server = createServer({ allowHalfOpen: true }, serve)
  server.once('error', reject)
  rmSync(tunnelFile(home), { force: true })
  server.listen(tunnelFile(home), () => { resolve(server) })
})

/** Outside; TCP is to be joined, UDP framed. */
export const throughTunnel = (file: string, { protocol, host, port }: Destination): Socket => {
  const socket = connect({ path: file, allowHalfOpen: true })
  socket.write(`${protocol} ${host} ${port}\n`)
  return socket
}
