/** Many calls on one stream: a stream of HTTP/2 costs more than most calls do. Calls that are made at the same time go out together. */
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { FrameReader } from '../api/grpc-frames.ts'
import { type CallAnswer, decodeCallAnswer, encodeCall, encodeCancel } from '../api/resource-message.ts'
import { type ResourceCall, type ResourceMethod, servicePath } from '../api/resource-service.ts'
import { type Http2Connection, isUnprocessed } from './http2-connection.ts'
import { type ApiResponse, ConnectionError } from './transport.ts'
import { UnprocessedError } from './unprocessed-error.ts'

/** Longer than any answer of a server of ours. */
const maxAnswerBytes = 128 * 1024 * 1024

interface Waiting { resolve(answer: ApiResponse): void; reject(error: unknown): void }

const responseOf = ({ code, object, metadata }: CallAnswer): ApiResponse => {
  const headers: Record<string, string> = {}
  for (let index = 0; index + 1 < metadata.length; index += 2) {
    const [name = '', value = ''] = [metadata[index], metadata[index + 1]]
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  return { status: code, headers, body: once(object) }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> { yield bytes }

export class CallChannel {
  readonly #connection: Http2Connection
  readonly #stream: ClientHttp2Stream
  readonly #waiting = new Map<number, Waiting>()
  readonly #frames = new FrameReader(maxAnswerBytes)
  #unsent: Buffer[] = []
  #ids = 0
  #lastSent = 0
  #lastBegun: number | undefined
  #retired = false
  #over = false

  /** `metadata` goes for all calls: who calls, and as what. */
  constructor(connection: Http2Connection, metadata: Readonly<Record<string, string>>) {
    this.#connection = connection
    const stream = connection.openKept({ ...metadata, ':method': 'POST', ':path': `${servicePath}Calls`, 'content-type': 'application/grpc', te: 'trailers' })
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
    stream.once('trailers', (trailers: IncomingHttpHeaders) => {
      const last = trailers['last-call']
      if (last !== undefined) this.#lastBegun = Number(last)
    })
    let failure: Error | undefined
    stream.once('error', (error: Error) => { failure = error })
    stream.once('end', () => this.#end(new ConnectionError('the server ended the stream of calls')))
    stream.once('close', () => {
      if (failure && isUnprocessed(stream, failure)) this.#lastBegun = 0
      this.#end(new ConnectionError(`the connection broke: ${failure?.message ?? 'the server closed it'}`, { cause: failure }))
    })
  }

  get isOpen(): boolean { return !this.#over && !this.#retired }

  /** For others to follow: it ends when the last answer has come. */
  retire(): void {
    this.#retired = true
    if (this.#waiting.size === 0 && !this.#over) this.#stream.end()
  }

  /** Rejects with an UnprocessedError when the server has certainly not begun with it. */
  async call(method: ResourceMethod, call: ResourceCall, signal: AbortSignal): Promise<ApiResponse> {
    signal.throwIfAborted()
    const id = ++this.#ids
    const { promise, resolve, reject } = Promise.withResolvers<ApiResponse>()
    this.#send(encodeCall(id, method, call))
    this.#waiting.set(id, { resolve, reject })
    const release = this.#connection.hold()
    const abort = (): void => {
      this.#waiting.delete(id)
      if (!this.#over) this.#send(encodeCancel(id))
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort)
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', abort)
      release()
      if (this.#retired) this.retire()
    }
  }

  #send(frame: Buffer): void {
    if (this.#unsent.push(frame) === 1) process.nextTick(() => this.#flush())
  }

  #flush(): void {
    const frames = this.#unsent
    this.#lastSent = this.#ids
    this.#unsent = []
    if (!this.#over && !this.#stream.writableEnded) this.#stream.write(frames.length === 1 && frames[0] ? frames[0] : Buffer.concat(frames))
  }

  #take(chunk: Buffer): void {
    try {
      for (const message of this.#frames.push(chunk)) {
        const answer = decodeCallAnswer(message)
        const waiting = this.#waiting.get(answer.id)
        this.#waiting.delete(answer.id)
        waiting?.resolve(responseOf(answer))
      }
    } catch (error) {
      this.#end(new ConnectionError('the answer is no gRPC message', { cause: error }))
    }
  }

  #end(error: ConnectionError): void {
    if (this.#over) return
    this.#over = true
    for (const [id, { reject }] of this.#waiting) {
      const begun = id <= (this.#lastBegun ?? this.#lastSent)
      reject(begun ? error : new UnprocessedError(error.message, { cause: error }))
    }
    this.#waiting.clear()
    this.#stream.end()
  }
}

const channels = new WeakMap<Http2Connection, Map<string, { channel: CallChannel; authorization: string }>>()
const shareable: ReadonlySet<string> = new Set(['user-agent', 'authorization'])

/** The channel of a connection for calls with such metadata; undefined where it is about one call only (impersonation). A new token gets a new channel. */
export const channelOf = (connection: Http2Connection, metadata: Readonly<Record<string, string>>): CallChannel | undefined => {
  for (const name in metadata) if (!shareable.has(name)) return undefined
  let open = channels.get(connection)
  if (!open) channels.set(connection, open = new Map())
  const { 'user-agent': agent = '', authorization = '' } = metadata
  const known = open.get(agent)
  if (known?.channel.isOpen && known.authorization === authorization) return known.channel
  known?.channel.retire()
  const channel = new CallChannel(connection, metadata)
  open.set(agent, { channel, authorization })
  return channel
}
