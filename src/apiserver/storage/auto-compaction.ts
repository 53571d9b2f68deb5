/** Forgets the store's history beyond five minutes, as apiserver's etcd3 compactor does: watches and lists from before then end in 410. */
import type { Clock } from '../../api/clock.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../log.ts'

export const historyMs = 300_000
/** Looked at so often in that time: what is older goes at most a fifth later, where upstream's compactor, which looks once, may need twice the time. */
const looks = 5

export const runAutoCompaction = async ({ store, clock, log, everyMs = historyMs }: { store: Store; clock: Clock; log: Log; everyMs?: number }, signal: AbortSignal): Promise<void> => {
  /** The newest revision at each look, the oldest first. */
  const seen = [await store.revision()]
  let compacted = 1
  while (!signal.aborted) {
    try {
      await clock.sleep(everyMs / looks, signal)
      const now = await store.revision()
      // What was newest a period ago is the oldest that stays; an idle store is left alone.
      const oldest = seen.length >= looks ? (seen.shift() ?? 0) : 0
      seen.push(now)
      if (oldest <= compacted || oldest === now) continue
      compacted = oldest
      await store.compact(oldest)
    } catch (error) {
      if (!signal.aborted) log.warn('the history of the store could not be compacted', { error: String(error) })
    }
  }
}
