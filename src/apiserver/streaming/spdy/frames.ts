/** SPDY/3.1 frames as bytes (the draft's chapter 2): what is read becomes a `Frame`, what is written is made by an encoder. Header blocks stay compressed here. Pure. */

export const frameType = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const
export const flag = { fin: 1, unidirectional: 2 } as const
export const rstStatus = { protocolError: 1, invalidStream: 2, refusedStream: 3, unsupportedVersion: 4, cancel: 5, internalError: 6, flowControlError: 7, streamInUse: 8, streamAlreadyClosed: 9 } as const
export const goAwayStatus = { ok: 0, protocolError: 1, internalError: 2 } as const
/** The one setting that concerns us: SETTINGS_INITIAL_WINDOW_SIZE. */
export const initialWindowSetting = 7

export const headerBytes = 8
/** Bits 0-30 of a word: the highest says what kind of frame it is, or is reserved. */
const lower31 = 0x7fff_ffff

export type Frame =
  /** A piece of a DATA frame as it came; `fin` with the last piece of the stream's last frame. */
  | { type: 'data'; streamId: number; data: Buffer; fin: boolean }
  | { type: 'synStream'; streamId: number; fin: boolean; unidirectional: boolean; block: Buffer }
  | { type: 'synReply'; streamId: number; fin: boolean; block: Buffer }
  | { type: 'headers'; streamId: number; fin: boolean; block: Buffer }
  | { type: 'rstStream'; streamId: number; status: number }
  | { type: 'settings'; settings: readonly { id: number; value: number }[] }
  | { type: 'ping'; id: number }
  | { type: 'goAway'; lastStreamId: number; status: number }
  | { type: 'windowUpdate'; streamId: number; delta: number }
  /** Of a type that this version does not know: to be passed over. */
  | { type: 'unknown'; number: number }

/** A violation that ends the whole connection. */
export class SpdyProtocolError extends Error { override readonly name = 'SpdyProtocolError' }

const word = (payload: Buffer, at: number): number => payload.readUInt32BE(at) & lower31

const atLeast = (payload: Buffer, bytes: number, name: string): void => {
  if (payload.length < bytes) throw new SpdyProtocolError(`a ${name} frame of ${payload.length} bytes is too short`)
}
const exactly = (payload: Buffer, bytes: number, name: string): void => {
  if (payload.length !== bytes) throw new SpdyProtocolError(`a ${name} frame has ${bytes} bytes, not ${payload.length}`)
}

const settingsOf = (payload: Buffer): Frame => {
  atLeast(payload, 4, 'SETTINGS')
  const count = payload.readUInt32BE(0)
  if (payload.length !== 4 + count * 8) throw new SpdyProtocolError('a SETTINGS frame has not as many entries as it says')
  return { type: 'settings', settings: Array.from({ length: count }, (_, index) => ({ id: payload.readUInt32BE(4 + index * 8) & 0xff_ffff, value: payload.readUInt32BE(8 + index * 8) })) }
}

/** A control frame's payload, given the first word of its header and its flags. Throws SpdyProtocolError. */
export const parseControl = (first: number, flags: number, payload: Buffer): Frame => {
  const version = (first >>> 16) & 0x7fff
  if (version !== 3) throw new SpdyProtocolError(`SPDY version ${version} is not supported: this server speaks SPDY/3.1`)
  const fin = (flags & flag.fin) !== 0
  const number = first & 0xffff
  switch (number) {
    case frameType.synStream:
      atLeast(payload, 10, 'SYN_STREAM')
      return { type: 'synStream', streamId: word(payload, 0), fin, unidirectional: (flags & flag.unidirectional) !== 0, block: payload.subarray(10) }
    case frameType.synReply: atLeast(payload, 4, 'SYN_REPLY'); return { type: 'synReply', streamId: word(payload, 0), fin, block: payload.subarray(4) }
    case frameType.headers: atLeast(payload, 4, 'HEADERS'); return { type: 'headers', streamId: word(payload, 0), fin, block: payload.subarray(4) }
    case frameType.rstStream: exactly(payload, 8, 'RST_STREAM'); return { type: 'rstStream', streamId: word(payload, 0), status: payload.readUInt32BE(4) }
    case frameType.settings: return settingsOf(payload)
    case frameType.ping: exactly(payload, 4, 'PING'); return { type: 'ping', id: payload.readUInt32BE(0) }
    case frameType.goAway: exactly(payload, 8, 'GOAWAY'); return { type: 'goAway', lastStreamId: word(payload, 0), status: payload.readUInt32BE(4) }
    case frameType.windowUpdate: exactly(payload, 8, 'WINDOW_UPDATE'); return { type: 'windowUpdate', streamId: word(payload, 0), delta: word(payload, 4) }
    default: return { type: 'unknown', number }
  }
}

const control = (type: number, flags: number, ...payload: (number | Uint8Array)[]): Buffer => {
  const parts = payload.map((part) => (typeof part === 'number' ? word32(part) : part))
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([word32((0x8003_0000 | type) >>> 0), word32(((flags << 24) | length) >>> 0), ...parts])
}
const word32 = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeUInt32BE(value); return bytes }

export const encode = {
  synReply: (streamId: number, block: Uint8Array): Buffer => control(frameType.synReply, 0, streamId, block),
  rstStream: (streamId: number, status: number): Buffer => control(frameType.rstStream, 0, streamId, status),
  ping: (id: number): Buffer => control(frameType.ping, 0, id),
  goAway: (lastStreamId: number, status: number): Buffer => control(frameType.goAway, 0, lastStreamId, status),
  windowUpdate: (streamId: number, delta: number): Buffer => control(frameType.windowUpdate, 0, streamId, delta),
  /** The header only: the data follows as it is, uncopied. */
  dataHeader: (streamId: number, length: number, fin: boolean): Buffer => Buffer.concat([word32(streamId), word32((((fin ? flag.fin : 0) << 24) | length) >>> 0)]),
}
