/** What a transport must be able to do; `ExchangeOverLine` makes an Exchange of it. */
import type { BodyWriter, Peer, RequestHeaders, ResponseHeaders, UpgradeRequest } from '../exchange.ts'
import type { WatchFraming } from '../watch-framing.ts'

export interface Line {
  readonly method: string
  /** Path and query as in the request line. */
  readonly target: string
  readonly headers: RequestHeaders
  readonly peer: Peer
  readonly upgrade?: UpgradeRequest
  /** Absent: lines of JSON. */
  readonly watchFraming?: WatchFraming
  /** Calls back at once if the line is closed already. */
  onClosed(listener: () => void): void
  chunks(): AsyncIterable<Uint8Array>
  /** The whole body, or undefined when it is longer than `limit`. */
  readBody(limit: number): Promise<Uint8Array | undefined>
  respond(status: number, headers: ResponseHeaders, body: Uint8Array): void
  open(status: number, headers: ResponseHeaders): BodyWriter
}
