/** One HTTP/2 connection and the exchanges on it. */
import { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, connect, constants } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../api/clock.ts'
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

  async request({ method, path, headers, body }: ApiRequest, signal: AbortSignal): Promise<ApiResponse> {
    signal.throwIfAborted()
    const stream = this.#session.request({ ...headers, ':method': method, ':path': path, ...(body && { 'content-length': body.byteLength }) }, { endStream: !body })
    if (body) stream.end(body)
    this.#opened(stream, signal)
    return new Promise((resolve, reject) => {
      stream.once('response', (head) => {
        // Reading begins here: Node throws away what nobody has begun to read when the stream closes.
        const chunks: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]()
        const first = chunks.next()
        first.catch(() => {}) // told to the reader of the body, if there is one
        resolve({ status: Number(head[':status']), headers: plain(head), body: bytes({ stream, chunks, first }, signal) })
      })
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
    stream.on('error', () => {}) // whoever reads the stream hears of it; nobody may be reading
  }
}

const isUnprocessed = (stream: ClientHttp2Stream, error: Error & { code?: string }): boolean =>
  stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || error.code === 'ERR_HTTP2_GOAWAY_SESSION'

interface Reading { stream: ClientHttp2Stream; chunks: AsyncIterator<Uint8Array>; first: Promise<IteratorResult<Uint8Array>> }

async function* bytes({ stream, chunks, first }: Reading, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let ended = false
  try {
    for (let next = await first; !next.done; next = await chunks.next()) yield next.value
    ended = true
  } catch (error) {
    signal.throwIfAborted()
    throw new ConnectionError(`the connection broke: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  } finally {
    if (!ended && !stream.closed) stream.close(constants.NGHTTP2_CANCEL) // the reader left early
  }
  signal.throwIfAborted()
  // A stream that is reset, or whose connection is gone, ends like a whole one.
  if (stream.aborted || stream.rstCode) throw new ConnectionError(`the connection broke in the middle of the answer (HTTP/2 code ${stream.rstCode})`)
}

const plain = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (name.startsWith(':') || value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]])))
