/** Messages out of a stream of bytes: each is framed by a byte that says whether it is compressed, and four of length. */
import { frameHeadBytes } from './protobuf-message.ts'

/** Thrown for what is no frame, or a longer message than is wanted. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
  readonly why: 'compressed' | 'too long' | 'no frame'
  constructor(why: FrameError['why']) {
    super(`the stream is no sequence of gRPC messages: ${why}`)
    this.why = why
  }
}

/** Bytes are copied only for messages that span chunks, and then once. */
export class FrameReader {
  private readonly maxBytes: number
  private begun: Buffer[] = []
  private wanted = frameHeadBytes
  /** Bytes of a message that is not whole yet. */
  pending = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** The messages that are whole now, without their frames. Throws a FrameError. */
  push(chunk: Uint8Array): Buffer[] {
    this.begun.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    this.pending += chunk.byteLength
    if (this.pending < this.wanted) return []
    const bytes = this.begun.length === 1 && this.begun[0] ? this.begun[0] : Buffer.concat(this.begun, this.pending)
    const messages: Buffer[] = []
    let at = 0
    for (;;) {
      this.wanted = bytes.length - at < frameHeadBytes ? frameHeadBytes : frameHeadBytes + this.lengthAt(bytes, at)
      if (this.wanted > bytes.length - at || bytes.length - at < frameHeadBytes) break
      messages.push(bytes.subarray(at + frameHeadBytes, at + this.wanted))
      at += this.wanted
    }
    this.begun = at === bytes.length ? [] : [bytes.subarray(at)]
    this.pending = bytes.length - at
    return messages
  }

  private lengthAt(bytes: Buffer, at: number): number {
    if (bytes[at] !== 0) throw new FrameError(bytes[at] === 1 ? 'compressed' : 'no frame')
    const length = bytes.readUInt32BE(at + 1)
    if (length > this.maxBytes) throw new FrameError('too long')
    return length
  }
}
