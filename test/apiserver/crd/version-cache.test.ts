/** A version whose objects a webhook converts: nothing is shown before it is there, nothing is lost, and who reads is told what is wrong. */
import { expect, test } from 'vitest'
import { kind } from '../../../src/api/kinds.ts'
import { RawCache } from '../../../src/apiserver/crd/raw-cache.ts'
import { type ReadObjects, VersionCache } from '../../../src/apiserver/crd/version-cache.ts'
import type { CacheEvent } from '../../../src/apiserver/watch-cache/cache-event.ts'
import type { CachedObject } from '../../../src/apiserver/watch-cache/cached-object.ts'
import type { Batch, Watcher } from '../../../src/apiserver/watch-cache/kind-cache.ts'

const things = kind({ group: 'g.example.com', version: 'v1', kind: 'Thing', plural: 'things', custom: {} as never })
const stored = (name: string): Uint8Array => Buffer.from(`{"kind":"Thing","apiVersion":"g.example.com/v1","metadata":{"name":"${name}","namespace":"default"}}`)

/** A raw cache, and a webhook that answers when it is told to. */
const setUp = (lazy = true) => {
  const raw = new RawCache(things)
  raw.encodingFor('v1')
  raw.reset([], 1)
  const calls: { objects: readonly CachedObject[]; answer(): void; refuse(): void }[] = []
  const read: ReadObjects = (objects) => (objects.length === 0 ? objects : new Promise((resolve, reject) => { calls.push({ objects, answer: () => resolve(objects), refuse: () => reject(new Error('no')) }) }))
  const cache = new VersionCache({ ...things, version: 'v2' }, { raw, read, lazy, monotonic: () => 0 })
  const put = (name: string, revision: number): void => {
    const at: Batch = { now: 0, touched: new Set<Watcher>() }
    raw.apply({ type: 'put', current: { key: `/registry/g.example.com/things/default/${name}`, value: stored(name), modRevision: revision, createRevision: revision, version: 1 } } as never, () => undefined, at)
  }
  return { raw, cache, calls, put }
}

test('nobody is asked before somebody reads', async () => {
  const { cache, calls, put } = setUp()
  put('a', 2)
  expect([calls.length, cache.size]).toEqual([0, 0])
  const settled = cache.settled()
  expect(calls.length).toBe(1)
  calls[0]?.answer()
  await settled
  expect(cache.list('default').map(({ current }) => current.object.metadata.name)).toEqual(['a'])
})

test('what is still to come is not claimed, and comes in order', async () => {
  const { cache, calls, put } = setUp()
  await cache.settled()
  const told: CacheEvent[] = []
  let flushes = 0
  cache.subscribe({ namespace: '', offer: (event) => told.push(event), flush: () => { flushes += 1 }, expire: () => undefined })
  expect(cache.shown(9)).toBe(9)
  put('a', 5)
  put('b', 7)
  expect([cache.shown(9), calls.length]).toEqual([4, 1])
  calls[0]?.answer()
  await expect.poll(() => calls.length).toBe(2)
  expect(cache.shown(9)).toBe(6)
  calls[1]?.answer()
  await cache.settled()
  expect([cache.shown(9), told.map(({ revision }) => revision), flushes]).toEqual([9, [5, 7], 2])
})

test('a refusal ends the watches, is told to readers, and is asked again', async () => {
  const { cache, calls, put } = setUp()
  await cache.settled()
  let expired = 0
  cache.subscribe({ namespace: '', offer: () => undefined, flush: () => undefined, expire: () => { expired += 1 } })
  put('a', 5)
  const reading = cache.settled()
  calls[0]?.refuse()
  await expect(reading).rejects.toThrow('no')
  await expect.poll(() => expired).toBe(1)
  const again = cache.settled()
  calls[1]?.answer()
  await again
  expect(cache.get('default', 'a')?.revision).toBe(5)
})
