/** The heal log: what happened between a container's end and the moment it served again, with milliseconds. Served on /wherry/heal. */
import type { Clock } from '../../src/api/clock.ts'
import type { HealEvent, HealPhase } from '../../src/api/heal.ts'

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
  const readers = new Set<(event: HealEvent) => void>()
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
      for (const reader of readers) reader(full)
    },
    history,
    has: (podUid, container, attempt, phase) => (byPod.get(podUid) ?? []).some((event) => event.container === container && event.attempt === attempt && event.phase === phase),
    async *watch(signal) {
      let waiting = history()
      let wake: (() => void) | undefined
      const reader = (event: HealEvent): void => {
        waiting.push(event)
        if (waiting.length > maxBehind) waiting.shift()
        wake?.()
      }
      const stop = (): void => wake?.()
      readers.add(reader)
      signal.addEventListener('abort', stop)
      try {
        while (!signal.aborted) {
          const batch = waiting
          waiting = []
          yield* batch
          if (waiting.length === 0 && !signal.aborted) await new Promise<void>((resolve) => { wake = resolve })
        }
      } finally {
        readers.delete(reader)
        signal.removeEventListener('abort', stop)
      }
    },
    forget: (podUid) => { byPod.delete(podUid) },
  }
}
