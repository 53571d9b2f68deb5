/** Objects in the store: compare-and-put, answered only when our own cache shows what was written. */
import type { KubeObject } from '../../api/meta.ts'
import type { Store } from '../../store/store.ts'
import type { StoredResource } from '../resource-table.ts'
import { CachedObject, encodeObject, withVersion } from '../watch-cache/cached-object.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'
import type { EventLeases } from './event-leases.ts'
import { fromStore } from './store-error.ts'

/** A store that may know of values that are to be written anew (encrypted with another key). */
export type ServerStore = Store & { isStale?(key: string): boolean }

export class ObjectStorage {
  private readonly store: ServerStore
  private readonly cache: WatchCache
  private readonly leases: EventLeases

  constructor(parts: { store: ServerStore; cache: WatchCache; leases: EventLeases }) {
    this.store = parts.store
    this.cache = parts.cache
    this.leases = parts.leases
  }

  /** What the cache shows now; not necessarily the newest (`fresh` makes it so). */
  current({ cache }: StoredResource, namespace: string, name: string): CachedObject | undefined { return cache.get(namespace, name) }

  /** Whether an object is to be written although nothing of it changes. */
  isStale({ key }: CachedObject): boolean { return this.store.isStale?.(key) ?? false }

  /** Waits until the cache shows all that was acknowledged before. */
  fresh(resource?: StoredResource): Promise<void> {
    const fresh = fromStore(this.cache.consistent())
    return resource?.version ? fresh.then(() => resource.cache.settled()) : fresh
  }

  /** Waits until the cache shows a revision that a client names. */
  async notOlder(resource: StoredResource, revision: number): Promise<void> {
    await this.cache.reachedSoon(revision)
    const settling = resource.cache.settled()
    if (settling) await settling
  }

  /** An object as it would be after being stored: for dry runs. */
  preview({ cache }: StoredResource, object: KubeObject, revision: number): CachedObject {
    const tail = encodeObject(cache.encoding, object).subarray(cache.encoding.prefix.length)
    return new CachedObject({ key: cache.key(object.metadata.namespace ?? '', object.metadata.name), revision, encoding: cache.encoding }, tail, withVersion(object, revision))
  }

  /** Undefined when the name is taken. */
  create(resource: StoredResource, object: KubeObject): Promise<CachedObject | undefined> { return this.put(resource, object, 0) }

  /** Undefined when the object is not any more what `old` says. */
  replace(resource: StoredResource, old: CachedObject, object: KubeObject): Promise<CachedObject | undefined> { return this.put(resource, object, old.revision) }

  private async put(resource: StoredResource, object: KubeObject, expect: number): Promise<CachedObject | undefined> {
    const { cache, ttlSeconds } = resource
    const stored = resource.version ? await resource.version.toStorage(object) : object
    const { encoding } = resource.version ?? cache
    const key = cache.key(object.metadata.namespace ?? '', object.metadata.name)
    const value = encodeObject(encoding, stored)
    this.cache.remember(value, stored)
    const lease = ttlSeconds === undefined ? undefined : await fromStore(this.leases.lease(ttlSeconds))
    const result = await fromStore(this.store.put(key, value, { expect, ...(lease !== undefined && { lease }) }))
    const seen = this.cache.reached(result.revision)
    if (seen) await seen
    if (!result.ok) return undefined
    const settling = cache.settled()
    if (settling) await settling
    const current = cache.get(object.metadata.namespace ?? '', object.metadata.name)
    if (current?.revision === result.revision) return current
    const shown = resource.version ? encodeObject(cache.encoding, object) : value
    return new CachedObject({ key, revision: result.revision, encoding: cache.encoding }, shown.subarray(cache.encoding.prefix.length), withVersion(object, result.revision))
  }

  /** The deleted object, with the revision of its deletion; undefined when it is not any more what `old` says. */
  async remove(_resource: StoredResource, old: CachedObject): Promise<CachedObject | undefined> {
    const result = await fromStore(this.store.delete(old.key, { expect: old.revision }))
    const seen = this.cache.reached(result.revision)
    if (seen) await seen
    return result.ok ? old.at(result.revision) : undefined
  }
}
