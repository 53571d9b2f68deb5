/** The feeds that run: pods and nodes always, others while a screen needs them. */
import { groupResource, type Kind } from '../../src/api/kinds.ts'
import { type FeedContext, TableFeed } from './table-feed.ts'

export interface Feeds {
  /** The kind's feed; the first to ask starts it. */
  of(kind: Kind): TableFeed
  /** Stops those that are not among `needed`. */
  keep(needed: readonly Kind[]): void
  readonly count: number
}

export const feeds = (context: FeedContext, signal: AbortSignal): Feeds => {
  const running = new Map<string, { feed: TableFeed; stop: AbortController }>()
  return {
    of: (kind) => {
      const known = running.get(groupResource(kind))
      if (known) return known.feed
      const stop = new AbortController()
      const feed = new TableFeed(kind, context)
      running.set(groupResource(kind), { feed, stop })
      void feed.run(AbortSignal.any([stop.signal, signal]))
      return feed
    },
    keep: (needed) => {
      const names = new Set(needed.map(groupResource))
      for (const [name, { stop }] of running) {
        if (names.has(name)) continue
        stop.abort()
        running.delete(name)
      }
    },
    get count() { return running.size },
  }
}
