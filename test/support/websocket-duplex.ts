/** A client's WebSocket (RFC 6455) as a stream of bytes, over a connection that has been upgraded already. For protocols whose names the ws package refuses to offer. */
import { Duplex } from 'node:stream'

const binary = 0x82
const closing = 0x88

/** Clients mask what they send; with a key of zeros the bytes stay as they are. */
const frame = (opcode: number, data: Uint8Array): Buffer => {
  const length = data.length < 126 ? Buffer.from([0x80 | data.length]) : data.length < 65_536 ? Buffer.from([0x80 | 126, data.length >> 8, data.length & 0xff]) : Buffer.alloc(9)
  if (data.length >= 65_536) { length.writeUInt8(0x80 | 127); length.writeBigUInt64BE(BigInt(data.length), 1) }
  return Buffer.concat([Buffer.from([opcode]), length, Buffer.alloc(4), data])
}

/** Where a frame of the server's, which is never masked, has its data; undefined while its head is not whole. */
const extent = (bytes: Buffer): { from: number; to: number } | undefined => {
  const short = (bytes[1] ?? 0) & 0x7f
  const from = short === 127 ? 10 : short === 126 ? 4 : 2
  if (bytes.length < from) return undefined
  return { from, to: from + (short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short) }
}

export const webSocketDuplex = (socket: Duplex, head: Buffer): Duplex => {
  let rest: Buffer = Buffer.alloc(0)
  const duplex = new Duplex({
    read() { socket.resume() },
    write(chunk: Buffer, _encoding, done) { socket.write(frame(binary, chunk), done) },
    final(done) { socket.write(frame(closing, Buffer.from([0x03, 0xe8])), () => done()) },
    destroy(error, done) { socket.destroy(); done(error) },
  })
  const take = (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk])
    for (let at = extent(rest); at && rest.length >= at.to; at = extent(rest)) {
      const [opcode, data] = [(rest[0] ?? 0) & 0x0f, rest.subarray(at.from, at.to)]
      rest = rest.subarray(at.to)
      if (opcode === 8) socket.end()
      else if (opcode < 3 && !duplex.push(data)) socket.pause()
    }
  }
  take(head)
  socket.on('data', take)
  socket.on('error', () => duplex.destroy())
  socket.on('close', () => { duplex.push(null); duplex.destroy() })
  return duplex
}
