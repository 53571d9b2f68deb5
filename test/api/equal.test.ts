import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deepCopy, deepEqual, deepFreeze, own, semanticEqual } from '../../src/api/equal.ts'

describe('deepEqual', () => {
  for (const [name, left, right, expected] of [
    ['scalars', 1, 1, true], ['different types', 1, '1', false], ['null and nothing', null, undefined, false], ['order of keys', { a: 1, b: 2 }, { b: 2, a: 1 }, true], ['order of items', [1, 2], [2, 1], false],
    ['undefined is absent', { a: 1, b: undefined }, { a: 1 }, true], ['absent is undefined', { a: 1 }, { a: 1, c: undefined }, true], ['null is not absent', { a: null }, {}, false], ['list and map', [], {}, false], ['one more key', { a: 1 }, { a: 1, b: 2 }, false],
    ['a key of the prototype', { toString: 1 }, {}, false], ['deep', { a: [{ b: [1] }] }, { a: [{ b: [1] }] }, true], ['one undefined, other key', { a: undefined }, { b: undefined }, true],
  ] as const) test(name, () => expect(deepEqual(left, right)).toBe(expected))
})

test('semantically, empty is absent', () => expect([semanticEqual({ a: [] }, {}), semanticEqual({ a: { b: {} } }, {}), semanticEqual({ a: [1] }, {}), semanticEqual({ a: '' }, {})]).toEqual([true, false, false, false]))

test('a copy is equal, shares nothing, and keeps odd keys', () => fc.assert(fc.property(fc.jsonValue(), (value) => {
  const parsed: unknown = JSON.parse(JSON.stringify(value))
  expect(deepEqual(deepCopy(parsed), parsed)).toBe(true)
  expect(JSON.stringify(deepCopy(parsed))).toBe(JSON.stringify(parsed))
})))

test('__proto__ is data', () => {
  const copy = deepCopy(JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>)
  expect(Object.keys(copy)).toEqual(['__proto__'])
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  expect(own({}, 'constructor')).toBeUndefined()
})

test('frozen to the bottom', () => expect(Object.isFrozen(deepFreeze({ a: [{ b: 1 }] }).a[0])).toBe(true))
