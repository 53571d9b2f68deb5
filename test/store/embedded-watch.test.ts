/** What the embedded engine's watches promise beyond the contract: marks at once, and a bound. */
import { describe, expect, test } from 'vitest'
import { openMemoryStore } from '../../src/store/embedded/open.ts'
import { SlowWatcherError } from '../../src/store/store.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { bytes, deadline, events, put } from './suite/fixture.ts'

describe('progress marks', () => {
  test('who asks for the revision makes every quiet watch learn it', async () => {
    await using store = await openMemoryStore({ clock: fakeClock() })
    const quiet = store.watch('/quiet/', '/quiet0', { signal: deadline() })[Symbol.asyncIterator]()
    const waiting = quiet.next()
    const written = await put(store, '/loud/a')
    expect(await store.revision()).toBe(written)
    expect((await waiting).value).toEqual({ revision: written, events: [] })
  })

  test('without asking it comes a tenth of a second after the write, and once', async () => {
    const clock = fakeClock()
    await using store = await openMemoryStore({ clock })
    const quiet = store.watch('/quiet/', '/quiet0', { signal: deadline() })[Symbol.asyncIterator]()
    const waiting = quiet.next()
    for (let count = 0; count < 5; count += 1) await put(store, '/loud/a')
    await clock.advance(100)
    expect((await waiting).value).toEqual({ revision: 6, events: [] })
    const next = quiet.next()
    await clock.advance(1000)
    await put(store, '/quiet/a')
    expect((await next).value).toMatchObject({ revision: 7, events: [{ type: 'put' }] })
  })

  test('a mark never overtakes an event, and a reader who saw the event needs none', async () => {
    await using store = await openMemoryStore({ clock: fakeClock() })
    const watch = store.watch('/a', '/b', { signal: deadline() })[Symbol.asyncIterator]()
    await put(store, '/a')
    await put(store, '/c')
    await store.revision()
    expect((await watch.next()).value).toMatchObject({ revision: 3, events: [{ current: { modRevision: 2 } }] })
    const next = watch.next()
    await store.revision()
    await put(store, '/a')
    expect((await next).value).toMatchObject({ revision: 4, events: [{ current: { modRevision: 4 } }] })
  })
})

describe('falling behind', () => {
  test('up to the bound it may; one more, and it is cut off', async () => {
    for (const [changes, cut] of [[100, false], [101, true]] as const) {
      await using store = await openMemoryStore({ clock: fakeClock(), watchBound: 100 })
      const watch = store.watch('/', '0', { signal: deadline() })[Symbol.asyncIterator]()
      await put(store, '/a')
      await watch.next()
      for (let count = 0; count < changes; count += 1) await put(store, '/other')
      if (cut) await expect(watch.next()).rejects.toThrow(SlowWatcherError)
      else expect((await watch.next()).value).toMatchObject({ revision: 2 + changes })
    }
  })

  test('a watch that waits for quiet keys is not behind, however much happens elsewhere', async () => {
    await using store = await openMemoryStore({ clock: fakeClock(), watchBound: 100 })
    const watch = store.watch('/quiet', '/quieu', { signal: deadline() })[Symbol.asyncIterator]()
    const waiting = watch.next()
    for (let count = 0; count < 500; count += 1) await put(store, '/loud')
    await put(store, '/quiet')
    expect((await waiting).value).toMatchObject({ events: [{ current: { key: '/quiet' } }] })
  })

  test('a replay of more than the bound goes through', async () => {
    await using store = await openMemoryStore({ clock: fakeClock(), watchBound: 100 })
    for (let count = 0; count < 5000; count += 50) await Promise.all(Array.from({ length: 50 }, () => put(store, '/a')))
    expect(await events(store, { from: 2 }, 5000)).toHaveLength(5000)
  })

  test('compaction overtakes a reader that stalls', async () => {
    await using store = await openMemoryStore({ clock: fakeClock() })
    const watch = store.watch('/', '0', { fromRevision: 2, signal: deadline() })[Symbol.asyncIterator]()
    await put(store, '/a')
    await watch.next()
    for (let count = 0; count < 10; count += 1) await put(store, '/a')
    await store.compact(8)
    await expect(watch.next()).rejects.toThrow(SlowWatcherError)
  })

  test('at the compacted revision itself even a deletion is still told, with what it deleted', async () => {
    await using store = await openMemoryStore({ clock: fakeClock() })
    await put(store, '/a', '1')
    const deleted = (await store.delete('/a')).revision
    await put(store, '/b')
    await store.compact(deleted)
    expect((await events(store, { from: deleted }, 2))[0]).toMatchObject({ type: 'delete', revision: deleted, previous: { value: bytes('1') } })
  })
})
