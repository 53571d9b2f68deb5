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

  /** Resolves at once when `revision` has been seen; without limit otherwise. For our own writes, whose revision is known to come. */
  reached(revision: number): Promise<void> | undefined {
    if (revision <= this.current) return undefined
    return new Promise<void>((resolve) => this.waiters.push({ revision, resolve }))
  }

  /** For revisions that a client names: 504 after three seconds, as upstream's cacher. */
  async reachedSoon(revision: number): Promise<void> {
    const reached = this.reached(revision)
    if (!reached) return
    const cancel = new AbortController()
    const late = this.clock.sleep(patienceMs, cancel.signal).then(() => true, () => false)
    const timedOut = await Promise.race([reached.then(() => false), late])
    cancel.abort()
    if (timedOut) throw tooLargeResourceVersion(revision, this.current)
  }
}
