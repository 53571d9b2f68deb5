/** When the next picture is made: at once after a key, else so that frames are spent like money; never when nothing changed. */
import type { Clock } from '../../src/api/clock.ts'

/** `key`: somebody waits for it. `data`: the cluster changed. `slow`: numbers that move all the time. */
export type Urgency = 'key' | 'data' | 'slow'

export interface Pace {
  mark(urgency: Urgency): void
  /** While something heals, data is shown sooner. */
  hurry(on: boolean): void
}

const idleMilliseconds = 250
const hurriedMilliseconds = 100
const slowMilliseconds = 1_000

/** Calls `draw` until `signal` aborts; marks between two calls are one. */
export const pace = ({ clock, draw }: { clock: Clock; draw: () => void }, signal: AbortSignal): Pace => {
  let drawn = -Infinity
  let hurried = false
  let due = Infinity
  let timer: AbortController | undefined

  const fire = (): void => {
    due = Infinity
    timer = undefined
    drawn = clock.monotonic()
    if (!signal.aborted) draw()
  }

  const schedule = (at: number): void => {
    if (at >= due) return
    due = at
    timer?.abort()
    timer = undefined
    const wait = at - clock.monotonic()
    if (wait <= 0) { fire(); return }
    const mine = new AbortController()
    timer = mine
    clock.sleep(wait, AbortSignal.any([mine.signal, signal])).then(() => { if (timer === mine) fire() }, () => undefined)
  }

  return {
    hurry: (on) => { hurried = on },
    mark: (urgency) => {
      if (signal.aborted) return
      const wait = urgency === 'key' ? 0 : urgency === 'slow' ? slowMilliseconds : hurried ? hurriedMilliseconds : idleMilliseconds
      schedule(drawn + wait)
    },
  }
}
