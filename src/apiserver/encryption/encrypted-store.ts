/** A store whose values lie encrypted in another one: everything above sees plain values, everything below (files, etcd, snapshots) sealed ones. */
import { storedKinds } from '../../api/kinds.ts'
import type { KeyValue, Store, StoreEvent, WatchBatch } from '../../store/store.ts'
import type { Chain, ResourceTransformers } from './resource-transformers.ts'

const root = '/registry/'
const corePlurals = new Set(storedKinds.filter(({ group }) => group === '').map(({ plural }) => plural))

/** `/registry/secrets/ns/name` → `secrets`, `/registry/apps/deployments/ns/name` → `deployments.apps`. */
export const resourceOfKey = (key: string): string => {
  const [first = '', second = ''] = key.slice(root.length).split('/', 2)
  return corePlurals.has(first) ? first : `${second}.${first}`
}

export interface EncryptedStore extends Store {
  /** Whether what lies there is not as it would be written today: then even a write that changes nothing is worth it. */
  isStale(key: string): boolean
  /** From now on. */
  use(transformers: ResourceTransformers): void
}

export const encryptedStore = (store: Store, first: ResourceTransformers): EncryptedStore => {
  let transformers = first
  const chains = new Map<string, Chain | undefined>()
  const stale = new Set<string>()
  /** Values that were read before another configuration came: they may be stale now. */
  let readBefore = new Set<string>()
  let read = new Set<string>()
  /** What this process has sealed itself, by the very bytes: it comes back by the watch, and need not be opened. */
  const sealed = new WeakMap<Uint8Array, { key: string; value: Uint8Array }>()

  const chainOf = (key: string): Chain | undefined => {
    if (!key.startsWith(root)) return undefined
    const resource = resourceOfKey(key)
    if (!chains.has(resource)) chains.set(resource, transformers.of(resource))
    return chains.get(resource)
  }
  const opened = async (item: KeyValue): Promise<KeyValue> => {
    const chain = chainOf(item.key)
    if (!chain) return item
    const mine = sealed.get(item.value)
    const { value, old } = mine?.key === item.key ? { value: mine.value, old: false } : await chain.open(item.value, item.key)
    if (old) stale.add(item.key)
    else stale.delete(item.key)
    read.add(item.key)
    readBefore.delete(item.key)
    return { ...item, value }
  }
  const openedEvent = async (event: StoreEvent): Promise<StoreEvent> => {
    if (event.type === 'put') return { ...event, current: await opened(event.current) }
    for (const keys of [stale, read, readBefore]) keys.delete(event.key)
    return event
  }
  const isSealed = (event: StoreEvent): boolean => chainOf(event.type === 'put' ? event.current.key : event.key) !== undefined

  return {
    revision: () => store.revision(),
    get: async (key, options) => {
      const { revision, item } = await store.get(key, options)
      return { revision, item: item && await opened(item) }
    },
    range: async (start, end, options) => {
      const result = await store.range(start, end, options)
      return result.items.some(({ key }) => chainOf(key)) ? { ...result, items: await Promise.all(result.items.map(opened)) } : result
    },
    // The previous values of writes and events stay sealed: nobody reads them.
    put: async (key, value, options) => {
      const chain = chainOf(key)
      if (!chain) return store.put(key, value, options)
      const stored = await chain.seal(value, key)
      sealed.set(stored, { key, value })
      return store.put(key, stored, options)
    },
    delete: (key, options) => store.delete(key, options),
    transaction: async (operations) => store.transaction(await Promise.all(operations.map(async (operation) => {
      const chain = 'put' in operation ? chainOf(operation.put) : undefined
      return chain && 'put' in operation ? { ...operation, value: await chain.seal(operation.value, operation.put) } : operation
    }))),
    async *watch(start, end, options): AsyncGenerator<WatchBatch> {
      for await (const batch of store.watch(start, end, options)) yield batch.events.some(isSealed) ? { ...batch, events: await Promise.all(batch.events.map(openedEvent)) } : batch
    },
    compact: (revision) => store.compact(revision),
    grantLease: (ttlSeconds, id) => store.grantLease(ttlSeconds, id),
    keepAlive: (id) => store.keepAlive(id),
    revokeLease: (id) => store.revokeLease(id),
    snapshot: (file) => store.snapshot(file),
    sizeBytes: () => store.sizeBytes(),
    [Symbol.asyncDispose]: async () => {
      transformers.close()
      await store[Symbol.asyncDispose]()
    },
    isStale: (key) => stale.has(key) || readBefore.has(key),
    use: (next) => {
      transformers.close()
      transformers = next
      chains.clear()
      readBefore = read.union(readBefore)
      read = new Set()
    },
  }
}
