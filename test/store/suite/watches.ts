import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { prefixEnd, SlowWatcherError } from '../../../src/store/store.ts'
import { batchesUntil, bytes, deadline, events, eventsUpToNow, keyOf, type Open, put, revisionOf, told } from './fixture.ts'

export const watchesSuite = (open: Open): void => {
  describe('watches', () => {
    test('replay from a revision: every event once, in order, with what was there before', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await store.revision()
      await put(store, '/a', '1')
      await put(store, '/b', '1')
      await put(store, '/a', '2')
      await store.delete('/a')
      await store.delete('/a')
      await put(store, '/a', '3')
      const all = ['/a - > 1 @1', '/b - > 1 @2', '/a 1 > 2 @3', '/a 2 > - @4', '/a - > 3 @5']
      for (let from = 1; from <= 5; from += 1) {
        const seen = await eventsUpToNow(store, { from: base + from, marker: `/marker/${from}`, end: '/marker0' })
        expect(seen.filter((event) => !keyOf(event).startsWith('/marker')).map((event) => told(event, base))).toEqual(all.slice(from - 1))
      }
    })

    test('an event carries the whole of what is and what was', async () => {
      await using fixture = await open()
      const { store } = fixture
      const first = await put(store, '/a', '1')
      const second = await put(store, '/a', '2')
      const third = (await store.delete('/a')).revision
      const old = { key: '/a', value: bytes('1'), createRevision: first, modRevision: first, version: 1 }
      const current = { key: '/a', value: bytes('2'), createRevision: first, modRevision: second, version: 2 }
      expect(await events(store, { from: second }, 2)).toEqual([{ type: 'put', current, previous: old }, { type: 'delete', key: '/a', revision: third, previous: current }])
    })

    const prefixes: [string, string[]][] = [
      ['/registry/pods/', ['/registry/pods/a/x', '/registry/pods/ab/x']],
      ['/registry/pods/a/', ['/registry/pods/a/x']],
      ['/registry/', ['/registry/podtemplates/a/x', '/registry/pods/a/x', '/registry/pods/ab/x', '/registry/pods0']],
    ]
    test.each(prefixes)('the prefix %s sees its keys only', async (prefix, expected) => {
      await using fixture = await open()
      const { store } = fixture
      const base = await store.revision()
      for (const key of ['/registry/podtemplates/a/x', '/registry/pods/a/x', '/registry/pods/ab/x', '/registry/pods0', '/registrz']) await put(store, key)
      const seen = await eventsUpToNow(store, { from: base + 1, start: prefix, end: prefixEnd(prefix), marker: `${prefix}zzz` })
      expect(seen.map(keyOf)).toEqual(expected)
    })

    test('from a revision that is yet to come it begins there', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await put(store, '/a', '0')
      const watching = events(store, { from: base + 3 }, 2)
      for (const value of ['1', '2', '3', '4']) await put(store, '/a', value)
      expect((await watching).map((event) => told(event, base))).toEqual(['/a 2 > 3 @3', '/a 3 > 4 @4'])
    })

    following(open)
    endings(open)
    falling(open)
  })
}

