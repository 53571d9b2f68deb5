/** What an informer is; `reflector.ts` runs one, `informers.ts` shares them. Mirrors client-go `tools/cache`. */
import type { Kind } from '../api/kinds.ts'
import type { KubeObject } from '../api/meta.ts'

/** Which objects of a kind. */
export interface Selection {
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
}

/** A way to find objects other than by key. Make each once, at module level: an informer builds it at its first use, and knows it by identity. */
export interface Index<T extends KubeObject> {
  name: string
  valuesOf(object: T): readonly string[]
}

/** What the informer knows. The objects are shared by all: never change one, copy it (`structuredClone`). */
export interface Lister<T extends KubeObject> {
  /** By `namespace/name`, or `name` (see keyOf in api/meta.ts). */
  get(key: string): T | undefined
  /** All of them, or those of one namespace, in no particular order. */
  list(namespace?: string): readonly T[]
  byIndex(index: Index<T>, value: string): readonly T[]
  readonly size: number
}

/** What happened to one object since the reader last heard of it: several changes arrive as one. */
export type Change<T extends KubeObject> =
  | { key: string; object: T; previous: T | undefined }
  | { key: string; object: undefined; previous: T }

export interface Informer<T extends KubeObject> {
  readonly kind: Kind<T>
  readonly selection: Selection
  readonly lister: Lister<T>
  /** Resolves when the first list has arrived; rejects when the informer's signal aborts before. */
  readonly synced: Promise<void>
  /**
   * First every object that is there, then changes, until `signal` (or the informer's own) aborts. A slow reader sees the newest state of each object once:
   * what waits for it is bounded by the number of objects.
   */
  changes(signal: AbortSignal): AsyncIterable<Change<T>>
  /** The newest resource version of which this informer knows that it has seen everything up to it; '' before the first list. */
  resourceVersion(): string
  /** Read-your-writes: resolves when everything up to `resourceVersion` is in the lister. */
  waitFor(resourceVersion: string, signal: AbortSignal): Promise<void>
  /** Resolves when `condition` holds of the lister; it is asked again after each change. */
  waitUntil(condition: (lister: Lister<T>) => boolean, signal: AbortSignal): Promise<void>
}
