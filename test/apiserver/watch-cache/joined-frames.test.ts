/** Frames that many watchers get are put together once. */
import { expect, test } from 'vitest'
import { JoinedFrames } from '../../../src/apiserver/watch-cache/joined-frames.ts'

const [a, b, c] = ['a\n', 'bb\n', 'ccc\n'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer]
const join = (joined: JoinedFrames, ...frames: Buffer[]): Buffer => joined.join(frames, frames.reduce((sum, { length }) => sum + length, 0))

test('the same frames are the same bytes; others are not', () => {
  const joined = new JoinedFrames()
  const first = join(joined, a, b)
  expect(first.toString()).toBe('a\nbb\n')
  expect(join(joined, a, b)).toBe(first)
  expect(join(joined, a, c).toString()).toBe('a\nccc\n')
  expect(join(joined, a, b, c).toString()).toBe('a\nbb\nccc\n')
  expect(join(joined, b, a).toString()).toBe('bb\na\n')
  expect(join(joined, Buffer.from('b'), a).toString()).toBe('ba\n')
})

test('one frame is not copied', () => expect(join(new JoinedFrames(), a)).toBe(a))

test('what is large is not kept', () => {
  const joined = new JoinedFrames()
  const large = Buffer.alloc(1 << 20, 'x')
  expect(join(joined, large, a)).not.toBe(join(joined, large, a))
  expect(join(joined, large, a).length).toBe((1 << 20) + 2)
})
