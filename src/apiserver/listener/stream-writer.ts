/** A BodyWriter over a node stream. */
import type { Writable } from 'node:stream'
import type { BodyWriter } from '../exchange.ts'

export const streamWriter = (stream: Writable, abort: () => void): BodyWriter => ({
  write: (bytes, taken) => !stream.writableEnded && !stream.destroyed && stream.write(bytes, taken),
  get pending() { return stream.writableLength },
  drained: () => new Promise((resolve) => {
    if (!stream.writableNeedDrain || stream.destroyed) {
      resolve()
      return
    }
    const done = (): void => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  }),
  end: () => {
    if (!stream.writableEnded && !stream.destroyed) stream.end()
  },
  abort,
})
