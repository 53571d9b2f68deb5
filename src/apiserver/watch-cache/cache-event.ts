/** One change, as the cache tells it to watchers. What is encoded for one watcher is kept for all others of the same representation. */
import type { CachedObject } from './cached-object.ts'

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED'

export class CacheEvent {
  readonly revision: number
  /** Undefined: deleted. */
  readonly current: CachedObject | undefined
  readonly previous: CachedObject | undefined
  /** When it was seen, on the monotonic clock. */
  readonly at: number
  private last: CachedObject | undefined
  private readonly frames = new Map<string, Buffer>()

  constructor(event: { revision: number; current: CachedObject | undefined; previous: CachedObject | undefined; at: number }) {
    this.revision = event.revision
    this.current = event.current
    this.previous = event.previous
    this.at = event.at
  }

  get key(): string { return (this.current ?? this.previous)?.key ?? '' }

  /** The object as it was last, with the resourceVersion of this change: what DELETED shows, also for objects that only left a selection. */
  get departed(): CachedObject | undefined {
    this.last ??= this.previous?.at(this.revision)
    return this.last
  }

  /** What a watcher whose selection is `matches` is told, if anything. */
  seenBy(matches: (object: CachedObject) => boolean): { type: WatchEventType; object: CachedObject } | undefined {
    const is = this.current !== undefined && matches(this.current)
    const was = this.previous !== undefined && matches(this.previous)
    if (is && this.current) return { type: was ? 'MODIFIED' : 'ADDED', object: this.current }
    return was && this.departed ? { type: 'DELETED', object: this.departed } : undefined
  }

  /** The bytes for (type, representation), made once. */
  frame(type: WatchEventType, representation: string, encode: () => Buffer): Buffer {
    const key = `${type} ${representation}`
    let bytes = this.frames.get(key)
    if (!bytes) {
      bytes = encode()
      this.frames.set(key, bytes)
    }
    return bytes
  }
}
