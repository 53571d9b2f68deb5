/** Answers a client's wish to speak SPDY/3.1, and which of our protocols it is to carry. Mirrors apimachinery's `httpstream`: Handshake and its spdy upgrader. */
import type { Duplex } from 'node:stream'
import { unclassified } from '../../api/status.ts'
import type { Exchange } from '../exchange.ts'

export const spdyProtocol = 'spdy/3.1'

export type Handshake = { protocol: string } | { status: number; headers: Record<string, string>; text: string }

const goList = (items: readonly string[]): string => `[${items.join(' ')}]`

/** The first protocol of the client's that the server has, too; or what the client is to be told. Pure. */
export const handshake = (header: string | undefined, supported: readonly string[]): Handshake => {
  const wanted = (header ?? '').split(',').map((each) => each.trim()).filter((each) => each !== '')
  if (wanted.length === 0) return { status: 400, headers: {}, text: 'unable to upgrade: X-Stream-Protocol-Version is required' }
  const protocol = wanted.find((each) => supported.includes(each))
  if (protocol !== undefined) return { protocol }
  return { status: 403, headers: { 'x-accepted-stream-protocol-versions': supported.join(', ') }, text: `unable to upgrade: unable to negotiate protocol: client supports ${goList(wanted)}, server accepts ${goList(supported)}` }
}

/** Switches the client's connection over; whatever it has sent already is read first. */
export const acceptSpdy = ({ upgrade }: Exchange, protocol: string): Duplex => {
  if (!upgrade) throw unclassified('the connection cannot be upgraded')
  const { socket, head } = upgrade.take()
  if (head.length > 0) socket.unshift(head)
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`)
  return socket
}
