/**
 * Which events become new objects, which only count up, and which are dropped as spam. Mirrors client-go `tools/record/events_cache.go`
 * with its defaults: from the 10th different message for one reason in 600 s on they are combined; 25 events at once per source and object, then one in 300 s.
 */
import type { Event, Metadata } from '../api/types.ts'

const combineAfter = 10
const similarWindowMilliseconds = 600_000
const spamBurst = 25
const spamPerMillisecond = 1 / 300_000
const rememberedKeys = 4_096

/** Remembers the keys used last. */
class Recent<V> {
  readonly #entries = new Map<string, V>()
  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) this.set(key, value)
    return value
  }
  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= rememberedKeys) break
      this.#entries.delete(oldest)
    }
  }
}

interface Similar { messages: Set<string>; last: number }
interface Logged { name: string; count: number; firstTimestamp: string }
interface Bucket { tokens: number; at: number }

export type EventToWrite = Omit<Event, 'metadata'> & { metadata: Pick<Metadata, 'name' | 'namespace' | 'annotations'> }

export type Correlated =
  | { do: 'create'; event: EventToWrite; key: string }
  | { do: 'count'; event: EventToWrite; key: string }
  | { do: 'drop' }

export interface Correlator {
  /** What to do with a new event; `monotonic` in milliseconds. An event to be counted has the name of the stored one and the new count. */
  correlate(event: EventToWrite, monotonic: number): Correlated
  /** The event turned out not to be stored: the next one like it is new. */
  forget(key: string): void
}

const aboutOf = ({ source, involvedObject: of, type, reportingComponent, reportingInstance, reason }: EventToWrite): { spam: string; similar: string } => {
  const object = [source?.component, source?.host, of.kind, of.namespace, of.name, of.uid, of.apiVersion]
  return { spam: JSON.stringify(object), similar: JSON.stringify([...object, of.fieldPath, type, reason, reportingComponent, reportingInstance]) }
}

export const eventCorrelator = (): Correlator => {
  const similar = new Recent<Similar>()
  const logged = new Recent<Logged>()
  const buckets = new Recent<Bucket>()

  const isSpam = (key: string, monotonic: number): boolean => {
    const { tokens, at } = buckets.get(key) ?? { tokens: spamBurst, at: monotonic }
    const now = Math.min(spamBurst, tokens + (monotonic - at) * spamPerMillisecond)
    buckets.set(key, { tokens: now >= 1 ? now - 1 : now, at: monotonic })
    return now < 1
  }

  /** The event under the key by which it is counted: its own message's, or, when there are too many, that of all similar ones. */
  const combined = (event: EventToWrite, key: string, monotonic: number): { event: EventToWrite; key: string } => {
    const known = similar.get(key)
    const { messages } = known && monotonic - known.last <= similarWindowMilliseconds ? known : { messages: new Set<string>() }
    messages.add(event.message ?? '')
    similar.set(key, { messages, last: monotonic })
    if (messages.size < combineAfter) return { event, key: `${key} ${event.message ?? ''}` }
    const [oldest] = messages
    if (oldest !== undefined) messages.delete(oldest) // the set need not grow further
    return { event: { ...event, message: `(combined from similar events): ${event.message ?? ''}` }, key }
  }

  return {
    correlate: (given, monotonic) => {
      const about = aboutOf(given)
      const { event, key } = combined(given, about.similar, monotonic)
      const known = logged.get(key)
      const before = known && known.count > 0 ? known : undefined
      const count = (before?.count ?? 0) + 1
      const { name, firstTimestamp } = before ?? { name: event.metadata.name, firstTimestamp: event.firstTimestamp ?? '' }
      logged.set(key, { name, count, firstTimestamp })
      if (isSpam(about.spam, monotonic)) return { do: 'drop' } // counted all the same
      return { do: before ? 'count' : 'create', key, event: { ...event, count, firstTimestamp, metadata: { ...event.metadata, name } } }
    },
    forget: (key) => {
      const before = logged.get(key)
      if (before) logged.set(key, { ...before, count: 0 })
    },
  }
}
