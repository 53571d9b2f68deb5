/** One call among others on a stream, as a line of the API server: its answer is one message. */
import type { BodyWriter, Peer, RequestHeaders, ResponseHeaders } from '../exchange.ts'
import type { Line } from '../listener/line.ts'
import { gathered } from './gathered.ts'
import type { RestRequest } from './request-of-call.ts'

export interface RestAnswer { status: number; headers: ResponseHeaders; body: Uint8Array }

const broken = Buffer.from(JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'InternalError', message: 'the answer is too large, or broke off', code: 500 }))

export class CallLine implements Line {
  readonly method: string
  readonly target: string
  readonly headers: RequestHeaders
  readonly peer: Peer
  private readonly body: Uint8Array
  private readonly answered: (answer: RestAnswer) => void
  private readonly closing: (() => void)[] = []
  isClosed = false

  /** `answered` is called at most once, and not after `close`. */
  constructor(request: RestRequest, more: { peer: Peer; answered: (answer: RestAnswer) => void }) {
    this.method = request.method
    this.target = request.target
    this.headers = request.headers
    this.body = request.body
    this.peer = more.peer
    this.answered = more.answered
  }

  /** Nobody waits for it any more. */
  close(): void {
    this.isClosed = true
    for (const listener of this.closing.splice(0)) listener()
  }

  onClosed(listener: () => void): void {
    if (this.isClosed) listener()
    else this.closing.push(listener)
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    if (this.body.length > 0) yield this.body
  }

  readBody(limit: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.body.length > limit ? undefined : this.body)
  }

  respond(status: number, headers: ResponseHeaders, body: Uint8Array): void {
    if (this.isClosed) return
    this.answered({ status, headers, body })
    this.close()
  }

  open(status: number, headers: ResponseHeaders): BodyWriter {
    return gathered((body) => this.respond(body ? status : 500, headers, body ?? broken))
  }
}
