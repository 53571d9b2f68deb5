import { describe, expect, test } from 'vitest'
import { CompactedError, FutureRevisionError, type Store } from '../../../src/store/store.ts'
import { deadline, events, type Open, put, text, told } from './fixture.ts'

/** Six revisions after `base`: /a twice, /b made and deleted, /c once, /a again. */
const prepare = async (store: Store): Promise<number> => {
  const base = await store.revision()
  await put(store, '/a', '1')
  await put(store, '/b', '1')
  await put(store, '/a', '2')
  await store.delete('/b')
  await put(store, '/c', '1')
  await put(store, '/a', '3')
  return base
}
const at = async (store: Store, revision: number): Promise<string> => (await store.range('/', '0', { revision })).items.map(({ key, value }) => key + text(value)).join(' ')

export const compactionsSuite = (open: Open): void => {
  describe('compaction', () => {
    test('below it nothing can be read, from it on everything', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await prepare(store)
      await store.compact(base + 4)
      await expect(at(store, base + 3)).rejects.toThrow(CompactedError)
      await expect(store.get('/a', { revision: base + 1 })).rejects.toMatchObject({ name: 'CompactedError', compactedRevision: base + 4 })
      expect([await at(store, base + 4), await at(store, base + 5), await at(store, base + 6)]).toEqual(['/a2', '/a2 /c1', '/a3 /c1'])
      expect(await store.revision()).toBe(base + 6)
    })

    test('a watch from below it is refused, naming where it may begin; from there on it has every event', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await prepare(store)
      await store.compact(base + 4)
      await expect(events(store, { from: base + 3 }, 1)).rejects.toMatchObject({ name: 'CompactedError', compactedRevision: base + 4 })
      expect((await events(store, { from: base + 5 }, 2)).map((event) => told(event, base))).toEqual(['/c - > 1 @5', '/a 2 > 3 @6'])
    })

    test('a watch that stands goes on', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await prepare(store)
      const watch = store.watch('/', '0', { fromRevision: base + 6, signal: deadline() })[Symbol.asyncIterator]()
      await watch.next()
      await store.compact(base + 6)
      await put(store, '/a', '4')
      expect((await watch.next()).value).toMatchObject({ events: [{ type: 'put', previous: { modRevision: base + 6 } }] })
    })

    test('what cannot be compacted: what is, and what is yet to come', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await prepare(store)
      await store.compact(base + 4)
      await expect(store.compact(base + 4)).rejects.toThrow(CompactedError)
      await expect(store.compact(base + 2)).rejects.toThrow(CompactedError)
      await expect(store.compact(base + 7)).rejects.toThrow(FutureRevisionError)
      await store.compact(base + 6)
      expect(await at(store, base + 6)).toBe('/a3 /c1')
    })

    test('keys go on as if nothing had happened', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await prepare(store)
      await store.compact(base + 6)
      expect(await put(store, '/b', '2')).toBe(base + 7)
      expect((await store.get('/b')).item).toMatchObject({ createRevision: base + 7, version: 1 })
      expect((await store.put('/a', new Uint8Array(), { expect: base + 6 })).ok).toBe(true)
      expect((await store.get('/a')).item).toMatchObject({ createRevision: base + 1, version: 4 })
    })

    test('while others write', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await store.revision()
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        for (let index = 0; index < 100; index += 1) await (index % 5 === 4 ? store.delete(`/w/${writer}`) : put(store, `/w/${writer}`, String(index)))
      })
      const compacting = (async () => {
        for (let next = base + 50; next <= base + 400; next += 50) {
          await events(store, { from: Math.max(next, base + 1), signal: deadline(60_000) }, 1)
          await store.compact(next)
        }
      })()
      await Promise.all([...writers, compacting])
      expect(await store.revision()).toBe(base + 400)
      expect(await store.range('/w/', '/w0')).toMatchObject({ count: 0 })
      await put(store, '/w/0', 'new')
      expect((await store.get('/w/0')).item).toMatchObject({ version: 1 })
    })
  })
}
