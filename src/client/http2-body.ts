/**
 * The body of an HTTP/2 answer as it arrives. Node's own iterator over a stream fails when the stream is closed before reading begins, which happens whenever
 * a short answer arrives in one piece; so it is read from the start, into a bounded queue.
 */
import { type ClientHttp2Stream, constants } from 'node:http2'
import { ConnectionError } from './transport.ts'

// What may wait for a slow reader, besides the stream's own window.
const maxQueuedBytes = 1 << 20

/** Call it before anything can have arrived. The iterable is for one reader; one who leaves early closes the stream. */
export const http2Body = (stream: ClientHttp2Stream, signal: AbortSignal): AsyncIterable<Uint8Array> => {
  const queue: Uint8Array[] = []
  let queuedBytes = 0
  let failure: Error | undefined
  let wake = (): void => {}
  stream.on('data', (chunk: Buffer) => {
    queue.push(chunk)
    queuedBytes += chunk.byteLength
    if (queuedBytes > maxQueuedBytes) stream.pause()
    wake()
  })
  stream.on('end', () => wake())
  stream.on('error', (error: Error) => { failure = error; wake() })
  stream.on('close', () => wake())
  const isOver = (): boolean => stream.readableEnded || stream.destroyed
  return { [Symbol.asyncIterator]: () => read() }

  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        for (let chunk = queue.shift(); chunk; chunk = queue.shift()) {
          queuedBytes -= chunk.byteLength
          if (stream.isPaused() && queuedBytes <= maxQueuedBytes / 2) stream.resume()
          yield chunk
        }
        if (isOver()) break
        await new Promise<void>((resolve) => { wake = resolve })
      }
    } finally {
      if (!isOver()) stream.close(constants.NGHTTP2_CANCEL)
    }
    signal.throwIfAborted()
    // A stream that is reset, or whose connection is gone, ends like a whole one.
    if (failure || stream.aborted || stream.rstCode) throw new ConnectionError(`the connection broke in the middle of the answer: ${failure?.message ?? `HTTP/2 code ${stream.rstCode}`}`, { cause: failure })
  }
}
