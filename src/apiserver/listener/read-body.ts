/** Reads a body up to a limit. */
import type { Readable } from 'node:stream'

const nothing = new Uint8Array()

/** The bytes of `stream`, or undefined beyond `limit` (the rest is thrown away). Rejects when the line breaks in the middle. */
export const readBody = (stream: Readable, limit: number): Promise<Uint8Array | undefined> => new Promise((resolve, reject) => {
  let first: Buffer | undefined
  let chunks: Buffer[] | undefined
  let length = 0
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > limit) {
      stream.removeAllListeners('data')
      stream.resume()
      resolve(undefined)
    } else if (!first) first = chunk
    else {
      chunks ??= [first]
      chunks.push(chunk)
    }
  })
  stream.on('end', () => resolve(chunks ? Buffer.concat(chunks, length) : (first ?? nothing)))
  stream.on('error', reject)
  stream.on('aborted', () => reject(new Error('the client closed the connection')))
})
