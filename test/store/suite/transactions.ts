import { describe, expect, test } from 'vitest'
import { maximumOperations, type Operation, RequestTooLargeError } from '../../../src/store/store.ts'
import { bytes, events, type Open, put, text, told } from './fixture.ts'

export const transactionsSuite = (open: Open): void => {
  describe('transactions', () => {
    test('all of it happens at one revision', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await put(store, '/old', 'x')
      expect(await store.transaction([{ put: '/a', value: bytes('1') }, { delete: '/old', options: { expect: base } }, { put: '/b', value: bytes('2'), options: { expect: 0 } }])).toEqual({ ok: true, revision: base + 1 })
      expect((await events(store, { from: base + 1 }, 3)).map((event) => told(event, base)).sort()).toEqual(['/a - > 1 @1', '/b - > 2 @1', '/old x > - @1'])
    })

    test('if one expectation fails, none of it happens', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await put(store, '/a', 'x')
      const operations: Operation[] = [{ put: '/b', value: bytes('1') }, { delete: '/a' }, { put: '/c', value: bytes('1'), options: { expect: base } }]
      for (const order of [operations, operations.toReversed()]) expect(await store.transaction(order)).toEqual({ ok: false, revision: base })
      expect((await store.range('/', '0')).items.map(({ key, value }) => key + text(value))).toEqual(['/ax'])
    })

    test('nothing to do is no revision', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await put(store, '/a')
      expect(await store.transaction([])).toEqual({ ok: true, revision: base })
      expect(await store.transaction([{ delete: '/b' }, { delete: '/c', options: { expect: 0 } }])).toEqual({ ok: true, revision: base })
    })

    test('a key twice is refused, and too many operations are', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await store.revision()
      await expect(store.transaction([{ put: '/a', value: bytes('1') }, { delete: '/a' }])).rejects.toThrow(TypeError)
      const many = Array.from({ length: maximumOperations + 1 }, (_, index): Operation => ({ put: `/${index}`, value: bytes('x') }))
      await expect(store.transaction(many)).rejects.toThrow(RequestTooLargeError)
      expect(await store.revision()).toBe(base)
      expect(await store.transaction(many.slice(1))).toEqual({ ok: true, revision: base + 1 })
    })

    test('a put on a lease that is not there fails as a whole', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await store.revision()
      await expect(store.transaction([{ put: '/a', value: bytes('1') }, { put: '/b', value: bytes('1'), options: { lease: '77' } }])).rejects.toThrow('lease')
      expect(await store.revision()).toBe(base)
    })
  })
}
