import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OrderedIndex } from '../../src/store/embedded/ordered-index.ts'

interface Entry { order: string; value: number }
const walked = (index: OrderedIndex<Entry>, start: string, end: string): Entry[] => {
  const seen: Entry[] = []
  index.walk(start, end, (entry) => seen.push(entry))
  return seen
}
const name = (number: number): string => String(number).padStart(5, '0')

describe('the ordered index', () => {
  test.each([
    ['in order', (index: number) => index],
    ['in reverse', (index: number) => 4999 - index],
    ['in no order', (index: number) => (index * 1777) % 5000],
  ])('five thousand entries that come %s', (_, at) => {
    const index = new OrderedIndex<Entry>()
    for (let count = 0; count < 5000; count += 1) index.set({ order: name(at(count)), value: count })
    expect([...index].map(({ order }) => order)).toEqual(Array.from({ length: 5000 }, (_each, number) => name(number)))
    expect(walked(index, name(510), name(1540)).map(({ order }) => order)).toEqual(Array.from({ length: 1030 }, (_each, number) => name(510 + number)))
    for (let count = 0; count < 5000; count += 2) index.delete(name(count))
    expect([...index]).toHaveLength(2500)
    for (let count = 1; count < 5000; count += 2) index.delete(name(count))
    expect([...index]).toEqual([])
    index.set({ order: 'a', value: 1 })
    expect(index.get('a')).toEqual({ order: 'a', value: 1 })
  })

  test('is as a sorted list, whatever is put, replaced and deleted', () => {
    const operation = fc.record({ put: fc.boolean(), first: fc.nat(3000), count: fc.nat(600), step: fc.constantFrom(1, 7) })
    fc.assert(fc.property(fc.array(operation, { maxLength: 20 }), fc.nat(3500), fc.nat(3500), (operations, start, end) => {
      const [index, list] = [new OrderedIndex<Entry>(), new Map<string, Entry>()]
      for (const [value, { put, first, count, step }] of operations.entries()) {
        for (let number = first; number < first + count * step; number += step) {
          const entry = { order: name(number), value }
          if (put) { index.set(entry); list.set(entry.order, entry) }
          else { index.delete(entry.order); list.delete(entry.order) }
        }
      }
      const sorted = [...list.values()].sort((a, b) => (a.order < b.order ? -1 : 1))
      expect([...index]).toEqual(sorted)
      expect(walked(index, name(start), name(end))).toEqual(sorted.filter(({ order }) => order >= name(start) && order < name(end)))
      for (const number of [0, start, end, 1000]) expect(index.get(name(number))).toBe(list.get(name(number)))
    }), { numRuns: 50 })
  })
})
