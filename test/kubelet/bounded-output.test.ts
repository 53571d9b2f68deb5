import { expect, test } from 'vitest'
import { boundedOutput } from '../../agents/kubelet/bounded-output.ts'

test('of all that a command writes the first bytes are kept, however much comes and in whatever pieces', () => {
  const { take, text } = boundedOutput(10)
  for (const piece of ['one', 'two', 'three', 'four']) take(Buffer.from(piece))
  for (let round = 0; round < 1000; round++) take(Buffer.alloc(1 << 20))
  expect(text()).toBe('onetwothre')
})

test('what is kept does not hold on to what is not', () => {
  const huge = Buffer.alloc(64 << 20, 'x')
  const { take, text } = boundedOutput(10)
  take(huge)
  huge.fill('y')
  expect(text()).toBe('xxxxxxxxxx')
})
