import { expect, test } from 'vitest'
import { rateLimit } from '../../agents/kubelet/rate-limit.ts'
import { fakeClock } from '../support/fake-clock.ts'

test('so many at once, then so many a second', async () => {
  const clock = fakeClock()
  const accept = rateLimit({ perSecond: 2, burst: 3 }, clock)
  const some = (): boolean[] => Array.from({ length: 4 }, accept)
  expect(some()).toEqual([true, true, true, false])
  await clock.advance(500)
  expect(some()).toEqual([true, false, false, false])
  await clock.advance(60_000)
  expect(some()).toEqual([true, true, true, false])
})
