/** One HTTP/2 connection and the exchanges on it. */
import { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, connect, constants } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../api/clock.ts'
import { http2Body } from './http2-body.ts'
import { UnprocessedError } from './unprocessed-error.ts'
import { type ApiRequest, type ApiResponse, ConnectionError } from './transport.ts'

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
  readonly ready: Promise<void>

  constructor({ url, socket, clock, onClose }: { url: URL; socket: TLSSocket; clock: Clock; onClose(): void }) {
    this.#clock = clock
    const session = connect(url.origin, { createConnection: () => socket, settings: { initialWindowSize: streamWindowBytes, enablePush: false } })
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

  async request({ method, path, headers, body: sent }: ApiRequest, signal: AbortSignal): Promise<ApiResponse> {
    signal.throwIfAborted()
    const stream = this.#session.request({ ...headers, ':method': method, ':path': path, ...(sent && { 'content-length': sent.byteLength }) }, { endStream: !sent })
    if (sent) stream.end(sent)
    this.#opened(stream, signal)
    const body = http2Body(stream, signal)
    return new Promise((resolve, reject) => {
      stream.once('response', (head) => resolve({ status: Number(head[':status']), headers: plain(head), body }))
      stream.once('error', (error) => reject(isUnprocessed(stream, error) ? new UnprocessedError(error.message, { cause: error }) : error))
      stream.once('close', () => reject(signal.aborted ? signal.reason : new ConnectionError('the server closed the connection')))
    })
  }

  #opened(stream: ClientHttp2Stream, signal: AbortSignal): void {
    const abort = (): void => stream.close(constants.NGHTTP2_CANCEL)
    signal.addEventListener('abort', abort)
    if (this.#open++ === 0) this.#session.ref()
    stream.once('close', () => {
      signal.removeEventListener('abort', abort)
      if (--this.#open === 0 && !this.#session.destroyed) this.#session.unref()
    })
  }
}

const isUnprocessed = (stream: ClientHttp2Stream, error: Error & { code?: string }): boolean =>
  stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || error.code === 'ERR_HTTP2_GOAWAY_SESSION'

const plain = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (name.startsWith(':') || value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]])))
