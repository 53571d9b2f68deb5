/** The client's end of a SPDY/3.1 connection, written from the draft and node:zlib: what kubectl's library does, and (with `keepsWindows`) what it leaves out. */
import type { Duplex } from 'node:stream'
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib'
import { dictionary } from '../../src/apiserver/streaming/spdy/dictionary.ts'

const word = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeUInt32BE(value >>> 0); return bytes }
export const controlFrame = (type: number, flags: number, payload: Uint8Array): Buffer => Buffer.concat([word(0x8003_0000 + type), word(flags * 0x100_0000 + payload.length), payload])
export const dataFrame = (streamId: number, data: Uint8Array, fin = false): Buffer => Buffer.concat([word(streamId), word((fin ? 1 : 0) * 0x100_0000 + data.length), data])
const text = (value: string): Buffer => Buffer.concat([word(Buffer.byteLength(value)), Buffer.from(value)])
export const plainBlock = (headers: Readonly<Record<string, string>>): Buffer => Buffer.concat([word(Object.keys(headers).length), ...Object.entries(headers).flatMap(([name, value]) => [text(name), text(value)])])

/** A stream through zlib that is flushed after each piece. */
const through = async (codec: Deflate | Inflate, piece: Uint8Array): Promise<Buffer> => {
  const out: Buffer[] = []
  const collect = (chunk: Buffer): void => { out.push(chunk) }
  codec.on('data', collect)
  await new Promise<void>((resolve, reject) => { codec.write(piece, (error) => (error ? reject(error) : resolve())) })
  codec.off('data', collect)
  return Buffer.concat(out)
}

export const headerDeflater = (): ((headers: Readonly<Record<string, string>>) => Promise<Buffer>) => {
  const codec = createDeflate({ dictionary, level: 9, flush: constants.Z_SYNC_FLUSH })
  return (headers) => through(codec, plainBlock(headers))
}

export interface ClientStream {
  id: number
  /** What has come, all of it. */
  readonly received: Buffer
  readonly chunks: Buffer[]
  length: number
  /** The server has sent its last. */
  ended: boolean
  /** The status of its RST_STREAM, if it sent one. */
  reset: number | undefined
  replied: boolean
  write(data: Uint8Array, fin?: boolean): Promise<void>
  end(): void
  cancel(status?: number): void
}

export interface SpdyClient {
  open(headers: Readonly<Record<string, string>>, flags?: number): Promise<ClientStream>
  send(bytes: Uint8Array): void
  /** Control frames that concern no stream, and window updates: `ping 1`, `goaway 0`, `window 0 32768`. */
  said: string[]
  /** Resolves when `probe` holds, looked at whenever something has come. */
  until(what: string, probe: () => boolean): Promise<void>
  readonly closed: boolean
  /** No more is read until `resume`. */
  pause(): void
  resume(): void
  destroy(): void
}

export const spdyClient = (socket: Duplex, { keepsWindows = false } = {}): SpdyClient => {
  const deflate = headerDeflater()
  const inflater = createInflate({ dictionary, finishFlush: constants.Z_SYNC_FLUSH })
  const streams = new Map<number, ClientStream>()
  const watching = new Set<() => void>()
  const said: string[] = []
  let rest: Buffer = Buffer.alloc(0)
  let lastId = -1
  let closed = false
  let sending: Promise<unknown> = Promise.resolve()
  const look = (): void => { for (const each of [...watching]) each() }
  const onControl = async (type: number, flags: number, payload: Buffer): Promise<void> => {
    const first = payload.length >= 4 ? payload.readUInt32BE(0) : 0
    const second = payload.length >= 8 ? payload.readUInt32BE(4) : 0
    const stream = streams.get(first)
    if (type === 2) { await through(inflater, payload.subarray(4)); if (stream) { stream.replied = true; stream.ended ||= (flags & 1) === 1 } }
    if (type === 3 && stream) stream.reset = second
    if (type === 6) said.push(`ping ${first}`)
    if (type === 7) said.push(`goaway ${second}`)
    if (type === 9) said.push(`window ${first} ${second}`)
  }
  const parse = async (): Promise<void> => {
    while (rest.length >= 8) {
      const length = rest.readUIntBE(5, 3)
      if (rest.length < 8 + length) return
      const [first, flags, payload] = [rest.readUInt32BE(0), rest.readUInt8(4), rest.subarray(8, 8 + length)]
      rest = rest.subarray(8 + length)
      const stream = streams.get(first)
      if (first >= 0x8000_0000) await onControl(first & 0xffff, flags, payload)
      else if (stream) {
        stream.chunks.push(payload)
        stream.length += length
        stream.ended ||= (flags & 1) === 1
        if (keepsWindows && length > 0) for (const id of [0, first]) socket.write(controlFrame(9, 0, Buffer.concat([word(id), word(length)])))
      }
    }
  }
  let parsing: Promise<void> = Promise.resolve()
  socket.on('data', (chunk: Buffer) => { parsing = parsing.then(async () => { rest = Buffer.concat([rest, chunk]); await parse(); look() }) })
  socket.on('error', () => undefined)
  socket.on('close', () => { closed = true; void parsing.then(look) })
  return {
    said,
    get closed() { return closed },
    send: (bytes) => { socket.write(bytes) },
    async open(headers, flags = 0) {
      lastId += 2
      const id = lastId
      const stream: ClientStream = {
        id, chunks: [], length: 0, get received() { return Buffer.concat(this.chunks) }, ended: false, reset: undefined, replied: false,
        write: (data, fin = false) => new Promise((resolve) => { socket.write(dataFrame(id, data, fin), () => resolve()) }),
        end: () => { socket.write(dataFrame(id, new Uint8Array(), true)) },
        cancel: (status = 5) => { socket.write(controlFrame(3, 0, Buffer.concat([word(id), word(status)]))) },
      }
      streams.set(id, stream)
      // One zlib stream: in the order of the frames.
      const sent = sending.then(async () => { socket.write(controlFrame(1, flags, Buffer.concat([word(id), word(0), Buffer.from([0, 0]), await deflate(headers)]))) })
      sending = sent
      await sent
      return stream
    },
    until: (what, probe) => new Promise((resolve, reject) => {
      const late = setTimeout(() => { watching.delete(check); reject(new Error(`${what}: not in time; said: ${said.join(', ')}; closed: ${closed}; streams: ${[...streams.values()].map(({ id, length, ended, reset }) => `${id}: ${length} bytes, ended ${ended}, reset ${reset}`).join('; ')}`)) }, 30_000)
      const check = (): void => { if (!probe()) return; clearTimeout(late); watching.delete(check); resolve() }
      watching.add(check)
      check()
    }),
    pause: () => { socket.pause() },
    resume: () => { socket.resume() },
    destroy: () => { socket.destroy() },
  }
}
