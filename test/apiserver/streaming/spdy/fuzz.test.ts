/** Whatever a client sends: a connection ends or goes on, and nothing is thrown at anybody else. */
import { duplexPair } from 'node:stream'
import { expect, test } from 'vitest'
import { SpdyConnection } from '../../../../src/apiserver/streaming/spdy/connection.ts'
import { controlFrame, dataFrame, headerDeflater } from '../../../support/spdy-client.ts'

/** mulberry32: the same every time. */
const seeded = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const word = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeUInt32BE(value); return bytes }

/** A conversation that makes sense, for the most part: random frames of every kind, some bytes of which are then changed. */
const conversation = async (random: () => number): Promise<Buffer> => {
  const deflate = headerDeflater()
  const upTo = (limit: number): number => Math.floor(random() * limit)
  const parts: Buffer[] = []
  for (let count = 1 + upTo(12); count > 0; count -= 1) {
    const id = word(upTo(8))
    switch (upTo(8)) {
      case 0: case 1: parts.push(controlFrame(1, upTo(4), Buffer.concat([word(parts.length * 2 + 1), word(0), Buffer.from([0, 0]), await deflate({ streamtype: 'data', port: String(upTo(70_000)), a: 'x'.repeat(upTo(50)) })]))); break
      case 2: parts.push(dataFrame(upTo(8), Buffer.alloc(upTo(3000), 1), random() < 0.2)); break
      case 3: parts.push(controlFrame(3, 0, Buffer.concat([id, word(upTo(12))]))); break
      case 4: parts.push(controlFrame(4, 0, Buffer.concat([word(1), word(upTo(9)), word(upTo(2 ** 32))]))); break
      case 5: parts.push(controlFrame(9, 0, Buffer.concat([id, word(upTo(2 ** 32))]))); break
      case 6: parts.push(controlFrame(8, upTo(2), Buffer.concat([id, await deflate({ more: 'y' })]))); break
      default: parts.push(controlFrame(upTo(12), upTo(256), Buffer.alloc(upTo(20), upTo(256))))
    }
  }
  const bytes = Buffer.concat(parts)
  for (let changes = upTo(4); changes > 0 && bytes.length > 0; changes -= 1) bytes[upTo(bytes.length)] = upTo(256)
  return random() < 0.1 ? Buffer.from(Array.from({ length: upTo(200) }, () => upTo(256))) : bytes
}

test('a thousand conversations, whole and damaged', async () => {
  const random = seeded(7)
  const problems: unknown[] = []
  const note = (problem: unknown): void => { problems.push(problem) }
  process.on('unhandledRejection', note)
  process.on('uncaughtExceptionMonitor', note)
  try {
    for (let round = 0; round < 1000; round += 1) {
      const [ours, theirs] = duplexPair()
      const connection = new SpdyConnection(ours, (stream) => { if (random() < 0.8) stream.pipe(stream); return random() < 0.9 })
      const running = connection.run()
      theirs.on('error', () => undefined).resume()
      const bytes = await conversation(random)
      for (let at = 0; at < bytes.length;) { const size = 1 + Math.floor(random() * 1000); theirs.write(bytes.subarray(at, at + size)); at += size }
      if (random() < 0.5) theirs.end()
      else theirs.destroy()
      await running
      expect(ours.destroyed || ours.writableEnded).toBe(true)
    }
  } finally {
    process.off('unhandledRejection', note)
    process.off('uncaughtExceptionMonitor', note)
  }
  expect(problems).toEqual([])
})
