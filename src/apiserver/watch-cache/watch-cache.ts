/**
 * The read path: every kind's objects in memory, fed by one watch on the store. Reads are linearizable: a write is answered only when
 * the cache has it, and a read first asks the store for its newest revision. Mirrors apiserver's `pkg/storage/cacher`.
 */
import type { Clock } from '../../api/clock.ts'
import type { Kind } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { CompactedError, prefixEnd, type Store, type StoreEvent } from '../../store/store.ts'
import type { Log } from '../log.ts'
import type { Lookup } from '../registry/strategy.ts'
import { type Follower, KindCache, type Watcher } from './kind-cache.ts'
import { RevisionGate } from './revision-gate.ts'

const root = '/registry/'

type GroupPlural = Pick<Kind, 'group' | 'plural'>
const routeOf = ({ group, plural }: GroupPlural): string => (group ? `${group}/${plural}` : plural)

/** Where the objects of a kind lie in the store. */
export const storePrefix = (kind: GroupPlural): string => `${root}${routeOf(kind)}/`

interface Loading { cache: KindCache; pending: StoreEvent[] }

export class WatchCache {
  private readonly store: Store
  private readonly clock: Clock
  private readonly log: Log
  private readonly gate: RevisionGate
  private readonly kinds = new Map<string, KindCache>()
  /** Kinds that are being read for the first time: their events wait. */
  private readonly loading = new Map<string, Loading>()
  /** What our own writes stored, by the very bytes: spares the watch to parse them again. */
  private readonly written = new WeakMap<Uint8Array, KubeObject>()
  private readonly waitingFollowers = new Map<string, Follower[]>()
  private asking: Promise<number> | undefined
  private nextAsk: Promise<number> | undefined
  private started = false

  constructor(parts: { store: Store; clock: Clock; log: Log }) {
    this.store = parts.store
    this.clock = parts.clock
    this.log = parts.log
    this.gate = new RevisionGate(parts.clock)
  }

  /** The newest revision that readers see. */
  get revision(): number { return this.gate.current }
  get caches(): IterableIterator<KindCache> { return this.kinds.values() }

  of(kind: GroupPlural): KindCache {
    const cache = this.kinds.get(routeOf(kind)) ?? this.loading.get(routeOf(kind))?.cache
    if (!cache) throw new Error(`${routeOf(kind)} is not served`)
    return cache
  }

  has(kind: GroupPlural): boolean { return this.kinds.has(routeOf(kind)) }

  readonly lookup: Lookup = {
    get: <T extends KubeObject>(kind: Kind<T>, name: string, namespace = ''): T | undefined => this.kinds.get(routeOf(kind))?.get(namespace, name)?.object as T | undefined,
    list: <T extends KubeObject>(kind: Kind<T>, namespace = ''): readonly T[] =>
      (this.kinds.get(routeOf(kind))?.list(namespace) ?? []).map((slot) => slot.current.object as T),
  }

  /** Before `start`, or at any later time: a kind that is served from now on. */
  async add(kind: Kind, cache = new KindCache(kind, storePrefix(kind))): Promise<void> {
    const route = routeOf(kind)
    for (const follower of this.waitingFollowers.get(route) ?? []) cache.follow(follower)
    this.loading.set(route, { cache, pending: [] })
    if (this.started) await this.load(route)
  }

  /** Tells of all objects of a kind and of every change, from when the kind is served. */
  followKind(kind: GroupPlural, follower: Follower): void {
    const route = routeOf(kind)
    this.waitingFollowers.set(route, [...(this.waitingFollowers.get(route) ?? []), follower])
    const cache = this.kinds.get(route)
    if (!cache) return
    cache.follow(follower)
    follower.reset(cache.list('').map((slot) => slot.current), this.revision)
  }

  remove(kind: GroupPlural): void {
    this.kinds.delete(routeOf(kind))
    this.loading.delete(routeOf(kind))
  }

