/** Answers on their way into one stream: one write is under way at a time, what comes meanwhile goes out together. */
import type { ServerHttp2Stream } from 'node:http2'

/** So many bytes may wait for the reader; then no further calls are taken from it until it has caught up. */
const maxWaitingBytes = 1024 * 1024

export class AnswerQueue {
  private readonly stream: ServerHttp2Stream
  private readonly drained: () => void
  private frames: Buffer[] = []
  private bytes = 0
  private writing = false

  /** `drained` is called when the reader has taken what there was. */
  constructor(stream: ServerHttp2Stream, drained: () => void) {
    this.stream = stream
    this.drained = drained
  }

  get full(): boolean { return this.bytes + this.stream.writableLength > maxWaitingBytes }
  get empty(): boolean { return this.bytes === 0 }

  push(frame: Buffer): void {
    this.frames.push(frame)
    this.bytes += frame.length
    this.flush()
  }

  private flush(): void {
    if (this.writing || this.frames.length === 0 || this.stream.destroyed || this.stream.writableEnded) return
    const [first] = this.frames
    const bytes = this.frames.length === 1 && first ? first : Buffer.concat(this.frames, this.bytes)
    this.frames = []
    this.bytes = 0
    this.writing = true
    this.stream.write(bytes, this.written)
  }

  private readonly written = (): void => {
    this.writing = false
    this.flush()
    if (!this.full) this.drained()
  }
}
