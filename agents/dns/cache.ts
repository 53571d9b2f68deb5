/** Answers of upstream servers, kept for as long as they allow and no longer than an hour; the least recently used go first. */
import type { Clock } from '../../src/api/clock.ts'

export interface AnswerCache {
  /** The stored packet and how many whole seconds it has been kept; undefined if there is none or it has expired. */
  get(key: string): { packet: Buffer; ageSeconds: number } | undefined
  set(key: string, packet: Buffer, ttlSeconds: number): void
}

const longestSeconds = 3_600

export const answerCache = (clock: Clock, capacity = 10_000): AnswerCache => {
  const entries = new Map<string, { packet: Buffer; storedAt: number; expiresAt: number }>()
  return {
    get: (key) => {
      const entry = entries.get(key)
      if (!entry) return undefined
      entries.delete(key)
      const now = clock.monotonic()
      if (now >= entry.expiresAt) return undefined
      entries.set(key, entry)
      return { packet: entry.packet, ageSeconds: Math.floor((now - entry.storedAt) / 1000) }
    },
    set: (key, packet, ttlSeconds) => {
      if (ttlSeconds <= 0) return
      const storedAt = clock.monotonic()
      entries.set(key, { packet, storedAt, expiresAt: storedAt + Math.min(ttlSeconds, longestSeconds) * 1000 })
      for (const oldest of entries.keys()) {
        if (entries.size <= capacity) break
        entries.delete(oldest)
      }
    },
  }
}
