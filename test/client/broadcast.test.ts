import { expect, test } from 'vitest'
import { broadcast } from '../../src/client/broadcast.ts'

const read = async <T>(source: AsyncIterable<T>, count: number): Promise<T[]> => {
  const seen: T[] = []
  for await (const item of source) if (seen.push(item) === count) break
  return seen
}

test('readers get what they begin with, then what is told, each at its own speed', async () => {
  const { tell, watch } = broadcast<number>(10)
  const signal = new AbortController().signal
  const [early, late] = [read(watch([1, 2], signal), 4), read(watch([], signal), 2)]
  tell(3)
  tell(4)
  expect(await Promise.all([early, late])).toEqual([[1, 2, 3, 4], [3, 4]])
})

test('who falls behind loses the oldest', async () => {
  const { tell, watch } = broadcast<number>(3)
  const reading = watch([0], new AbortController().signal)[Symbol.asyncIterator]()
  expect((await reading.next()).value).toBe(0)
  for (const item of [1, 2, 3, 4, 5]) tell(item)
  expect([(await reading.next()).value, (await reading.next()).value, (await reading.next()).value]).toEqual([3, 4, 5])
})

test('the end of the signal ends a reader that waits', async () => {
  const stop = new AbortController()
  const reading = read(broadcast<number>(3).watch([], stop.signal), 1)
  stop.abort()
  expect(await reading).toEqual([])
})
