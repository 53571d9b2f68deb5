/**
 * How many pods begin at a time. Twenty that share a machine of few processors all end late; one after the other most of them end early, and the last no later.
 * A turn is for what keeps the machine busy: one that takes long waits for something else, and holds nobody up.
 */
import { type Clock, notNeeded } from '../../src/api/clock.ts'

export interface Turns {
  /** Resolves, in the order of the calls, with what gives the turn back; at once when the signal aborts: whoever is given up is not to wait. */
  take(signal: AbortSignal): Promise<() => void>
  /** Somebody has a turn. */
  readonly busy: boolean
}

const longestMilliseconds = 250

export const turns = (atATime: number, clock: Clock): Turns => {
  const waiting = new Set<() => void>()
  let taken = 0
  const begin = (): (() => void) => {
    taken++
    const over = new AbortController()
    const end = (): void => {
      if (over.signal.aborted) return
      over.abort(notNeeded)
      taken--
      const [next] = waiting
      next?.()
    }
    clock.sleep(longestMilliseconds, over.signal).then(end, () => {}) // given back before
    return end
  }
  return {
    get busy() { return taken > 0 },
    take(signal) {
      if (signal.aborted) return Promise.resolve(() => {})
      if (taken < atATime) return Promise.resolve(begin())
      return new Promise((resolve) => {
        const leave = (): void => { waiting.delete(next); resolve(() => {}) }
        const next = (): void => {
          waiting.delete(next)
          signal.removeEventListener('abort', leave)
          resolve(begin())
        }
        signal.addEventListener('abort', leave, { once: true })
        waiting.add(next)
      })
    },
  }
}
