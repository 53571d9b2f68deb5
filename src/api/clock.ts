/** Time is passed in: this is the one place where the machine's clock and timers are read. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Clock {
  /** Wall-clock time, for timestamps that users see. */
  now(): Date
  /** Milliseconds from a fixed point in the past, never going back: for measuring and for deadlines. Fractions count. */
  monotonic(): number
  /** Resolves after `milliseconds`; rejects with the signal's reason when it aborts first. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.timeOrigin + performance.now(),
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, { signal }),
}

/** A moment as metav1.Time prints it: whole seconds, UTC. */
export const timestamp = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`

/** A moment as metav1.MicroTime prints it. */
export const microTimestamp = (date: Date): string => `${date.toISOString().slice(0, 23)}000Z`
