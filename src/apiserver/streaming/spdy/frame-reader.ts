/** Cuts a stream of bytes into frames. Data is handed on as it comes, never collected; control frames are collected up to a limit. */
import { flag, type Frame, headerBytes, parseControl, SpdyProtocolError } from './frames.ts'

/** What a control frame may have at most: the header of a stream takes a few hundred bytes. */
const largestControl = 64 * 1024

type State =
  | { at: 'header' }
  | { at: 'control'; first: number; flags: number; length: number }
  | { at: 'data'; streamId: number; fin: boolean; left: number }

export class FrameReader {
  private state: State = { at: 'header' }
  private rest: Buffer = Buffer.alloc(0)

  private take(length: number): Buffer {
    const taken = this.rest.subarray(0, length)
    this.rest = this.rest.subarray(length)
    return taken
  }

  /** The frames that are whole with this chunk, and what there is of data. Throws SpdyProtocolError. */
  *push(chunk: Buffer): Generator<Frame> {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    for (;;) {
      const frame = this.step()
      if (frame === 'more') return
      if (frame) yield frame
    }
  }

  private step(): Frame | 'more' | undefined {
    const { state } = this
    if (state.at === 'data') {
      if (this.rest.length === 0 && state.left > 0) return 'more'
      const data = this.take(state.left)
      const left = state.left - data.length
      this.state = left === 0 ? { at: 'header' } : { ...state, left }
      return { type: 'data', streamId: state.streamId, data, fin: state.fin && left === 0 }
    }
    if (state.at === 'control') {
      if (this.rest.length < state.length) return 'more'
      this.state = { at: 'header' }
      return parseControl(state.first, state.flags, this.take(state.length))
    }
    if (this.rest.length < headerBytes) return 'more'
    const header = this.take(headerBytes)
    const first = header.readUInt32BE(0)
    const length = header.readUIntBE(5, 3)
    const flags = header.readUInt8(4)
    if (first < 0x8000_0000) this.state = { at: 'data', streamId: first, fin: (flags & flag.fin) !== 0, left: length }
    else if (length > largestControl) throw new SpdyProtocolError(`a control frame of ${length} bytes is too large: ${largestControl} at most`)
    else this.state = { at: 'control', first, flags, length }
    return undefined
  }
}
