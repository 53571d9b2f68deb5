/** A request from inside this process: no socket, and the very bytes that the handlers made. */
import type { BodyWriter, Peer, RequestHeaders, ResponseHeaders } from '../exchange.ts'
import type { Line } from './line.ts'

export interface InMemoryRequest {
  method: string
  path: string
  headers: RequestHeaders
  body?: Uint8Array
}

export interface InMemoryResponse {
  status: number
  headers: Readonly<Record<string, string>>
  body: AsyncIterable<Uint8Array>
}

const nothing = new Uint8Array()

const flat = (headers: ResponseHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : value.join(', ')]))

async function* once(body: Uint8Array): AsyncGenerator<Uint8Array> {
  if (body.length > 0) yield body
}

/** A pipe of chunks from the handler to the caller. What the caller has not read yet counts as pending, so slow readers are cut off here, too. */
class Pipe implements BodyWriter {
  private chunks: { bytes: Uint8Array; taken: (() => void) | undefined }[] = []
  pending = 0
  private state: 'open' | 'ended' | 'aborted' = 'open'
  private wake: (() => void) | undefined
  private waiting: (() => void)[] = []
  private readonly closed: () => void

  constructor(closed: () => void) {
    this.closed = closed
  }

  write(bytes: Uint8Array, taken?: () => void): boolean {
    if (this.state !== 'open') return false
    this.chunks.push({ bytes, taken })
    this.pending += bytes.length
    this.wake?.()
    return this.pending < 65_536
  }

  drained(): Promise<void> {
    return this.pending < 65_536 || this.state !== 'open' ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve))
  }

  close(state: 'ended' | 'aborted'): void {
    if (this.state === 'open') this.state = state
    this.wake?.()
    this.released()
  }

  private released(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }

  end(): void { this.close('ended') }
  abort(): void { this.close('aborted') }

  async *read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunks = this.chunks
        this.chunks = []
        for (const { bytes, taken } of chunks) {
          this.pending -= bytes.length
          if (this.pending < 65_536) this.released()
          taken?.()
          yield bytes
        }
        if (this.chunks.length > 0) continue
        if (this.state === 'aborted') throw new Error('the server ended the response in the middle')
        if (this.state === 'ended') return
        await new Promise<void>((resolve) => { this.wake = resolve })
        this.wake = undefined
      }
    } finally {
      this.closed()
    }
  }
}

export class InMemoryLine implements Line {
  readonly method: string
  readonly target: string
  readonly headers: RequestHeaders
  readonly peer: Peer
  private readonly request: InMemoryRequest
  private readonly resolve: (response: InMemoryResponse) => void
  private readonly caller: AbortSignal
  private readonly closing: (() => void)[] = []
  private isClosed = false

  /** `caller` may live much longer than the request: nothing stays registered on it afterwards. */
  constructor(request: InMemoryRequest, more: { peer: Peer; caller: AbortSignal; resolve: (response: InMemoryResponse) => void }) {
    this.request = request
    this.method = request.method
    this.target = request.path
    this.headers = request.headers
    this.peer = more.peer
    this.resolve = more.resolve
    this.caller = more.caller
    this.caller.addEventListener('abort', this.close)
  }

  readonly close = (): void => {
    if (this.isClosed) return
    this.isClosed = true
    this.caller.removeEventListener('abort', this.close)
    for (const listener of this.closing.splice(0)) listener()
  }

  onClosed(listener: () => void): void {
    if (this.isClosed) listener()
    else this.closing.push(listener)
  }

  chunks(): AsyncIterable<Uint8Array> { return once(this.request.body ?? nothing) }

  readBody(limit: number): Promise<Uint8Array | undefined> {
    const body = this.request.body ?? nothing
    return Promise.resolve(body.length > limit ? undefined : body)
  }

  respond(status: number, headers: ResponseHeaders, body: Uint8Array): void {
    this.resolve({ status, headers: flat(headers), body: once(body) })
    this.close()
  }

  open(status: number, headers: ResponseHeaders): BodyWriter {
    const pipe = new Pipe(this.close)
    this.onClosed(() => pipe.close('ended'))
    this.resolve({ status, headers: flat(headers), body: pipe.read() })
    return pipe
  }
}
