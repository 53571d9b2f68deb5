/** One piece of work for a burst of calls. */
import type { Clock } from '../api/clock.ts'

/**
 * A function that may be called often: `work` runs once, so many milliseconds after the first call of a burst; calls that come while it runs begin another burst.
 * What `work` throws goes to `failed`, unless the signal has aborted.
 */
export const afterBurst = ({ clock, milliseconds, failed }: { clock: Clock; milliseconds: number; failed(error: unknown): void }, work: () => Promise<void>, signal: AbortSignal): (() => void) => {
  let waiting = false
  const run = async (): Promise<void> => {
    try {
      await clock.sleep(milliseconds, signal)
      waiting = false
      await work()
    } catch (error) {
      waiting = false
      if (!signal.aborted) failed(error)
    }
  }
  return () => {
    if (waiting) return
    waiting = true
    void run()
  }
}
