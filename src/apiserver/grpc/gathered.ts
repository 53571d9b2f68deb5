/** A writer whose bytes are kept until they are whole: answers that come piece by piece, for a message that has to be one. */
import type { BodyWriter } from '../exchange.ts'

const maxBytes = 64 * 1024 * 1024

/** `done` is called once: with the whole body, or with nothing when it is too long, or broke off. */
export const gathered = (done: (body: Uint8Array | undefined) => void): BodyWriter => {
  const chunks: Uint8Array[] = []
  let length = 0
  let over = false
  const finish = (body: Uint8Array | undefined): void => {
    if (over) return
    over = true
    done(body)
  }
  return {
    pending: 0,
    drained: () => Promise.resolve(),
    write(bytes, taken) {
      length += bytes.length
      if (length > maxBytes) finish(undefined)
      else chunks.push(Buffer.from(bytes))
      taken?.()
      return !over
    },
    end: () => finish(Buffer.concat(chunks)),
    abort: () => finish(undefined),
  }
}
