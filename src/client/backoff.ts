/** How long to wait before the n-th try again. */
import type { Random } from '../api/random.ts'

export interface Backoff {
  /** The delay before the next try, in milliseconds; grows with each call. */
  next(): number
  /** It worked: start anew. */
  reset(): void
}

/** Doubles from `base` to `cap`; each delay is between half of that and all of it, so that many who failed together do not return together. */
export const exponentialBackoff = ({ base, cap, random }: { base: number; cap: number; random: Random }): Backoff => {
  let tries = 0
  return {
    next: () => Math.min(base * 2 ** tries++, cap) * (0.5 + random.next() / 2),
    reset: () => { tries = 0 },
  }
}
