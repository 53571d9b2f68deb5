/** All objects of one kind, their recent changes, and who watches them. Everything here is synchronous: a reader sees one moment. */
import type { Kind } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import type { KeyValue, StoreEvent } from '../../store/store.ts'
import { CacheEvent } from './cache-event.ts'
import { CachedObject, cachedFromStore, encodingOf, type Encoding } from './cached-object.ts'
import { EventRing, type RingLimits } from './event-ring.ts'
import { JoinedFrames } from './joined-frames.ts'
import { type Slot, SortedSlots } from './sorted-slots.ts'

/** Where a watch's events go. `offer` is called once for each change in order, `flush` when a batch is over. */
export interface Watcher {
  /** '' for all namespaces. */
  readonly namespace: string
  offer(event: CacheEvent): void
  flush(): void
  /** The cache had to start anew: what happened in between is unknown. */
  expire(): void
}

/** One change as it is taken in; `current` is undefined for a deletion. */
export interface Change { key: string; revision: number; current: CachedObject | undefined }
/** The moment of a batch, and who is to be flushed at its end. */
export interface Batch { now: number; touched: Set<Watcher> }

/** A cache that is made of another one (the versions of a custom resource): is told of everything, in the same moment. */
export interface Follower {
  change(change: Change, at: Batch): void
  reset(objects: readonly CachedObject[], revision: number): void
}

export type StoredItem = Pick<KeyValue, 'key' | 'value' | 'modRevision'>

const none: readonly Slot[] = []

export class KindCache {
  readonly kind: Kind
  readonly encoding: Encoding
  /** `/registry/apps/deployments/`. */
  readonly prefix: string
  private slots = new Map<string, Slot>()
  private all = new SortedSlots()
  private namespaces = new Map<string, SortedSlots>()
  private ring: EventRing
  private readonly limits: RingLimits | undefined
  private readonly watchers = new Map<string, Set<Watcher>>()
  private readonly followers = new Set<Follower>()
  /** For all watchers: most get the same events in the same batches. */
  readonly joined = new JoinedFrames()
  /** The revision of the last change of this kind. */
  changedAt = 0

  constructor(kind: Kind, prefix: string, limits?: RingLimits) {
    this.kind = kind
    this.prefix = prefix
    this.encoding = encodingOf(kind)
    this.limits = limits
    this.ring = new EventRing(0, limits)
  }

  get size(): number { return this.slots.size }
  get watcherCount(): number {
    let count = 0
    for (const each of this.watchers.values()) count += each.size
    return count
  }

  key(namespace: string, name: string): string {
    return this.kind.namespaced ? `${this.prefix}${namespace}/${name}` : `${this.prefix}${name}`
  }

  get(namespace: string, name: string): CachedObject | undefined {
    return this.slots.get(this.key(namespace, name))?.current
  }

  /** In the order of keys; '' means all namespaces. Valid until the next change. */
  list(namespace: string): readonly Slot[] {
    return namespace === '' ? this.all.list() : (this.namespaces.get(namespace)?.list() ?? none)
  }

  /** Replaces everything: at the start, and after history was lost. */
  reset(objects: readonly CachedObject[], revision: number): void {
    this.slots = new Map()
    this.all = new SortedSlots()
    this.namespaces = new Map()
    this.ring = new EventRing(revision, this.limits)
    this.changedAt = revision
    for (const object of objects) this.put(object)
    this.expire()
    for (const follower of this.followers) follower.reset(objects, revision)
  }

  /** Tells every watcher that it must begin anew. */
  expire(): void {
    for (const watchers of this.watchers.values()) for (const watcher of watchers) watcher.expire()
  }

  /** Other forms of the objects that are here: changes nothing that anybody is told of. */
  protected replaceAll(objects: readonly CachedObject[]): void {
    for (const object of objects) if (this.slots.has(object.key)) this.put(object)
  }

