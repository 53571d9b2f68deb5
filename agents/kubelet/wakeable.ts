/** Something that sleeps until it is woken, at once or at a moment; several calls before it looks wake it once. */
import { type Clock, notNeeded } from '../../src/api/clock.ts'

export class Wakeable {
  readonly #clock: Clock
  #woken = false
  #wake: (() => void) | undefined
  #timer: { at: number; controller: AbortController } | undefined

  constructor(clock: Clock) { this.#clock = clock }

  notify(): void {
    this.#woken = true
    this.#wake?.()
  }

  /** Wakes it in so long, unless an earlier moment is set. Moments that are set are forgotten when it wakes. */
  notifyIn(milliseconds: number): void {
    const at = this.#clock.monotonic() + milliseconds
    if (this.#timer && this.#timer.at <= at) return
    this.#timer?.controller.abort(notNeeded)
    const controller = new AbortController()
    this.#timer = { at, controller }
    this.#clock.sleep(milliseconds, controller.signal).then(() => this.notify(), () => {}) // aborted: an earlier moment took its place
  }

  /** Resolves when woken; rejects when the signal aborts. One caller at a time. */
  async next(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!this.#woken) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const abort = (): void => reject(signal.reason as Error)
      this.#wake = resolve
      signal.addEventListener('abort', abort, { once: true })
      try { await promise } finally {
        this.#wake = undefined
        signal.removeEventListener('abort', abort)
        if (signal.aborted) this.#timer?.controller.abort(notNeeded)
      }
    }
    this.#woken = false
    this.#timer?.controller.abort(notNeeded)
    this.#timer = undefined
  }
}
