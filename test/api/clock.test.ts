import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'

const day = 86_400_000

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

test.each([
  ['a second', 1_000], ['the most that one timer takes', 2 ** 31 - 1], ['one millisecond more', 2 ** 31], ['90 days (a rotation of certificates)', 90 * day], ['no end (a deadline of MaxInt64 seconds)', Infinity],
])('a sleep of %s does not end early', async (_, milliseconds) => {
  const ended = vi.fn()
  const stop = new AbortController()
  const sleep = systemClock.sleep(milliseconds, stop.signal).then(ended, () => undefined)
  await vi.advanceTimersByTimeAsync(Math.min(milliseconds, 200 * day) - 1)
  expect(ended).not.toHaveBeenCalled()
  if (Number.isFinite(milliseconds)) await vi.advanceTimersByTimeAsync(1)
  else stop.abort()
  await sleep
  expect(ended).toHaveBeenCalledTimes(Number.isFinite(milliseconds) ? 1 : 0)
  expect(vi.getTimerCount()).toBe(0)
})

test('given up in its second part, it rejects and leaves no timer', async () => {
  const stop = new AbortController()
  const sleep = systemClock.sleep(60 * day, stop.signal)
  await vi.advanceTimersByTimeAsync(30 * day)
  stop.abort(new Error('enough'))
  await expect(sleep).rejects.toThrow('enough')
  expect(vi.getTimerCount()).toBe(0)
})
