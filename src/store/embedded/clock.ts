/** What the store needs of time; src/api/clock.ts has one. */
export interface Clock {
  /** Milliseconds from a fixed point, never going back. */
  monotonic(): number
  /** Rejects when the signal aborts first. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
}
