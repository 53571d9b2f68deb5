/** Watches of servers behind this one come as lines, cut anywhere; answers of theirs come in pieces. */
import { describe, expect, test } from 'vitest'
import { FrameReader } from '../../../src/api/grpc-frames.ts'
import { decodeEvent } from '../../../src/api/resource-message.ts'
import { eventsOfLines } from '../../../src/apiserver/grpc/event-framing.ts'
import { gathered } from '../../../src/apiserver/grpc/gathered.ts'
import type { BodyWriter } from '../../../src/apiserver/exchange.ts'

const recorder = (): { writer: BodyWriter; events: () => string[]; state: () => string } => {
  const chunks: Uint8Array[] = []
  let state = 'open'
  return {
    writer: { pending: 0, drained: () => Promise.resolve(), write: (bytes) => { chunks.push(bytes); return true }, end: () => { state = 'ended' }, abort: () => { state = 'aborted' } },
    events: () => new FrameReader(1 << 26).push(Buffer.concat(chunks)).map(decodeEvent).map(({ type, object }) => `${type} ${Buffer.from(object).toString()}`),
    state: () => state,
  }
}
const lines = Buffer.from('{"type":"ADDED","object":{"a":"ü"}}\n\n{"type":"BOOKMARK","object":{}}\n{"type":"ERROR","object":{"code":410}}')

describe('events of lines', () => {
  test.each([1, 2, 7, 1000])('cut into pieces of %i bytes', (step) => {
    const { writer, events, state } = recorder()
    const into = eventsOfLines(writer)
    for (let at = 0; at < lines.length; at += step) into.write(lines.subarray(at, at + step))
    into.end()
    expect(events()).toEqual(['ADDED {"a":"ü"}', 'BOOKMARK {}', 'ERROR {"code":410}'])
    expect(state()).toBe('ended')
  })
  test.each([['no JSON', 'hello\n'], ['no event', '{"kind":"Pod"}\n'], ['an event of an unknown type', '{"type":"","object":{}}\n']])('%s breaks the stream', (_, text) => {
    const { writer, events, state } = recorder()
    expect(eventsOfLines(writer).write(Buffer.from(text))).toBe(false)
    expect([events(), state()]).toEqual([[], 'aborted'])
  })
})

describe('an answer in pieces', () => {
  const told: (string | undefined)[] = []
  const writer = (): BodyWriter => gathered((body) => told.push(body && Buffer.from(body).toString()))
  test('is one when it ends', () => {
    const into = writer()
    into.write(Buffer.from('a'))
    into.write(Buffer.from('b'))
    into.end()
    into.abort()
    expect(told.splice(0)).toEqual(['ab'])
  })
  test('is none when it breaks off', () => {
    const into = writer()
    into.write(Buffer.from('a'))
    into.abort()
    into.end()
    expect(told.splice(0)).toEqual([undefined])
  })
  test('is none when it is too long', () => {
    const into = writer()
    const piece = Buffer.alloc(1 << 24)
    for (let count = 0; count < 5; count++) into.write(piece)
    expect(told.splice(0)).toEqual([undefined])
  })
})
