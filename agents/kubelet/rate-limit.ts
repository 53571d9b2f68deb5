/** A bucket of tokens that fills with time. Mirrors client-go's util/flowcontrol token bucket. */
import type { Clock } from '../../src/api/clock.ts'

export interface Rate { perSecond: number; burst: number }

/** Takes a token; false: there is none now. */
export type TryAccept = () => boolean

export const rateLimit = ({ perSecond, burst }: Rate, clock: Clock): TryAccept => {
  let tokens = burst
  let at = clock.monotonic()
  return () => {
    const now = clock.monotonic()
    tokens = Math.min(burst, tokens + ((now - at) * perSecond) / 1000)
    at = now
    if (tokens < 1) return false
    tokens -= 1
    return true
  }
}
