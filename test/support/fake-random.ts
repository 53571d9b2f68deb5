/** Randomness that repeats: the same seed gives the same numbers (mulberry32). */
import type { Random } from '../../src/api/random.ts'

export const fakeRandom = (seed = 1): Random => {
  let state = seed
  let made = 0
  return {
    next: () => {
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    },
    uuid: () => `00000000-0000-4000-8000-${String(++made).padStart(12, '0')}`,
  }
}
