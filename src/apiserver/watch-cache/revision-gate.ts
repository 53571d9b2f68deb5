/** Lets readers wait until the cache has seen a revision. */
import type { Clock } from '../../api/clock.ts'
import { StatusError } from '../../api/status.ts'

interface Waiter { revision: number; resolve: () => void }

/** 504 in upstream's words: a client asks for a resourceVersion that we have not seen (storage.NewTooLargeResourceVersionError). */
export const tooLargeResourceVersion = (asked: number, current: number): StatusError => new StatusError({
  kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'Timeout', code: 504, message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
  details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 },
})

const patienceMs = 3000

export class RevisionGate {
  private waiters: Waiter[] = []
  private readonly clock: Clock
  current = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  advance(revision: number): void {
    if (revision <= this.current) return
    this.current = revision
    if (this.waiters.length === 0) return
    const ready = this.waiters.filter((waiter) => waiter.revision <= revision)
    if (ready.length === 0) return
    this.waiters = this.waiters.filter((waiter) => waiter.revision > revision)
    for (const waiter of ready) waiter.resolve()
  }

  /** How many wait. */
  get waiting(): number { return this.waiters.length }

  /** Resolves at once when `revision` has been seen; without limit otherwise. For our own writes, whose revision is known to come. */
  reached(revision: number): Promise<void> | undefined {
    return revision <= this.current ? undefined : this.wait(revision).seen
  }

  /** For revisions that a client names: 504 after three seconds, as upstream's cacher. Who has given up is forgotten: every write looks at all who wait. */
  async reachedSoon(revision: number): Promise<void> {
    if (revision <= this.current) return
    const { waiter, seen } = this.wait(revision)
    const cancel = new AbortController()
    const late = this.clock.sleep(patienceMs, cancel.signal).then(() => true, () => false)
    const timedOut = await Promise.race([seen.then(() => false), late])
    cancel.abort()
    if (!timedOut) return
    this.waiters = this.waiters.filter((each) => each !== waiter)
    throw tooLargeResourceVersion(revision, this.current)
  }

  private wait(revision: number): { waiter: Waiter; seen: Promise<void> } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiter = { revision, resolve }
    this.waiters.push(waiter)
    return { waiter, seen: promise }
  }
}
