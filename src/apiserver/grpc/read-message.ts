/** Reads the one message of a request, within bounds. */
import type { ServerHttp2Stream } from 'node:http2'
import { maxBodyBytes } from '../../api/decode.ts'
import { FrameError, FrameReader } from '../../api/grpc-frames.ts'
import { badRequest, notImplemented, requestEntityTooLarge, type StatusError, timeout, tooManyRequests } from '../../api/status.ts'

/** A body, and what is said about it. */
export const maxMessageBytes = maxBodyBytes + 64 * 1024
/** Of messages that have not arrived whole, on one connection: nobody knows yet who sends them. */
const maxUnfinishedBytes = 32 * 1024 * 1024
const idleMs = 30_000

const unfinished = new WeakMap<object, number>()

/** Counts the bytes of a connection's unfinished messages; throws when there are too many. */
export const countUnfinished = (connection: object, bytes: number): void => {
  const now = (unfinished.get(connection) ?? 0) + bytes
  unfinished.set(connection, now)
  if (bytes > 0 && now > maxUnfinishedBytes) throw tooManyRequests('Too many requests, please try again later.', 1)
}

const words: Readonly<Record<FrameError['why'], () => StatusError>> = {
  compressed: () => notImplemented('compressed messages are not supported: send grpc-encoding identity'),
  'too long': () => requestEntityTooLarge(`Request entity too large: limit is ${maxBodyBytes}`),
  'no frame': () => badRequest('the request is no gRPC message'),
}

/** What is wrong with a stream's frames, in the words of the API. */
export const frameFailure = (error: unknown): unknown => (error instanceof FrameError ? words[error.why]() : error)

/** The bytes of the message, without its frame. Rejects with a StatusError for more or less than one message, a too long one, or one that does not come. */
export const readMessage = (stream: ServerHttp2Stream): Promise<Buffer> => new Promise((resolve, reject) => {
  const connection: object = stream.session ?? stream
  const frames = new FrameReader(maxMessageBytes)
  let message: Buffer | undefined
  let counted = 0
  const finish = (): void => {
    countUnfinished(connection, -counted)
    counted = 0
    stream.setTimeout(0)
    stream.removeAllListeners('data')
  }
  const refuse = (error: unknown): void => {
    finish()
    reject(frameFailure(error) as Error)
    stream.resume()
  }
  stream.setTimeout(idleMs, () => refuse(timeout('Timeout: the request did not arrive within the allotted timeout')))
  stream.on('data', (chunk: Buffer) => {
    try {
      counted += chunk.length
      countUnfinished(connection, chunk.length)
      const messages = frames.push(chunk)
      if (messages.length + (message ? 1 : 0) > 1 || (frames.pending > 0 && (message ?? messages[0]))) throw badRequest('the request has more than one message')
      message ??= messages[0]
    } catch (error) {
      refuse(error)
    }
  })
  stream.once('end', () => {
    finish()
    if (message) resolve(message)
    else reject(badRequest('the request has no whole message'))
  })
  stream.once('close', () => {
    finish()
    reject(badRequest('the client closed the stream'))
  })
})