const following = (open: Open): void => {
  test('replay and following join without a gap and without doubles, while others write', async () => {
    await using fixture = await open()
    const { store } = fixture
    const base = await store.revision()
    const total = 600
    let written = 0
    const write = async (): Promise<void> => { for (let next = written++; next < total; next = written++) await put(store, `/k/${next % 17}`, String(next)) }
    const writers = Array.from({ length: 4 }, write)
    const readers = Array.from({ length: 5 }, async (_, reader) => {
      for (let turn = 0; turn < reader * 20; turn += 1) await nextTurn()
      return events(store, { from: base + 1, signal: deadline(60_000) }, total)
    })
    await Promise.all(writers)
    for (const seen of await Promise.all(readers)) expect(seen.map(revisionOf)).toEqual(Array.from({ length: total }, (_, index) => base + 1 + index))
  })

  test('leaving and coming back after the last seen revision, again and again, loses nothing', async () => {
    await using fixture = await open()
    const { store } = fixture
    const base = await store.revision()
    const writing = (async () => { for (let index = 0; index < 200; index += 1) await put(store, '/a', String(index)) })()
    const seen: number[] = []
    while (seen.length < 200) {
      const [batch] = await batchesUntil(store, { from: (seen.at(-1) ?? base) + 1 }, (batches) => batches.some(({ events: some }) => some.length > 0))
      seen.push(...batch!.events.map(revisionOf))
    }
    await writing
    expect(seen).toEqual(Array.from({ length: 200 }, (_, index) => base + 1 + index))
  })

  test('a transaction comes in one batch', async () => {
    await using fixture = await open()
    const { store } = fixture
    const base = await store.revision()
    const watching = batchesUntil(store, { from: base + 1 }, (batches) => batches.flatMap((batch) => batch.events).length >= 80)
    for (let index = 0; index < 20; index += 1) await store.transaction(['a', 'b', 'c', 'd'].map((name) => ({ put: `/${name}`, value: bytes(String(index)) })))
    for (const batch of await watching) {
      expect(batch.events.length % 4).toBe(0)
      expect(batch.revision).toBe(batch.events.length > 0 ? revisionOf(batch.events.at(-1)!) : batch.revision)
    }
  })
}

const endings = (open: Open): void => {
  test('it ends when its signal aborts: waiting, or in the middle', async () => {
    await using fixture = await open()
    const { store } = fixture
    const revision = await put(store, '/a')
    const stop = new AbortController()
    const iterator = store.watch('/', '0', { fromRevision: revision, signal: stop.signal })[Symbol.asyncIterator]()
    expect((await iterator.next()).done).toBe(false)
    const waiting = iterator.next()
    stop.abort()
    expect((await waiting).done).toBe(true)
    expect((await iterator.next()).done).toBe(true)
    expect((await store.watch('/', '0', { fromRevision: revision, signal: AbortSignal.abort() })[Symbol.asyncIterator]().next()).done).toBe(true)
  })

  test('it ends when the store closes', async () => {
    await using fixture = await open()
    const { store } = fixture
    const revision = await put(store, '/a')
    const iterator = store.watch('/', '0', { fromRevision: revision, signal: deadline() })[Symbol.asyncIterator]()
    await iterator.next()
    const waiting = iterator.next()
    await store[Symbol.asyncDispose]()
    expect((await waiting).done).toBe(true)
  })
}

const falling = (open: Open): void => {
  test('a reader that stops reading hinders nobody, and is cut off or gets everything', async () => {
    await using fixture = await open()
    const { store, watchBound = 500 } = fixture
    const base = await store.revision()
    const slow = store.watch('/', '0', { fromRevision: base + 1, signal: deadline(60_000) })[Symbol.asyncIterator]()
    const healthy = events(store, { from: base + 1, signal: deadline(60_000) }, watchBound * 2)
    await put(store, '/a', '0')
    const first = await slow.next()
    const seen = (first.value as { events: Parameters<typeof revisionOf>[0][] }).events.map(revisionOf)
    for (let index = 1; index < watchBound * 2; index += 50) await Promise.all(Array.from({ length: Math.min(50, watchBound * 2 - index) }, (_, at) => put(store, '/a', String(index + at))))
    expect(await healthy).toHaveLength(watchBound * 2)
    try {
      while (seen.length < watchBound * 2) seen.push(...((await slow.next()).value as { events: Parameters<typeof revisionOf>[0][] }).events.map(revisionOf))
    } catch (error) {
      expect(error).toBeInstanceOf(SlowWatcherError)
      // And from where it was, it can go on.
      seen.push(...(await events(store, { from: seen.at(-1)! + 1 }, watchBound * 2 - seen.length)).map(revisionOf))
    }
    expect(seen).toEqual(Array.from({ length: watchBound * 2 }, (_, index) => base + 1 + index))
  })
}
