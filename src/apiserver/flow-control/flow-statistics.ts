/** What has happened to the requests of one flow schema, counted by our own hand: the library's way would cost a request more than its classification. */
import type { Rejection } from './priority-level.ts'

/** Upstream's buckets of apiserver_flowcontrol_request_{wait_duration,execution}_seconds. */
export const durationBounds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]

export class Durations {
  /** By bound, not cumulated; the last is for what is longer than all. */
  readonly buckets = Array.from({ length: durationBounds.length + 1 }, () => 0)
  sum = 0

  observe(seconds: number): void {
    let bucket = 0
    while (bucket < durationBounds.length && seconds > (durationBounds[bucket] ?? 0)) bucket += 1
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1
    this.sum += seconds
  }
}

export class FlowStatistics {
  dispatched = 0
  executing = 0
  seats = 0
  waiting = 0
  readonly rejected: Record<Rejection, number> = { 'queue-full': 0, 'concurrency-limit': 0, 'time-out': 0, cancelled: 0 }
  readonly waitedStarted = new Durations()
  readonly waitedRejected = new Durations()
  readonly executed = new Durations()
}
