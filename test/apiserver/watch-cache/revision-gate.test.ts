/** Readers that ask for a revision of the future: storage.NewTooLargeResourceVersionError after three seconds. */
import { expect, test } from 'vitest'
import { RevisionGate } from '../../../src/apiserver/watch-cache/revision-gate.ts'
import { fakeClock } from '../../support/fake-clock.ts'

test('a revision that comes in time is waited for; one that does not is told, and nobody waits for it any more', async () => {
  const clock = fakeClock()
  const gate = new RevisionGate(clock)
  gate.advance(5)
  await gate.reachedSoon(5)
  const soon = gate.reachedSoon(7)
  const never = Promise.allSettled(Array.from({ length: 100 }, () => gate.reachedSoon(Number.MAX_SAFE_INTEGER)))
  expect(gate.waiting).toBe(101)
  gate.advance(7)
  await soon
  expect(gate.waiting).toBe(100)
  await clock.advance(3_000)
  expect((await never).map((each) => each.status === 'rejected' && (each.reason as Error).message)).toEqual(Array.from({ length: 100 }, () => 'Timeout: Too large resource version: 9007199254740991, current: 7'))
  expect(gate.waiting).toBe(0)
  expect(clock.sleepers).toBe(0)
})
