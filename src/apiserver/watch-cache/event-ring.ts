/** The recent changes of a kind, so that a watch may begin in the past. */
import type { CacheEvent } from './cache-event.ts'

export interface RingLimits {
  /** So many are kept whatever their age, */
  minEvents: number
  /** never more than so many, */
  maxEvents: number
  /** and between the two those younger than this. */
  maxAgeMs: number
}

/** Upstream's cacher's: a hundred at least, and 75 seconds of a busy kind. */
export const usualLimits: RingLimits = { minEvents: 100, maxEvents: 50_000, maxAgeMs: 75_000 }

export class EventRing {
  private events: CacheEvent[] = []
  private first = 0
  /** All changes after this revision are here. */
  private complete: number
  private readonly limits: RingLimits

  constructor(completeSince: number, limits: RingLimits = usualLimits) {
    this.complete = completeSince
    this.limits = limits
  }

  /** The oldest revision from which (exclusive) a watch can begin. */
  get completeSince(): number { return this.complete }

  push(event: CacheEvent): void {
    this.events.push(event)
    const { minEvents, maxEvents, maxAgeMs } = this.limits
    for (let size = this.events.length - this.first; size > minEvents; size -= 1) {
      const oldest = this.events[this.first]
      if (!oldest || (size <= maxEvents && event.at - oldest.at <= maxAgeMs)) break
      this.complete = oldest.revision
      this.first += 1
    }
    if (this.first > 1024 && this.first * 2 > this.events.length) {
      this.events = this.events.slice(this.first)
      this.first = 0
    }
  }

  /** What happened after `revision`; undefined when not all of it is known any more. */
  since(revision: number): CacheEvent[] | undefined {
    if (revision < this.complete) return undefined
    let low = this.first
    let high = this.events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.events[middle]?.revision ?? 0) > revision) high = middle
      else low = middle + 1
    }
    return this.events.slice(low)
  }
}