  /** What lies in the store as an object of this cache; `written` is the value parsed, if this process wrote it. */
  decode(item: StoredItem, written: KubeObject | undefined): CachedObject {
    if (!written) return cachedFromStore(this.encoding, item)
    const versioned = { ...written, metadata: { ...written.metadata, resourceVersion: String(item.modRevision) } }
    return new CachedObject({ key: item.key, revision: item.modRevision, encoding: this.encoding }, item.value.subarray(this.encoding.prefix.length), versioned)
  }

  /** The same for a list that is read from the store itself. */
  read(items: readonly StoredItem[]): readonly CachedObject[] | Promise<readonly CachedObject[]> { return items.map((item) => this.decode(item, undefined)) }

  /** Up to which revision all changes are here, when the store has told of those up to `told`. */
  shown(told: number): number { return told }

  /** Resolves when all that the store has told is here, where that takes more than a moment; undefined otherwise. Rejects with the StatusError that a reader is to see. */
  settled(): Promise<void> | undefined { return undefined }

  private namespaceOf(key: string): string {
    return this.kind.namespaced ? key.slice(this.prefix.length, key.indexOf('/', this.prefix.length)) : ''
  }

  private put(object: CachedObject): void {
    const slot = this.slots.get(object.key)
    if (slot) {
      slot.current = object
      return
    }
    const added: Slot = { key: object.key, current: object, gone: false }
    this.slots.set(object.key, added)
    this.all.add(added)
    if (!this.kind.namespaced) return
    const namespace = this.namespaceOf(object.key)
    let slots = this.namespaces.get(namespace)
    if (!slots) this.namespaces.set(namespace, slots = new SortedSlots())
    slots.add(added)
  }

  private remove(key: string): void {
    const slot = this.slots.get(key)
    if (!slot) return
    slot.gone = true
    this.slots.delete(key)
    this.all.remove()
    const namespace = this.namespaceOf(key)
    const slots = this.namespaces.get(namespace)
    slots?.remove()
    if (slots?.size === 0) this.namespaces.delete(namespace)
  }

  /** Takes one change in, tells the watchers; those that were told anything are added to `touched`, to be flushed at the end of the batch. */
  apply(event: StoreEvent, written: (value: Uint8Array) => KubeObject | undefined, at: Batch): void {
    if (event.type === 'put') this.take({ key: event.current.key, revision: event.current.modRevision, current: this.decode(event.current, written(event.current.value)) }, at)
    else this.take({ key: event.key, revision: event.revision, current: undefined }, at)
  }

  protected take({ key, revision, current }: Change, at: Batch): void {
    const previous = this.slots.get(key)?.current
    if (current) this.put(current)
    else this.remove(key)
    for (const follower of this.followers) follower.change({ key, revision, current }, at)
    if (!current && !previous) return
    this.changedAt = revision
    const change = new CacheEvent({ revision, current, previous, at: at.now })
    this.ring.push(change)
    this.tell('', change, at.touched)
    if (this.kind.namespaced) this.tell(this.namespaceOf(key), change, at.touched)
  }

  private tell(namespace: string, change: CacheEvent, touched: Set<Watcher>): void {
    for (const watcher of this.watchers.get(namespace) ?? []) {
      watcher.offer(change)
      touched.add(watcher)
    }
  }

  /** The changes after `revision`; undefined when they are not all known any more. */
  since(revision: number): CacheEvent[] | undefined { return this.ring.since(revision) }
  get completeSince(): number { return this.ring.completeSince }

  /** From now on; returns how to stop. */
  follow(follower: Follower): () => void {
    this.followers.add(follower)
    return () => { this.followers.delete(follower) }
  }

  /** From now on; returns how to stop. */
  subscribe(watcher: Watcher): () => void {
    let set = this.watchers.get(watcher.namespace)
    if (!set) this.watchers.set(watcher.namespace, set = new Set())
    set.add(watcher)
    return () => {
      set.delete(watcher)
      if (set.size === 0 && this.watchers.get(watcher.namespace) === set) this.watchers.delete(watcher.namespace)
    }
  }
}
