/** The heal log: what happened between a container's end and the moment it served again, with milliseconds. Served on /wherry/heal. */
import type { Clock } from '../../src/api/clock.ts'
import type { HealEvent, HealPhase } from '../../src/api/heal.ts'
import { broadcast } from '../../src/client/broadcast.ts'

export interface HealLog {
  /** `monotonicMs` where the moment was before now: the kernel's word of an exit. */
  add(event: Omit<HealEvent, 'at' | 'monotonicMs'> & { monotonicMs?: number }): void
  history(): HealEvent[]
  has(podUid: string, container: string, attempt: number, phase: HealPhase): boolean
  /** History first, then what happens, until `signal` aborts. A reader that falls 1,000 events behind loses the oldest. */
  watch(signal: AbortSignal): AsyncIterable<HealEvent>
  forget(podUid: string): void
}

const keptPerPod = 200
const maxBehind = 1000

export const healLog = (clock: Clock): HealLog => {
  const byPod = new Map<string, HealEvent[]>()
  const readers = broadcast<HealEvent>(maxBehind)
  const history = (): HealEvent[] => [...byPod.values()].flat().sort((left, right) => left.monotonicMs - right.monotonicMs)
  return {
    add(event) {
      const now = clock.monotonic()
      const monotonicMs = event.monotonicMs ?? now
      const full: HealEvent = { ...event, monotonicMs, at: new Date(clock.now().getTime() - (now - monotonicMs)).toISOString() }
      const kept = byPod.get(event.podUid) ?? []
      byPod.set(event.podUid, kept)
      kept.push(full)
      if (kept.length > keptPerPod) kept.shift()
      readers.tell(full)
    },
    history,
    has: (podUid, container, attempt, phase) => (byPod.get(podUid) ?? []).some((event) => event.container === container && event.attempt === attempt && event.phase === phase),
    watch: (signal) => readers.watch(history(), signal),
    forget: (podUid) => { byPod.delete(podUid) },
  }
}
