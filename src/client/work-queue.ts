/**
 * A queue of keys for workers. A key is queued at most once; one that is added while a worker has it is queued again when the worker is done;
 * so no two workers ever have the same key. Mirrors client-go `util/workqueue` (queue.go, delaying_queue.go, default_rate_limiters.go).
 */
import { type Clock, notNeeded } from '../api/clock.ts'

export interface WorkQueue<K> {
  add(key: K): void
  /** Adds the key after so long; of several delays for one key the earliest counts. */
  addAfter(key: K, milliseconds: number): void
  /** Adds the key after its back-off: 5 ms, doubled with each call until `forget`, 1000 s at most. */
  addRateLimited(key: K): void
  forget(key: K): void
  /** How often `addRateLimited` was called since the last `forget`. */
  retries(key: K): number
  /** The next key, which the caller then has until `done`; undefined when the signal aborts. */
  get(signal: AbortSignal): Promise<K | undefined>
  done(key: K): void
  /** Queued now; not those that are delayed or being worked on. */
  readonly length: number
  /** Nothing queued and nobody at work. Delayed keys do not count. */
  readonly idle: boolean
}

/** Delays end early, unfinished, when `signal` aborts. */
export const workQueue = <K>(clock: Clock, signal: AbortSignal): WorkQueue<K> => new Queue(clock, signal)

class Queue<K> implements WorkQueue<K> {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  /** In order; a Set, because deletion of its first is cheap. A key is here only if it is dirty and nobody processes it. */
  readonly #queue = new Set<K>()
  readonly #dirty = new Set<K>()
  readonly #processing = new Set<K>()
  readonly #failures = new Map<K, number>()
  readonly #delayed = new Map<K, { at: number; cancel: AbortController }>()
  readonly #waiting = new Set<() => void>()

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  get length(): number { return this.#queue.size }
  get idle(): boolean { return this.#queue.size === 0 && this.#processing.size === 0 }

  add(key: K): void {
    if (this.#dirty.has(key)) return
    this.#dirty.add(key)
    if (!this.#processing.has(key)) this.#enqueue(key)
  }

  addAfter(key: K, milliseconds: number): void {
    if (milliseconds <= 0) return this.add(key)
    const at = this.#clock.monotonic() + milliseconds
    const waiting = this.#delayed.get(key)
    if (waiting && waiting.at <= at) return
    waiting?.cancel.abort(notNeeded)
    const cancel = new AbortController()
    this.#delayed.set(key, { at, cancel })
    void this.#addLater(key, milliseconds, cancel.signal)
  }

  async #addLater(key: K, milliseconds: number, cancelled: AbortSignal): Promise<void> {
    try {
      await this.#clock.sleep(milliseconds, AbortSignal.any([this.#signal, cancelled]))
    } catch {
      return // replaced by an earlier one, or the queue's end
    }
    this.#delayed.delete(key)
    this.add(key)
  }

  addRateLimited(key: K): void {
    const failures = this.retries(key)
    this.#failures.set(key, failures + 1)
    this.addAfter(key, Math.min(5 * 2 ** failures, 1_000_000))
  }

  forget(key: K): void { this.#failures.delete(key) }
  retries(key: K): number { return this.#failures.get(key) ?? 0 }

  async get(signal: AbortSignal): Promise<K | undefined> {
    while (!signal.aborted) {
      for (const key of this.#queue) {
        this.#queue.delete(key)
        this.#dirty.delete(key)
        this.#processing.add(key)
        return key
      }
      await this.#woken(signal)
    }
    return undefined
  }

  #woken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }

  done(key: K): void {
    this.#processing.delete(key)
    if (this.#dirty.has(key)) this.#enqueue(key)
  }

  #enqueue(key: K): void {
    this.#queue.add(key)
    for (const wake of this.#waiting) return wake()
  }
}
