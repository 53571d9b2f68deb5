import { describe, expect, test } from 'vitest'
import { FutureRevisionError, prefixEnd, type Store } from '../../../src/store/store.ts'
import { type Open, put, text } from './fixture.ts'

const fill = async (store: Store, keys: readonly string[]): Promise<number> => {
  for (const key of keys) await put(store, key, key)
  return store.revision()
}
const keysOf = async (store: Store, prefix: string, revision?: number): Promise<string[]> =>
  (await store.range(prefix, prefixEnd(prefix), { ...(revision !== undefined && { revision }) })).items.map(({ key }) => key)

export const rangesSuite = (open: Open): void => {
  describe('ranges', () => {
    test('an empty store has nothing', async () => {
      await using fixture = await open()
      const { store } = fixture
      expect(await store.range('/', '0')).toEqual({ revision: await store.revision(), items: [], count: 0, more: false })
      expect(await store.get('/a')).toEqual({ revision: await store.revision(), item: undefined })
    })

    const prefixes: [string, string[]][] = [
      ['/registry/pods/', ['/registry/pods/a/x', '/registry/pods/a/y', '/registry/pods/ab/x']],
      ['/registry/pods/a/', ['/registry/pods/a/x', '/registry/pods/a/y']],
      ['/registry/pods/a', ['/registry/pods/a/x', '/registry/pods/a/y', '/registry/pods/ab/x']],
      ['/registry/pod', ['/registry/pods/a/x', '/registry/pods/a/y', '/registry/pods/ab/x', '/registry/podtemplates/a/x']],
      ['/registry/secrets/', []],
    ]
    test.each(prefixes)('the prefix %s', async (prefix, expected) => {
      await using fixture = await open()
      await fill(fixture.store, ['/registry/podtemplates/a/x', '/registry/pods/ab/x', '/registry/pods/a/y', '/registry/pods/a/x', '/registry/nodes/x'])
      expect(await keysOf(fixture.store, prefix)).toEqual(expected)
    })

    test('the start is inclusive, the end is not, and an end before the start is empty', async () => {
      await using fixture = await open()
      const { store } = fixture
      await fill(store, ['/a', '/b', '/c'])
      expect((await store.range('/a', '/c')).items.map(({ key }) => key)).toEqual(['/a', '/b'])
      expect((await store.range('/a\0', '/c\0')).items.map(({ key }) => key)).toEqual(['/b', '/c'])
      expect(await store.range('/c', '/a')).toMatchObject({ items: [], count: 0, more: false })
    })

    const limits: [limit: number | undefined, items: number, more: boolean][] = [[undefined, 5, false], [0, 5, false], [1, 1, true], [4, 4, true], [5, 5, false], [6, 5, false]]
    test.each(limits)('a limit of %s gives %i of 5 keys, more: %s', async (limit, items, more) => {
      await using fixture = await open()
      await fill(fixture.store, ['/1', '/2', '/3', '/4', '/5'])
      const result = await fixture.store.range('/', '0', { ...(limit !== undefined && { limit }) })
      expect({ items: result.items.length, count: result.count, more: result.more }).toEqual({ items, count: 5, more })
    })

    test('only the count', async () => {
      await using fixture = await open()
      await fill(fixture.store, ['/1', '/2', '/3'])
      expect(await fixture.store.range('/', '0', { countOnly: true })).toMatchObject({ items: [], count: 3, more: false })
    })

    test('paging at one revision sees that revision, whatever is written between the pages', async () => {
      await using fixture = await open()
      const { store } = fixture
      const revision = await fill(store, Array.from({ length: 25 }, (_, index) => `/page/${String(index).padStart(2, '0')}`))
      const seen: string[] = []
      for (let start = '/page/', more = true; more;) {
        const page = await store.range(start, prefixEnd('/page/'), { revision, limit: 7 })
        seen.push(...page.items.map(({ key, value }) => `${key}=${text(value)}`))
        start = `${page.items.at(-1)!.key}\0`
        more = page.more
        await store.delete(`/page/${String(seen.length).padStart(2, '0')}`)
        await put(store, `/page/${String(24).padStart(2, '0')}`, 'changed')
        await put(store, `/page/new-${seen.length}`)
      }
      expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => `/page/${String(index).padStart(2, '0')}`).map((key) => `${key}=${key}`))
    })

    atRevisions(open)
    manyKeys(open)
  })
}

const atRevisions = (open: Open): void => {
  test('every revision is read as it was', async () => {
    await using fixture = await open()
    const { store } = fixture
    const base = await store.revision()
    await put(store, '/a', '1')
    await put(store, '/b', '1')
    await put(store, '/a', '2')
    await store.delete('/b')
    await put(store, '/b', '3')
    await store.delete('/a')
    const seen: Record<number, string> = {}
    for (let after = 0; after <= 6; after += 1) seen[after] = (await store.range('/', '0', { revision: base + after })).items.map(({ key, value }) => key + text(value)).join(' ')
    expect(seen).toEqual({ 0: '', 1: '/a1', 2: '/a1 /b1', 3: '/a2 /b1', 4: '/a2', 5: '/a2 /b3', 6: '/b3' })
    expect((await store.get('/a', { revision: base + 3 })).item).toMatchObject({ modRevision: base + 3, createRevision: base + 1, version: 2 })
    expect((await store.get('/b', { revision: base + 4 })).item).toBeUndefined()
  })

  test('the answer carries the newest revision, not the one that was asked for', async () => {
    await using fixture = await open()
    const { store } = fixture
    const old = await put(store, '/a')
    const newest = await put(store, '/a')
    expect((await store.range('/', '0', { revision: old })).revision).toBe(newest)
    expect((await store.get('/a', { revision: old })).revision).toBe(newest)
  })

  test('a revision that is yet to come is refused', async () => {
    await using fixture = await open()
    const { store } = fixture
    const revision = await put(store, '/a')
    await expect(store.range('/', '0', { revision: revision + 1 })).rejects.toThrow(FutureRevisionError)
    await expect(store.get('/a', { revision: revision + 1000 })).rejects.toThrow(FutureRevisionError)
  })
}

const manyKeys = (open: Open): void => {
  test('two thousand keys, put and deleted in any order, stay in order', async () => {
    await using fixture = await open()
    const { store } = fixture
    const key = (index: number): string => `/many/${String(index).padStart(4, '0')}`
    // 1777 and 2003 share no factor: every index comes once, in no order.
    const shuffled = Array.from({ length: 2003 }, (_, index) => (index * 1777) % 2003)
    await Promise.all(shuffled.map((index) => put(store, key(index))))
    const full = await store.revision()
    await Promise.all(shuffled.filter((index) => index % 3 > 0).map((index) => store.delete(key(index))))
    const kept = shuffled.filter((index) => index % 3 === 0).sort((a, b) => a - b).map(key)
    expect(await keysOf(store, '/many/')).toEqual(kept)
    expect(await keysOf(store, '/many/01')).toEqual(kept.filter((each) => each.startsWith('/many/01')))
    expect(await keysOf(store, '/many/', full)).toHaveLength(2003)
  })
}
