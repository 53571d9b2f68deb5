import { describe, expect, test } from 'vitest'
import { workQueue } from '../../src/client/work-queue.ts'
import { fakeClock } from '../support/fake-clock.ts'

const open = () => {
  const clock = fakeClock()
  const { signal } = new AbortController()
  return { clock, signal, queue: workQueue<string>(clock, signal) }
}

describe('work queue', () => {
  test('a key added twice is got once', async () => {
    const { queue, signal } = open()
    queue.add('a'); queue.add('b'); queue.add('a')
    expect([await queue.get(signal), await queue.get(signal), queue.length]).toEqual(['a', 'b', 0])
  })
  test('a key added while it is processed comes again only after done', async () => {
    const { queue, signal } = open()
    queue.add('a')
    await queue.get(signal)
    queue.add('a')
    expect(queue.length).toBe(0)
    queue.done('a')
    expect(await queue.get(signal)).toBe('a')
    queue.done('a')
    expect(queue.idle).toBe(true)
  })
  test('one waiting worker is woken for each key', async () => {
    const { queue, signal } = open()
    const got = Promise.all([queue.get(signal), queue.get(signal)])
    queue.add('a'); queue.add('b')
    expect(await got).toEqual(['a', 'b'])
  })
  test('get ends when its signal aborts', async () => {
    const { queue } = open()
    const stop = new AbortController()
    const got = queue.get(stop.signal)
    stop.abort()
    expect(await got).toBeUndefined()
  })
  test('a delayed key comes after its time, the earliest of two delays counts', async () => {
    const { queue, clock } = open()
    queue.addAfter('a', 5_000); queue.addAfter('a', 1_000); queue.addAfter('a', 3_000)
    await clock.advance(999)
    expect(queue.length).toBe(0)
    await clock.advance(1)
    expect(queue.length).toBe(1)
    expect(clock.sleepers).toBe(0)
  })
  test("back-off doubles from 5 ms to 1000 s and starts anew after forget (client-go's ItemExponentialFailureRateLimiter)", async () => {
    const { queue, clock } = open()
    const delays: (number | undefined)[] = []
    for (let failure = 0; failure < 20; failure++) {
      queue.addRateLimited('a')
      delays.push(clock.untilNext)
      await clock.advance(clock.untilNext ?? 0)
    }
    expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40])
    expect(delays.at(-1)).toBe(1_000_000)
    expect(queue.retries('a')).toBe(20)
    queue.forget('a')
    queue.addRateLimited('a')
    expect(clock.untilNext).toBe(5)
  })
})
