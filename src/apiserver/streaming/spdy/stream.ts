/** One stream of a SPDY connection, as a Duplex: ends and windows are the protocol's half-closes and flow control. */
import { Duplex } from 'node:stream'
import type { SpdyHeaders } from './header-block.ts'

/** What the connection does for its streams. */
export interface StreamHost {
  /** Sends data as the peer's windows allow; calls back when more may follow. */
  send(stream: SpdyStream, data: Buffer, done: (error?: Error) => void): void
  /** Half-closes: nothing more follows from us. */
  finish(stream: SpdyStream): void
  /** Bytes that were received have been read by whoever uses the stream. */
  consumed(stream: SpdyStream, bytes: number): void
  /** The stream is over on this side, in whatever way. */
  forget(stream: SpdyStream): void
}

/** The peer ended the stream in the middle. */
export class SpdyStreamReset extends Error { override readonly name = 'SpdyStreamReset' }

const bufferBytes = 64 * 1024

export class SpdyStream extends Duplex {
  readonly id: number
  /** Its own, and those of later HEADERS frames. */
  headers: SpdyHeaders
  /** What the peer still takes on this stream. */
  sendWindow: number
  remoteEnded: boolean
  localEnded = false
  private readonly host: StreamHost
  private received = 0
  private reported = 0

  constructor(id: number, host: StreamHost, more: { headers: SpdyHeaders; sendWindow: number; fin: boolean; unidirectional: boolean }) {
    super({ readableHighWaterMark: bufferBytes, writableHighWaterMark: bufferBytes })
    this.id = id
    this.host = host
    this.headers = more.headers
    this.sendWindow = more.sendWindow
    this.remoteEnded = more.fin
    // Whoever uses the stream may wait for its end in other ways; a reset must not end the process.
    this.on('error', () => undefined)
    if (more.fin) this.push(null)
    if (more.unidirectional) {
      this.localEnded = true
      this.end()
    }
  }

  header(name: string): string { return this.headers.get(name)?.split('\0')[0] ?? '' }

  /** Data from the peer. */
  receive(data: Buffer, fin: boolean): void {
    this.received += data.length
    if (data.length > 0) this.push(data)
    if (fin) {
      this.remoteEnded = true
      this.push(null)
    }
  }

  /** Tells the connection what has been read since it was last told. */
  private report(): void {
    const read = this.received - this.readableLength
    if (read <= this.reported) return
    const more = read - this.reported
    this.reported = read
    this.host.consumed(this, more)
  }

  // Every way of reading goes through here, or (as it flows) past the buffer and then through `_read`.
  override read(size?: number): Buffer | null {
    const taken = super.read(size) as Buffer | null
    this.report()
    return taken
  }

  override _read(): void { this.report() }

  /** How much has arrived that will not be read any more; asked once, at the end. */
  giveUp(): number {
    const unread = this.received - this.reported
    this.reported = this.received
    return unread
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void { this.host.send(this, chunk, done) }

  override _final(done: () => void): void {
    if (!this.localEnded) {
      this.localEnded = true
      this.host.finish(this)
    }
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.host.forget(this)
    done(error)
  }
}
