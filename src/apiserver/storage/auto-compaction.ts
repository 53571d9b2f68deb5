/** Forgets the store's history beyond five minutes, as apiserver's etcd3 compactor does: watches and lists from before then end in 410. */
import type { Clock } from '../../api/clock.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../log.ts'

export const historyMs = 300_000

export const runAutoCompaction = async ({ store, clock, log, everyMs = historyMs }: { store: Store; clock: Clock; log: Log; everyMs?: number }, signal: AbortSignal): Promise<void> => {
  let before = await store.revision()
  while (!signal.aborted) {
    try {
      await clock.sleep(everyMs, signal)
      const now = await store.revision()
      // What was newest a period ago is the oldest that stays; an idle store is left alone.
      if (before > 1 && now !== before) await store.compact(before)
      before = now
    } catch (error) {
      if (!signal.aborted) log.warn('the history of the store could not be compacted', { error: String(error) })
    }
  }
}
