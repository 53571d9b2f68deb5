import { describe, expect, test } from 'vitest'
import { RequestTooLargeError, type Store, type WriteOptions } from '../../../src/store/store.ts'
import { bytes, type Open, put, text } from './fixture.ts'

export const writesSuite = (open: Open): void => {
  describe('writes', () => {
    test('every write takes the next revision of one counter', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await store.revision()
      expect([await put(store, '/a'), await put(store, '/b'), await put(store, '/a'), (await store.delete('/b')).revision].map((revision) => revision - base)).toEqual([1, 2, 3, 4])
      expect(await store.revision()).toBe(base + 4)
    })

    test('a key remembers when it was made, when it was changed, and how often', async () => {
      await using fixture = await open()
      const { store } = fixture
      const first = await put(store, '/a', '1')
      expect((await store.get('/a')).item).toEqual({ key: '/a', value: bytes('1'), createRevision: first, modRevision: first, version: 1 })
      const second = await put(store, '/a', '2')
      expect((await store.get('/a')).item).toEqual({ key: '/a', value: bytes('2'), createRevision: first, modRevision: second, version: 2 })
      await store.delete('/a')
      expect((await store.get('/a')).item).toBeUndefined()
      const again = await put(store, '/a', '3')
      expect((await store.get('/a')).item).toMatchObject({ createRevision: again, modRevision: again, version: 1 })
    })

    test('a put tells what was there before', async () => {
      await using fixture = await open()
      const { store } = fixture
      const revision = await put(store, '/a', '1')
      expect(await store.put('/a', bytes('2'))).toMatchObject({ ok: true, revision: revision + 1, previous: { value: bytes('1'), modRevision: revision } })
      expect(await store.delete('/a')).toMatchObject({ ok: true, revision: revision + 2, previous: { value: bytes('2'), modRevision: revision + 1 } })
    })

    test('deleting what is not there succeeds and changes nothing', async () => {
      await using fixture = await open()
      const { store } = fixture
      const before = await put(store, '/a')
      expect(await store.delete('/b')).toEqual({ ok: true, revision: before, previous: undefined })
      expect(await store.revision()).toBe(before)
    })

    expectations(open)
    values(open)
    refusals(open)
  })
}

const expectations = (open: Open): void => {
  // As etcd compares: a key that does not exist has modification revision 0.
  type State = 'absent' | 'present' | 'deleted'
  type Expected = 'nothing' | 'its revision' | 'an older revision' | 'a later revision' | 'absence'
  const cases: [State, Expected, boolean][] = [
    ['absent', 'nothing', true], ['absent', 'absence', true], ['absent', 'a later revision', false],
    ['present', 'nothing', true], ['present', 'absence', false], ['present', 'its revision', true], ['present', 'an older revision', false], ['present', 'a later revision', false],
    ['deleted', 'nothing', true], ['deleted', 'absence', true], ['deleted', 'an older revision', false],
  ]
  const optionsFor = (expected: Expected, revision: number): WriteOptions =>
    expected === 'nothing' ? {} : { expect: { 'its revision': revision, 'an older revision': revision - 1, 'a later revision': revision + 1, absence: 0 }[expected] }
  const prepare = async (store: Store, state: State): Promise<number> => {
    if (state === 'absent') return store.revision()
    await put(store, '/key', 'old')
    const revision = await put(store, '/key', 'current')
    if (state === 'deleted') await store.delete('/key')
    return revision
  }
  test.each(cases)('a key that is %s, expecting %s: %s', async (state, expected, ok) => {
    for (const write of ['put', 'delete'] as const) {
      await using fixture = await open()
      const { store } = fixture
      const options = optionsFor(expected, await prepare(store, state))
      const before = await store.get('/key')
      const result = write === 'put' ? await store.put('/key', bytes('new'), options) : await store.delete('/key', options)
      if (ok) expect(result).toEqual({ ok, revision: write === 'put' || before.item ? before.revision + 1 : before.revision, previous: before.item })
      else expect(result).toEqual({ ok, revision: before.revision, current: before.item })
      expect(text((await store.get('/key')).item?.value)).toBe(ok ? (write === 'put' ? 'new' : undefined) : text(before.item?.value))
    }
  })
}

const values = (open: Open): void => {
  const cases: [string, Uint8Array][] = [
    ['empty', new Uint8Array()],
    ['every byte', Uint8Array.from({ length: 256 }, (_, index) => index)],
    ['a piece of a larger buffer', Buffer.from('some words').subarray(5)],
    ['one mebibyte', new Uint8Array(1 << 20).fill(7)],
  ]
  test.each(cases)('a value that is %s comes back as it went', async (_, value) => {
    await using fixture = await open()
    await fixture.store.put('/value', value)
    expect(Buffer.from((await fixture.store.get('/value')).item!.value).equals(value)).toBe(true)
    expect((await fixture.store.range('/', '0')).items[0]?.value.byteLength).toBe(value.byteLength)
  })

  test('keys of any text, in the order of their bytes', async () => {
    await using fixture = await open()
    const { store } = fixture
    // By UTF-16 code units the last two would stand the other way round.
    const keys = ['/A', '/__proto__', '/a', '/a b', '/ä', '/日本', '/\uffee', '/😀']
    for (const key of keys.toReversed()) await put(store, key, key)
    expect((await store.range('/', '0')).items.map(({ key }) => key)).toEqual(keys)
    expect((await store.range('/ä', '/\uffee')).items.map(({ key }) => key)).toEqual(['/ä', '/日本'])
    for (const key of keys) expect(text((await store.get(key)).item?.value)).toBe(key)
  })
}

const refusals = (open: Open): void => {
  const cases: [string, (store: Store) => Promise<unknown>, new (...args: never[]) => Error][] = [
    ['an empty key', (store) => store.put('', bytes('x')), TypeError],
    ['a negative revision', (store) => store.put('/a', bytes('x'), { expect: -1 }), TypeError],
    ['more than 1.5 MiB', (store) => store.put('/a', new Uint8Array(1_600_000)), RequestTooLargeError],
  ]
  test.each(cases)('%s is refused, and nothing is written', async (_, write, error) => {
    await using fixture = await open()
    const before = await fixture.store.revision()
    await expect(write(fixture.store)).rejects.toThrow(error)
    expect(await fixture.store.revision()).toBe(before)
  })
}