  private async load(route: string): Promise<void> {
    const entry = this.loading.get(route)
    if (!entry) return
    const { cache } = entry
    // As of what the watch has told already: everything later is in `pending`, or still to come.
    const revision = this.gate.current
    const { items } = await this.store.range(cache.prefix, prefixEnd(cache.prefix), revision > 0 ? { revision } : {})
    cache.reset(items.map((item) => cache.decode(item, undefined)), revision)
    const at = { now: this.clock.monotonic(), touched: new Set<Watcher>() }
    for (const event of entry.pending) if (revisionOf(event) > revision) cache.apply(event, this.writtenAs, at)
    this.loading.delete(route)
    this.kinds.set(route, cache)
  }

  /** The object that a write in this process stores under exactly these bytes. */
  remember(bytes: Uint8Array, object: KubeObject): void {
    this.written.set(bytes, object)
  }

  private readonly writtenAs = (value: Uint8Array): KubeObject | undefined => this.written.get(value)

  private routeOfKey(key: string): string {
    const first = key.indexOf('/', root.length)
    const second = key.indexOf('/', first + 1)
    const two = key.slice(root.length, second < 0 ? first : second)
    return this.kinds.has(two) || this.loading.has(two) ? two : key.slice(root.length, first)
  }

  private apply(events: readonly StoreEvent[]): void {
    const at = { now: this.clock.monotonic(), touched: new Set<Watcher>() }
    for (const event of events) {
      const route = this.routeOfKey(event.type === 'put' ? event.current.key : event.key)
      const cache = this.kinds.get(route)
      if (cache) cache.apply(event, this.writtenAs, at)
      else this.loading.get(route)?.pending.push(event)
    }
    for (const watcher of at.touched) watcher.flush()
  }

  /** Reads everything once, then follows the store until the signal aborts. `ready` is called when the cache may be read. */
  async run(signal: AbortSignal, ready: () => void): Promise<void> {
    this.started = true
    let announce: (() => void) | undefined = ready
    while (!signal.aborted) {
      try {
        const from = this.gate.current === 0 ? await this.store.revision() : this.gate.current
        this.gate.advance(from)
        const following = this.follow(from + 1, signal)
        if (announce) {
          await Promise.race([Promise.all([...this.loading.keys()].map((route) => this.load(route))), following])
          announce()
          announce = undefined
        }
        await following
      } catch (error) {
        if (signal.aborted) return
        this.log.warn('the watch on the store broke; it is begun anew', { error: String(error) })
        if (error instanceof CompactedError) await this.reload()
        else await this.clock.sleep(100, signal).catch(() => undefined)
      }
    }
  }

  private async follow(fromRevision: number, signal: AbortSignal): Promise<void> {
    for await (const batch of this.store.watch(root, prefixEnd(root), { fromRevision, signal })) {
      this.apply(batch.events)
      this.gate.advance(batch.revision)
    }
  }

  /** History was lost: everything is read again, and every watcher is told that it must begin anew. */
  private async reload(): Promise<void> {
    const revision = await this.store.revision()
    for (const cache of this.kinds.values()) {
      const { items } = await this.store.range(cache.prefix, prefixEnd(cache.prefix), { revision })
      cache.reset(items.map((item) => cache.decode(item, undefined)), revision)
    }
    this.gate.advance(revision)
  }

  /** For a write of our own, before it is answered. */
  reached(revision: number): Promise<void> | undefined { return this.gate.reached(revision) }
  /** For a revision that a client names. */
  reachedSoon(revision: number): Promise<void> { return this.gate.reachedSoon(revision) }

  /** Resolves when the cache shows all that was acknowledged before the call, by whichever server. */
  async consistent(): Promise<void> {
    const reached = this.gate.reached(await this.newest())
    if (reached) await reached
  }

  /** Questions that wait together are asked once; never is an answer used that was asked for before the question. */
  private newest(): Promise<number> {
    if (!this.asking) {
      this.asking = this.store.revision().finally(() => {
        this.asking = this.nextAsk
        this.nextAsk = undefined
      })
      return this.asking
    }
    this.nextAsk ??= this.asking.catch(() => 0).then(() => this.store.revision()).finally(() => {
      this.asking = this.nextAsk
      this.nextAsk = undefined
    })
    return this.nextAsk
  }
}

const revisionOf = (event: StoreEvent): number => (event.type === 'put' ? event.current.modRevision : event.revision)
