import { setImmediate as nextTurn } from 'node:timers/promises'
import { CompactedError, SlowWatcherError, type StoreEvent, type WatchBatch, type WatchOptions } from '../store.ts'
import { eventOf } from './change.ts'
import type { Clock } from './clock.ts'
import { byteOrder } from './key-order.ts'
import type { Mvcc } from './mvcc.ts'

/** So many changes are looked at in one go; then other work has its turn. */
const sliceChanges = 1000
/** While others write, a watcher whose keys are quiet learns at least this often how far it has seen. */
const markMilliseconds = 100

interface Watcher {
  readonly start: string
  readonly end: string
  /** The first revision that it has not looked at. */
  next: number
  /** The revision that its reader knows to have seen. */
  told: number
  /** `history.appended` when its reader last asked for more. */
  askedAt: number
  owesMark: boolean
  stopped: boolean
  /** Set while its reader waits. */
  wake: (() => void) | undefined
}

/**
 * Watches without buffers: a watcher is a place in the history that memory holds anyway, so that replay and following are one thing and a stalled reader
 * costs nothing. It is cut off when more than `bound` changes happened since it last asked, or when compaction overtakes it.
 */
export class WatchHub {
  readonly #mvcc: Mvcc
  readonly #clock: Clock
  readonly #bound: number
  readonly #watchers = new Set<Watcher>()
  readonly #closed = new AbortController()
  #markDue = false

  constructor(mvcc: Mvcc, clock: Clock, bound: number) {
    this.#mvcc = mvcc
    this.#clock = clock
    this.#bound = bound
  }

  watch(start: string, end: string, { fromRevision, signal }: WatchOptions): AsyncIterable<WatchBatch> {
    const next = fromRevision || this.#mvcc.durable + 1
    const stopped = signal.aborted || this.#closed.signal.aborted
    const watcher: Watcher = { start: byteOrder(start), end: byteOrder(end), next, told: next - 1, askedAt: this.#mvcc.history.appended, owesMark: false, stopped, wake: undefined }
    const stop = (): void => {
      watcher.stopped = true
      this.#watchers.delete(watcher)
      watcher.wake?.()
    }
    if (!stopped) {
      this.#watchers.add(watcher)
      signal.addEventListener('abort', stop, { once: true })
    }
    return this.#follow(watcher, () => {
      stop()
      signal.removeEventListener('abort', stop)
    })
  }

  async *#follow(watcher: Watcher, stop: () => void): AsyncGenerator<WatchBatch> {
    const { history } = this.#mvcc
    let started = false
    try {
      while (!watcher.stopped) {
        if (watcher.next < this.#mvcc.compacted) throw started ? slow() : new CompactedError(this.#mvcc.compacted)
        if (history.appended - watcher.askedAt > this.#bound) throw slow()
        started = true
        watcher.askedAt = history.appended
        if (watcher.next <= this.#mvcc.durable) {
          const batch = this.#read(watcher)
          if (batch.events.length > 0) yield batch
          else await nextTurn()
        } else if (watcher.owesMark && watcher.told < this.#mvcc.durable) {
          watcher.owesMark = false
          watcher.told = this.#mvcc.durable
          yield { revision: watcher.told, events: [] }
        } else {
          watcher.owesMark = false
          await new Promise<void>((resolve) => { watcher.wake = resolve })
          watcher.wake = undefined
        }
      }
    } finally {
      stop()
    }
  }

  /** Moves the watcher on by a slice of whole revisions. */
  #read(watcher: Watcher): WatchBatch {
    const { history, durable } = this.#mvcc
    const revision = history.sliceEnd(watcher.next, durable, sliceChanges)
    const events: StoreEvent[] = []
    for (const change of history.between(watcher.next, revision)) if (change.order >= watcher.start && change.order < watcher.end) events.push(eventOf(change))
    watcher.next = revision + 1
    if (events.length > 0) watcher.told = revision
    return { revision, events }
  }

  /** The changes from revision `from` on are now durable: wakes those who wait for one of them. */
  published(from: number): void {
    if (this.#watchers.size === 0) return
    const { history, durable } = this.#mvcc
    const orders = [...history.between(from, durable)].map(({ order }) => order)
    for (const watcher of this.#watchers) {
      // A reader that is busy, or further behind, or waits for a later revision, looks for itself.
      if (!watcher.wake || watcher.next < from || watcher.next > durable) continue
      if (orders.some((order) => order >= watcher.start && order < watcher.end)) watcher.wake()
      else {
        watcher.next = durable + 1
        watcher.askedAt = history.appended
      }
    }
    this.#markSoon()
  }

  /** Everybody who has seen less than the newest revision is told of it once it has caught up. */
  mark(): void {
    for (const watcher of this.#watchers) {
      if (watcher.told >= this.#mvcc.durable) continue
      watcher.owesMark = true
      watcher.wake?.()
    }
  }

  #markSoon(): void {
    if (this.#markDue) return
    this.#markDue = true
    this.#clock.sleep(markMilliseconds, this.#closed.signal).then(() => {
      this.#markDue = false
      this.mark()
    }, () => { /* closed: nobody is left to tell */ })
  }

  /** Ends every watch. */
  close(): void {
    this.#closed.abort()
    for (const watcher of this.#watchers) {
      watcher.stopped = true
      watcher.wake?.()
    }
  }
}

const slow = (): SlowWatcherError => new SlowWatcherError('the watch fell too far behind; watch anew from the revision that was seen last')
