import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/api/meta.ts'
import { difference, type FieldSet, fromFieldsV1, intersection, isEmptySet, pathsOf, setsEqual, toFieldsV1, union } from '../../../../src/api/patch/apply/field-set.ts'
import { formatPath } from '../../../../src/api/patch/apply/path-element.ts'

const set = (fields: JsonObject): FieldSet => fromFieldsV1(fields)
const shown = (fields: FieldSet): string[] => pathsOf(fields).map(formatPath)

test('paths as upstream prints them, members of a level first', () => expect(shown(set({
  'f:spec': { 'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:image': {} }, 'k:{"protocol":"TCP","containerPort":80}': { 'f:name': {} } } },
  'f:metadata': { 'f:finalizers': { '.': {}, 'v:"x"': {} }, 'f:list': { 'i:0': {} } },
}))).toEqual(['.metadata.finalizers', '.metadata.finalizers[="x"]', '.metadata.list[0]', '.spec.containers[name="a"]', '.spec.containers[containerPort=80,protocol="TCP"].name', '.spec.containers[name="a"].image']))

describe('operations', () => {
  const [left, right] = [set({ 'f:a': { '.': {}, 'f:b': {}, 'f:c': {} }, 'f:d': {} }), set({ 'f:a': { 'f:b': {} }, 'f:e': {} })]
  test('union', () => expect(toFieldsV1(union(left, right))).toEqual({ 'f:a': { '.': {}, 'f:b': {}, 'f:c': {} }, 'f:d': {}, 'f:e': {} }))
  test('difference', () => expect(toFieldsV1(difference(left, right))).toEqual({ 'f:a': { '.': {}, 'f:c': {} }, 'f:d': {} }))
  test('parent minus child is the parent, child minus parent stays', () => expect([toFieldsV1(difference(set({ 'f:a': {} }), set({ 'f:a': { 'f:b': {} } }))), toFieldsV1(difference(set({ 'f:a': { 'f:b': {} } }), set({ 'f:a': {} })))])
    .toEqual([{ 'f:a': {} }, { 'f:a': { 'f:b': {} } }]))
  test('intersection', () => expect(toFieldsV1(intersection(left, right))).toEqual({ 'f:a': { 'f:b': {} } }))
})

describe('FieldsV1', () => {
  test('keys get one spelling', () => expect(setsEqual(set({ 'k:{"b":1,"a":2}': {} }), set({ 'k:{"a":2, "b":1}': {} }))).toBe(true))
  for (const [name, fields] of [['no prefix', { spec: {} }], ['a key that is no JSON', { 'k:{': {} }], ['a key that is no object', { 'k:1': {} }], ['no object', { 'f:a': 1 }]] as const)
    test(`refused: ${name}`, () => expect(() => set(fields as unknown as JsonObject)).toThrow())
  test('__proto__ is a field like others', () => expect(JSON.stringify(toFieldsV1(set(JSON.parse('{"f:__proto__":{},"f:a":{}}') as JsonObject)))).toBe('{"f:__proto__":{},"f:a":{}}'))
})

const trees = fc.letrec<{ tree: JsonObject }>((tie) => ({ tree: fc.oneof({ maxDepth: 4 }, fc.constant({}), fc.dictionary(fc.constantFrom('.', 'f:a', 'f:b', 'v:1', 'k:{"n":"x"}'), tie('tree'), { maxKeys: 4 })) })).tree
  .map((tree): JsonObject => { const clean = (node: JsonObject): JsonObject => Object.fromEntries(Object.entries(node).map(([key, child]) => [key, key === '.' ? {} : clean(child as JsonObject)])); const { '.': _, ...rest } = clean(tree); return rest })
  .map(set)

test('laws of sets', () => fc.assert(fc.property(trees, trees, (left, right) => {
  const [both, all] = [intersection(left, right), union(left, right)]
  expect(setsEqual(union(left, right), union(right, left))).toBe(true)
  expect(setsEqual(union(difference(left, right), both), left)).toBe(true)
  expect(isEmptySet(intersection(difference(left, right), right))).toBe(true)
  expect(pathsOf(all)).toHaveLength(pathsOf(left).length + pathsOf(right).length - pathsOf(both).length)
  expect(setsEqual(fromFieldsV1(toFieldsV1(all)), all)).toBe(true)
})))
