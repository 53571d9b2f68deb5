import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../../src/api/meta.ts'
import { applyMergePatch } from '../../../src/api/patch/merge.ts'

describe('RFC 7386, appendix A', () => {
  for (const [target, patch, result] of [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }], [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }], [{ a: 'b' }, { a: null }, {}], [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }], [{ a: ['b'] }, { a: 'c' }, { a: 'c' }], [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }], [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }], [['a', 'b'], ['c', 'd'], ['c', 'd']], [{ a: 'b' }, ['c'], ['c']], [{ a: 'foo' }, null, null], [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }], [[1, 2], { a: 'b', c: null }, { a: 'b' }], [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ] as const) test(`${JSON.stringify(target)} + ${JSON.stringify(patch)}`, () => expect(applyMergePatch(target as unknown as JsonValue, patch as unknown as JsonValue)).toEqual(result))
})

test('__proto__ is a key like others', () => {
  const result = applyMergePatch({}, JSON.parse('{"__proto__":{"polluted":1},"constructor":{"x":null,"y":1}}') as JsonValue)
  expect(JSON.stringify(result)).toBe('{"__proto__":{"polluted":1},"constructor":{"y":1}}')
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

test('the difference of two documents makes one of the other', () => {
  const withoutNulls = fc.letrec<{ value: JsonValue }>((tie) => ({ value: fc.oneof({ maxDepth: 3 }, fc.string(), fc.integer(), fc.dictionary(fc.string(), tie('value')), fc.array(tie('value'))) })).value
  const difference = (from: JsonValue | undefined, to: JsonValue): JsonValue => {
    if (typeof from !== 'object' || typeof to !== 'object' || from === null || to === null || Array.isArray(from) || Array.isArray(to)) return to
    return Object.fromEntries([...Object.keys(from).filter((key) => !Object.hasOwn(to, key)).map((key) => [key, null]), ...Object.entries(to).map(([key, value]) => [key, difference(Object.hasOwn(from, key) ? from[key] : undefined, value as JsonValue)])])
  }
  const plain = (value: JsonValue): JsonValue => JSON.parse(JSON.stringify(value)) as JsonValue
  fc.assert(fc.property(fc.dictionary(fc.string(), withoutNulls).map(plain), fc.dictionary(fc.string(), withoutNulls).map(plain), (from, to) => { expect(applyMergePatch(from, difference(from, to))).toEqual(to) }))
})
