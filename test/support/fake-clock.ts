/** A clock that moves only when it is told to. Sleepers wake in the order of their moments. */
import type { Clock } from '../../src/api/clock.ts'

export interface FakeClock extends Clock {
  /** Lets this much time pass; between two moments at which somebody wakes, everything that is ready to run runs. */
  advance(milliseconds: number): Promise<void>
  /** Somebody sets the wall clock, to later or (negative) earlier; nothing else happens. */
  set(milliseconds: number): void
  /** How many sleep now. */
  readonly sleepers: number
  /** Milliseconds until the next sleeper wakes; undefined if nobody sleeps. */
  readonly untilNext: number | undefined
}

interface Sleeper { at: number; wake(): void }

/** Enough turns of the event loop for promises, and short I/O, to settle. */
export const settle = async (turns = 20): Promise<void> => {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => { setImmediate(resolve) })
}

export const fakeClock = (start = new Date('2026-01-01T00:00:00Z')): FakeClock => {
  let elapsed = 0
  let wall = 0
  const sleepers = new Set<Sleeper>()
  const next = (): Sleeper | undefined => [...sleepers].reduce<Sleeper | undefined>((first, each) => (first === undefined || each.at < first.at ? each : first), undefined)
  return {
    now: () => new Date(start.getTime() + wall + elapsed),
    set: (milliseconds) => { wall += milliseconds },
    monotonic: () => elapsed,
    get sleepers() { return sleepers.size },
    get untilNext() { const first = next(); return first && Math.max(0, first.at - elapsed) },
    sleep: (milliseconds, signal) => new Promise((resolve, reject) => {
      if (signal.aborted) { reject(signal.reason as Error); return }
      const sleeper: Sleeper = { at: elapsed + Math.max(0, milliseconds), wake: () => { sleepers.delete(sleeper); signal.removeEventListener('abort', stop); resolve() } }
      const stop = (): void => { sleepers.delete(sleeper); reject(signal.reason as Error) }
      signal.addEventListener('abort', stop, { once: true })
      sleepers.add(sleeper)
    }),
    async advance(milliseconds) {
      const end = elapsed + milliseconds
      await settle()
      for (let first = next(); first && first.at <= end; first = next()) {
        elapsed = Math.max(elapsed, first.at)
        first.wake()
        await settle()
      }
      elapsed = end
      await settle()
    },
  }
}
