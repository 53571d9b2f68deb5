import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/api/clock.ts'
import { ConfigMaps } from '../../../src/api/kinds.ts'
import { silent } from '../../../src/apiserver/log.ts'
import { cachedFromStore, encodeObject, encodingOf } from '../../../src/apiserver/watch-cache/cached-object.ts'
import { CacheEvent } from '../../../src/apiserver/watch-cache/cache-event.ts'
import { EventRing } from '../../../src/apiserver/watch-cache/event-ring.ts'
import { type Slot, SortedSlots } from '../../../src/apiserver/watch-cache/sorted-slots.ts'
import { WatchCache } from '../../../src/apiserver/watch-cache/watch-cache.ts'
import { openMemoryStore } from '../../../src/store/embedded/open.ts'
import { CompactedError, SlowWatcherError, type Store } from '../../../src/store/store.ts'
import { settle } from '../../support/fake-clock.ts'

const encoding = encodingOf(ConfigMaps)
const stored = (name: string, data = 'x'): Uint8Array => encodeObject(encoding, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '' }, ...{ data: { data } } })
const keyOf = (name: string): string => `/registry/configmaps/default/${name}`

describe('bytes', () => {
  test('get their version without being parsed', () => {
    const cached = cachedFromStore(encoding, { key: keyOf('a'), value: stored('a'), modRevision: 42 })
    expect(cached.bytes.toString()).toBe('{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"42","name":"a","namespace":"default","uid":"u","creationTimestamp":""},"data":{"data":"x"}}')
    expect(cached.itemTail.toString()).toMatch(/^"metadata":\{"resourceVersion":"42"/)
    expect(cached.at(50).object.metadata).toMatchObject({ name: 'a', resourceVersion: '50' })
  })
  test('in another order, as another program wrote them, are brought into ours', () => {
    const cached = cachedFromStore(encoding, { key: keyOf('a'), value: Buffer.from('{"metadata":{"name":"a"},"data":{"k":"v"},"apiVersion":"v1","kind":"ConfigMap"}'), modRevision: 7 })
    expect(cached.bytes.toString()).toBe('{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"7","name":"a"},"data":{"k":"v"}}')
  })
})

describe('the ring of recent changes', () => {
  const event = (revision: number, at = 0): CacheEvent => new CacheEvent({ revision, current: undefined, previous: undefined, at })
  test('knows what happened since a revision, or that it does not', () => {
    const ring = new EventRing(10, { minEvents: 2, maxEvents: 3, maxAgeMs: 1000 })
    for (const revision of [11, 13, 17]) ring.push(event(revision))
    expect(ring.since(10)?.map(({ revision }) => revision)).toEqual([11, 13, 17])
    expect(ring.since(13)?.map(({ revision }) => revision)).toEqual([17])
    expect(ring.since(17)).toEqual([])
    expect(ring.since(9)).toBeUndefined()
    ring.push(event(20))
    expect([ring.completeSince, ring.since(10)]).toEqual([11, undefined])
  })
  test('keeps few of the old, and many of the new', () => {
    const ring = new EventRing(0, { minEvents: 2, maxEvents: 100, maxAgeMs: 1000 })
    for (let revision = 1; revision <= 10; revision += 1) ring.push(event(revision, 0))
    expect(ring.completeSince).toBe(0)
    ring.push(event(11, 2000))
    expect(ring.completeSince).toBe(9)
  })
})

test('slots stay in the order of their keys through additions and removals', () => {
  const slots = new SortedSlots()
  const made = ['d', 'a', 'c', 'b'].map((key): Slot => ({ key, current: cachedFromStore(encoding, { key, value: stored(key), modRevision: 1 }), gone: false }))
  for (const slot of made) slots.add(slot)
  expect(slots.list().map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd'])
  const [first] = made
  if (first) first.gone = true
  slots.remove()
  expect([slots.size, slots.list().map(({ key }) => key)]).toEqual([3, ['a', 'b', 'c']])
})

/** A store whose watch breaks once, with `failure`, before it tells anything. */
const breakingOnce = (store: Store, failure: Error): Store => {
  let broken = false
  return new Proxy(store, { get: (target, property) => {
    if (property === 'watch' && !broken) {
      broken = true
      return () => ({ [Symbol.asyncIterator]: () => ({ next: async () => { await settle(); throw failure } }) })
    }
    const value: unknown = Reflect.get(target, property, target)
    return typeof value === 'function' ? value.bind(target) : value
  } })
}

for (const [name, failure] of [['the reader was too slow', new SlowWatcherError('slow')], ['history was compacted', new CompactedError(1)]] as const) {
  test(`the cache is right again after its watch broke: ${name}`, async () => {
    await using store = await openMemoryStore({ clock: systemClock })
    await store.put(keyOf('a'), stored('a'))
    const cache = new WatchCache({ store: breakingOnce(store, failure), clock: systemClock, log: silent })
    await cache.add(ConfigMaps)
    const stop = new AbortController()
    const { promise: ready, resolve } = Promise.withResolvers<void>()
    const running = cache.run(stop.signal, resolve)
    await ready
    let expired = 0
    cache.of(ConfigMaps).subscribe({ namespace: '', offer: () => undefined, flush: () => undefined, expire: () => { expired += 1 } })
    await store.put(keyOf('b'), stored('b'))
    await store.delete(keyOf('a'))
    await cache.consistent()
    expect(cache.lookup.list(ConfigMaps).map(({ metadata }) => metadata.name)).toEqual(['b'])
    expect(expired).toBe(failure instanceof CompactedError ? 1 : 0)
    stop.abort()
    await running
  })
}
