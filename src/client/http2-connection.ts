/** One HTTP/2 connection and the streams on it. */
import { type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders, connect, constants } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../api/clock.ts'
import { serviceSetting } from '../api/resource-service.ts'
import { UnprocessedError } from './unprocessed-error.ts'
import { ConnectionError } from './transport.ts'

// As client-go's: a connection on which nothing arrived for so long is asked whether it lives.
const idleMilliseconds = 30_000
const pingMilliseconds = 15_000
// Lists are large and watches many: do not let the default window of 64 KiB brake them.
const streamWindowBytes = 1 << 20
const connectionWindowBytes = 16 << 20

export class Http2Connection {
  readonly #session: ClientHttp2Session
  readonly #clock: Clock
  readonly #closed = new AbortController()
  #open = 0
  #held = 0
  readonly ready: Promise<void>

  constructor({ url, socket, clock, onClose }: { url: URL; socket: TLSSocket; clock: Clock; onClose(): void }) {
    this.#clock = clock
    const session = connect(url.origin, { createConnection: () => socket, settings: { initialWindowSize: streamWindowBytes, enablePush: false }, remoteCustomSettings: [serviceSetting.id] })
    this.#session = session
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.ready = promise
    // Only after the server's settings is it known how many streams it allows.
    session.once('remoteSettings', () => resolve())
    session.on('connect', () => session.setLocalWindowSize(connectionWindowBytes))
    session.on('error', reject) // later ones are told by the streams that they break
    session.on('goaway', () => onClose())
    session.on('close', () => {
      onClose()
      this.#closed.abort()
      reject(new Error('the server closed the connection'))
    })
    session.setTimeout(idleMilliseconds, () => { void this.#probe() })
    session.unref() // an idle connection keeps no process alive
  }

  get hasRoom(): boolean {
    return !this.#session.closed && !this.#session.destroyed && this.#open < (this.#session.remoteSettings.maxConcurrentStreams ?? Infinity)
  }

  close(): void { this.#session.destroy() }

  async #probe(): Promise<void> {
    if (this.#session.destroyed) return
    const answered = new AbortController()
    this.#session.ping((error) => { if (!error) answered.abort() })
    try {
      await this.#clock.sleep(pingMilliseconds, AbortSignal.any([answered.signal, this.#closed.signal]))
    } catch {
      return // it answered, or is closed anyway
    }
    this.#session.destroy(new ConnectionError(`no answer to a ping within ${pingMilliseconds / 1000} s`))
  }

  /** The server has said that it has the gRPC service. */
  get offersCalls(): boolean { return this.#session.remoteSettings.customSettings?.[serviceSetting.id] === serviceSetting.version }

  /** A new stream with the whole request on its way; aborting the signal closes it. */
  open(headers: OutgoingHttpHeaders, body: Uint8Array | undefined, signal: AbortSignal): ClientHttp2Stream {
    const stream = this.#session.request(headers, { endStream: !body })
    if (body) stream.end(body)
    const abort = (): void => stream.close(constants.NGHTTP2_CANCEL)
    signal.addEventListener('abort', abort)
    const release = this.hold()
    this.#counted(stream, () => {
      signal.removeEventListener('abort', abort)
      release()
    })
    return stream
  }

  /** A stream that stays open for what will be written; it keeps no process alive by itself. */
  openKept(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const stream = this.#session.request(headers, { endStream: false })
    this.#counted(stream, () => {})
    return stream
  }

  /** Keeps the process alive until it is released. */
  hold(): () => void {
    if (this.#held++ === 0) this.#session.ref()
    return () => { if (--this.#held === 0 && !this.#session.destroyed) this.#session.unref() }
  }

  #counted(stream: ClientHttp2Stream, closed: () => void): void {
    this.#open++
    stream.once('close', () => {
      this.#open--
      closed()
    })
  }
}

/** Calls back at most once, when the stream ends before it has an answer; with an UnprocessedError where the server has not begun with it. */
export const whenBroken = (stream: ClientHttp2Stream, signal: AbortSignal, tell: (error: unknown) => void): void => {
  stream.once('error', (error) => tell(isUnprocessed(stream, error) ? new UnprocessedError(error.message, { cause: error }) : error))
  stream.once('close', () => tell(signal.aborted ? signal.reason : new ConnectionError('the server closed the connection')))
}

export const isUnprocessed = (stream: ClientHttp2Stream, error: Error & { code?: string }): boolean =>
  stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || error.code === 'ERR_HTTP2_GOAWAY_SESSION'
