/** Time is passed in: this is the one place where the machine's clock and timers are read. */

export interface Clock {
  /** Wall-clock time, for timestamps that users see. */
  now(): Date
  /** Milliseconds from a fixed point in the past, never going back: for measuring and for deadlines. Fractions count. */
  monotonic(): number
  /** Resolves after `milliseconds`; rejects with the signal's reason when it aborts first. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
}

/** For `abort` of a sleep, or of anything else, that is not needed any more: without a reason it makes an error of its own, with its stack, each time. */
export const notNeeded = new Error('not needed any more')

// The most that a timer takes: with more it would end at once.
const longestTimerMilliseconds = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.timeOrigin + performance.now(),
  // Not that of node:timers/promises, which makes an error with its stack for each sleep that is given up: most are, they are timeouts of what ends in time.
  sleep: (milliseconds, signal) => new Promise((resolve, reject) => {
    if (signal.aborted) { reject(signal.reason as Error); return }
    const giveUp = (): void => { clearTimeout(timer); reject(signal.reason as Error) }
    let left = milliseconds
    const pause = (): NodeJS.Timeout => {
      const part = Math.min(left, longestTimerMilliseconds)
      left -= part
      return setTimeout(() => {
        if (left > 0) { timer = pause(); return }
        signal.removeEventListener('abort', giveUp)
        resolve()
      }, part)
    }
    let timer = pause()
    signal.addEventListener('abort', giveUp, { once: true })
  }),
}

/** A moment as metav1.Time prints it: whole seconds, UTC. */
export const timestamp = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`

/** A moment as metav1.MicroTime prints it. */
export const microTimestamp = (date: Date): string => `${date.toISOString().slice(0, 23)}000Z`
