/** Open ports of the machine, each of which leads through the tunnel. */
import { createSocket, type RemoteInfo } from 'node:dgram'
import { createServer, type Socket } from 'node:net'
import type { Door } from './port-plan.ts'
import { frame, join, throughTunnel, unframe } from './tunnel.ts'

export interface OpenDoor { close(): void }

const openStream = (door: Door, tunnel: string): Promise<OpenDoor> => new Promise((resolve, reject) => {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (outside) => {
    sockets.add(outside)
    outside.on('close', () => { sockets.delete(outside) })
    join(outside, throughTunnel(tunnel, door))
  })
  server.once('error', reject)
  server.listen({ host: door.address, port: door.outside }, () => {
    resolve({ close: () => { server.close(); for (const each of sockets) each.destroy() } })
  })
})

const idleMilliseconds = 60_000
const maxPeers = 1024

/** A way through the tunnel for each peer, until nothing has come by for a minute. Of more peers than there may be, the oldest goes. */
const openDatagrams = (door: Door, tunnel: string): Promise<OpenDoor> => new Promise((resolve, reject) => {
  const peers = new Map<string, Socket>()
  const socket = createSocket('udp4')
  const begin = (key: string, { address, port }: RemoteInfo): Socket => {
    const [oldest] = peers.size < maxPeers ? [] : peers.values()
    oldest?.destroy()
    const way = throughTunnel(tunnel, door)
    peers.set(key, way)
    way.setTimeout(idleMilliseconds, () => { way.destroy() })
    way.on('data', unframe((datagram) => { socket.send(datagram, port, address) }))
    way.on('error', () => { way.destroy() })
    way.on('close', () => { if (peers.get(key) === way) peers.delete(key) })
    return way
  }
  socket.once('error', reject)
  socket.on('message', (datagram, peer) => {
    const key = `${peer.address}:${peer.port}`
    const way = peers.get(key) ?? begin(key, peer)
    // Nobody waits for a datagram: what the way does not take is lost, as on any other.
    if (way.writableLength < 1 << 20) way.write(frame(datagram))
  })
  socket.bind({ address: door.address, port: door.outside }, () => {
    socket.off('error', reject)
    socket.on('error', () => {})
    resolve({ close: () => { socket.close(); for (const each of peers.values()) each.destroy() } })
  })
})

/** Rejects when the machine does not give it. */
export const openDoor = (door: Door, tunnel: string): Promise<OpenDoor> => (door.protocol === 'TCP' ? openStream : openDatagrams)(door, tunnel)
