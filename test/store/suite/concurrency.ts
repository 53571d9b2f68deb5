import { describe, expect, test } from 'vitest'
import type { Store } from '../../../src/store/store.ts'
import { bytes, deadline, events, type Open, put, text } from './fixture.ts'

const full = process.env['WHERRY_FULL'] === '1'

/** Reads, adds one, and writes if nobody else did meanwhile; until it succeeds. */
const increment = async (store: Store, key: string): Promise<void> => {
  for (let { item } = await store.get(key); ;) {
    const result = await store.put(key, bytes(String(Number(text(item?.value) ?? 0) + 1)), { expect: item?.modRevision ?? 0 })
    if (result.ok) return
    item = result.current
  }
}

export const concurrencySuite = (open: Open): void => {
  describe('many at once', () => {
    const [writers, increments] = full ? [32, 1000] : [16, 30]
    test(`${writers} writers count to ${increments} each by compare-and-put, and none is lost`, async () => {
      await using fixture = await open()
      const { store } = fixture
      await Promise.all(Array.from({ length: writers }, async () => { for (let count = 0; count < increments; count += 1) await increment(store, '/counter') }))
      const { item } = await store.get('/counter')
      expect(text(item?.value)).toBe(String(writers * increments))
      expect(item?.version).toBe(writers * increments)
    }, 1_800_000)

    test('of many who create a key, one does; of many who delete it at its revision, one does', async () => {
      await using fixture = await open()
      const { store } = fixture
      const creations = await Promise.all(Array.from({ length: 20 }, (_, index) => store.put('/one', bytes(String(index)), { expect: 0 })))
      expect(creations.filter(({ ok }) => ok)).toHaveLength(1)
      const { item } = await store.get('/one')
      for (const result of creations) if (!result.ok) expect(result.current).toEqual(item)
      const deletions = await Promise.all(Array.from({ length: 20 }, () => store.delete('/one', { expect: item!.modRevision })))
      expect(deletions.filter(({ ok }) => ok)).toHaveLength(1)
    })

    test('moving between two keys by transaction keeps their sum, at every revision', async () => {
      await using fixture = await open()
      const { store } = fixture
      await put(store, '/from', '40')
      const base = await put(store, '/to', '0')
      const move = async (): Promise<void> => {
        for (let done = false; !done;) {
          const [from, to] = [(await store.get('/from')).item!, (await store.get('/to')).item!]
          const moved = [Number(text(from.value)) - 1, Number(text(to.value)) + 1].map((value) => bytes(String(value)))
          ;({ ok: done } = await store.transaction([{ put: '/from', value: moved[0]!, options: { expect: from.modRevision } }, { put: '/to', value: moved[1]!, options: { expect: to.modRevision } }]))
        }
      }
      await Promise.all(Array.from({ length: 8 }, async () => { for (let count = 0; count < 5; count += 1) await move() }))
      for (let revision = base; revision <= base + 40; revision += 1) {
        const { items } = await store.range('/', '0', { revision })
        expect(items.reduce((sum, { value }) => sum + Number(text(value)), 0)).toBe(40)
      }
      expect(text((await store.get('/to')).item?.value)).toBe('40')
    })

    test('who is told of a write by a watch can read it', async () => {
      await using fixture = await open()
      const { store } = fixture
      const base = await store.revision()
      const reading = (async () => {
        for (let revision = base + 1; revision <= base + 50; revision += 1) {
          await events(store, { from: revision, signal: deadline(60_000) }, 1)
          expect(await store.revision()).toBeGreaterThanOrEqual(revision)
          expect((await store.range('/', '0', { revision })).items[0]?.modRevision).toBe(revision)
        }
      })()
      for (let count = 0; count < 50; count += 1) await put(store, '/a', String(count))
      await reading
    })
  })
}
