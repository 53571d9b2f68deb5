/** Names and values in a header block (the draft's 2.6.10), compressed by one zlib stream for each direction of a connection. */
import { constants, inflateRawSync } from 'node:zlib'
import { dictionary } from './dictionary.ts'
import { SpdyProtocolError } from './frames.ts'

/** Lower-case names. Several values of a name stand in one, joined with a zero byte. */
export type SpdyHeaders = ReadonlyMap<string, string>

const windowBytes = 32 * 1024
const largestBlock = 64 * 1024
const largestCount = 256

/** CMF and FLG with the FDICT bit, and the dictionary's Adler-32: how a stream with this dictionary begins. */
const streamHead = Buffer.from([0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2])

/** Throws SpdyProtocolError for a block that is not well-formed. */
export const parseBlock = (block: Buffer): SpdyHeaders => {
  const headers = new Map<string, string>()
  let at = 0
  const number = (): number => {
    if (at + 4 > block.length) throw new SpdyProtocolError('a header block ends too early')
    at += 4
    return block.readUInt32BE(at - 4)
  }
  const text = (): string => {
    const length = number()
    if (at + length > block.length) throw new SpdyProtocolError('a header block ends too early')
    at += length
    return block.toString('latin1', at - length, at)
  }
  const count = number()
  if (count > largestCount) throw new SpdyProtocolError(`a header block with ${count} names has too many: ${largestCount} at most`)
  for (let index = 0; index < count; index += 1) {
    const name = text()
    const value = text()
    if (name === '' || name !== name.toLowerCase() || headers.has(name)) throw new SpdyProtocolError(`a header block names ${JSON.stringify(name)}: names are in lower case, not empty, and stand once`)
    headers.set(name, value)
  }
  return headers
}

export const renderBlock = (headers: SpdyHeaders): Buffer => {
  const word = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeUInt32BE(value); return bytes }
  const text = (value: string): Buffer => Buffer.concat([word(Buffer.byteLength(value, 'latin1')), Buffer.from(value, 'latin1')])
  return Buffer.concat([word(headers.size), ...[...headers].flatMap(([name, value]) => [text(name), text(value)])])
}

/**
 * One direction's zlib stream, read block by block. Every block ends on a byte, flushed (Z_SYNC_FLUSH), so that each can be inflated on its own with what
 * came before as its dictionary: nothing native outlives a call, and no block may grow beyond its limit.
 */
export class HeaderReader {
  private window: Buffer | undefined

  /** Throws SpdyProtocolError; the stream cannot be read any further then. */
  read(block: Buffer): SpdyHeaders {
    let deflated = block
    if (!this.window) {
      // The level of compression, in the second byte, is the sender's affair.
      const [method = 0, flags = 0] = block
      if ((method & 0x0f) !== 8 || (flags & 0x20) === 0 || !block.subarray(2, 6).equals(streamHead.subarray(2))) throw new SpdyProtocolError('the compressed headers are no zlib stream with the dictionary of SPDY/3')
      deflated = block.subarray(streamHead.length)
      this.window = dictionary
    }
    const inflated = inflate(deflated, this.window)
    this.window = Buffer.concat([this.window, inflated]).subarray(-windowBytes)
    return parseBlock(inflated)
  }
}

const inflate = (deflated: Buffer, window: Buffer): Buffer => {
  try {
    return inflateRawSync(deflated, { dictionary: window, finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: largestBlock })
  } catch (error) {
    throw new SpdyProtocolError(`the compressed headers cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The empty stored block with which Z_SYNC_FLUSH ends: some readers hand out nothing before it. */
const flushed = Buffer.from([0, 0, 0, 0xff, 0xff])

/**
 * The other direction. Our headers are a few bytes, or none: they go as stored blocks of the same format, which any inflater reads and which
 * spares the quarter of a megabyte that a compressor would hold for each connection.
 */
export class HeaderWriter {
  private begun = false

  write(headers: SpdyHeaders): Buffer {
    const block = renderBlock(headers)
    if (block.length > 0xffff) throw new Error(`a header block of ${block.length} bytes is too large`)
    const stored = Buffer.alloc(5)
    stored.writeUInt16LE(block.length, 1)
    stored.writeUInt16LE(block.length ^ 0xffff, 3)
    const head = this.begun ? Buffer.alloc(0) : streamHead
    this.begun = true
    return Buffer.concat([head, stored, block, flushed])
  }
}
