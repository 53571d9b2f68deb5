/**
 * One request and its response, whatever carried it: HTTP/2, HTTP/1.1 or a call inside this process. Every handler is written
 * against this, so that all transports run the same code.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AuditTrail } from './audit/trail.ts'
import type { UserInfo } from './registry/strategy.ts'
import type { WatchFraming } from './watch-framing.ts'

/** A client certificate whose chain the listener has verified against the client CA. */
export interface PeerCertificate {
  commonName: string
  organizations: readonly string[]
  fingerprint256: string
  notBefore: Date
  notAfter: Date
  raw: Uint8Array
}

/** Who is at the other end of the line. One and the same object for all requests of a connection, so it may key a WeakMap. */
export interface Peer {
  address: string
  certificate?: PeerCertificate
  /** Its certificate, where the authorities of front proxies vouch for it, not those of clients: it may say for whom it asks, and is nobody itself. */
  frontProxy?: PeerCertificate
  /** Set by the in-memory transport only: this user is believed without further proof. */
  user?: UserInfo
}

/** Lower-case names; a header that came several times is joined with ', '. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>
export type ResponseHeaders = Readonly<Record<string, string | readonly string[]>>

/** A response body that is written piece by piece. */
export interface BodyWriter {
  /** Hands bytes over; false when the reader is behind (they are kept all the same). `taken` is called when they have left this process, or never will. */
  write(bytes: Uint8Array, taken?: () => void): boolean
  /** Bytes handed over that the other side has not taken yet. */
  readonly pending: number
  /** Resolves when the reader has caught up, or the line is closed. */
  drained(): Promise<void>
  end(): void
  /** Ends the response in the middle, so that the client notices. */
  abort(): void
}

/** The raw connection of a request that asked to change its protocol (WebSocket, SPDY). Whoever calls `take` owns the socket. */
export interface UpgradeRequest {
  /** `websocket`, `spdy/3.1`: in lower case. */
  protocol: string
  take(): { request: IncomingMessage; socket: Duplex; head: Buffer }
}

export interface Exchange {
  readonly method: string
  /** As sent, without the query, still percent-encoded. */
  readonly rawPath: string
  /** As sent, without the question mark. */
  readonly rawQuery: string
  readonly query: URLSearchParams
  readonly headers: RequestHeaders
  readonly peer: Peer
  /** Aborts when the client is gone or the response is complete. */
  readonly signal: AbortSignal
  readonly upgrade: UpgradeRequest | undefined
  /** How a watch writes its events into the stream; it names the framing's content type, or writes lines of JSON. */
  readonly watchFraming: WatchFraming
  /** What is to be told of the request; absent where nothing is. */
  audit?: AuditTrail | undefined
  /** What of the request's time was spent on waiting for others: for its turn, and for webhooks. */
  waitedSeconds?: number
  /** To be called by whoever answers a watch when what it begins with has been sent, or is another server's to send. */
  initialized?: (() => void) | undefined
  /** Whether the head of the response has been sent. */
  readonly responded: boolean
  /** The status that was sent; 0 before. */
  readonly status: number
  /** The whole body; rejects with a 413 StatusError beyond `limit` bytes. */
  body(limit: number): Promise<Uint8Array>
  /** The body as it arrives, for proxies. */
  bodyStream(): AsyncIterable<Uint8Array>
  /** Sent along with whatever response follows (Warning, Audit-Id). */
  addHeader(name: string, value: string): void
  respond(status: number, headers: ResponseHeaders, body: Uint8Array): void
  stream(status: number, headers: ResponseHeaders): BodyWriter
  /** Ends a streamed response in the middle, so that the client notices; nothing where there is none. */
  breakOff(): void
}
