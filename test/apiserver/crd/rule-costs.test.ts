/** What rules may cost: estimates worked out by hand from cel-go's `checker/cost.go` (a name or field 1, a list 10, a step of `all` 3 and its body), limits and words of apiextensions-apiserver `pkg/apis/apiextensions/validation` and of kubernetes/kubernetes issue 124234. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import type { JSONSchemaProps } from '../../../src/api/types.ts'
import { kubernetesEnvironment } from '../../../src/apiserver/cel/kubernetes-environment.ts'
import { estimatedCost } from '../../../src/apiserver/cel/program.ts'
import { typeOfSchema } from '../../../src/apiserver/cel/schema.ts'
import { celSchemaOf } from '../../../src/apiserver/crd/rules/compile-rule.ts'
import { checkSchemaRules } from '../../../src/apiserver/crd/rules/compile-rules.ts'
import { sizesBelow, valueSize } from '../../../src/apiserver/crd/rules/value-sizes.ts'
import { structuralOf } from '../../../src/apiserver/crd/schema/build.ts'

const text: JsonObject = { type: 'string' }
const integer: JsonObject = { type: 'integer' }
const list = (items: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'array', items, ...more })
const map = (additionalProperties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', additionalProperties, ...more })
const object = (properties: JsonObject): JsonObject => ({ type: 'object', properties })
const ruled = (schema: JsonObject, ...rules: string[]): JsonObject => ({ ...schema, 'x-kubernetes-validations': rules.map((rule) => ({ rule })) })
const numbers = object({ a: integer, b: integer, list: list(integer, { maxItems: 10 }), texts: list({ ...text, maxLength: 10 }, { maxItems: 5 }), map: map(integer, { maxProperties: 3 }), name: { ...text, maxLength: 10 }, kind: { ...text, enum: ['a', 'abcde'] }, any: text })

test.each<readonly [rule: string, cost: number]>([
  ['self.a == self.b', 4], ['self.a > 3', 3], ['has(self.a)', 1], ['has(self.a) && self.a > 3', 4], ["self.name.startsWith('abc')", 3], ["self.name == 'abc'", 3], ["self.name.contains('ab')", 6], ["self.name.matches('^a+$')", 7],
  ["self.kind == 'abcde'", 3], ['self.list.all(x, x > 0)', 53], ['self.list.exists(x, x > 0)', 63], ['self.list.exists_one(x, x > 0)', 44], ['self.list.map(x, x).size() > 0', 145], ['self.list.filter(x, x > 0).size() > 0', 165],
  ['self.list.all(x, self.list.all(y, x == y))', 563], ['self.map.all(k, self.map[k] > 0)', 27], ['self.a in self.list', 14], ['self.a in [1, 2, 3]', 15], ["self.name + 'ab' == 'cd'", 8], ['self.texts[0].size() > 3', 5], ["self.texts.all(x, x.startsWith('a'))", 28],
  ["self.name.replace('a', 'bb').size() > 3", 12], ["self.texts.join(',').size() > 3", 25], ["self.a > 1 ? self.b > 1 : self.list.all(x, x > 0)", 56], ['self.list.isSorted()', 12], ['self.list.sum() > 3', 13],
])('%s costs %d', (rule, cost) => {
  const schema = structuralOf(numbers as JSONSchemaProps)
  expect(estimatedCost(rule, kubernetesEnvironment({ self: typeOfSchema(celSchemaOf(schema, false)) }), sizesBelow(valueSize(schema)))).toBe(cost)
})

const hint = '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)'
const exceeds = (factor: string, what = 'estimated rule cost'): string => `${what} exceeds budget by factor of ${factor} ${hint}`
const problems = (schema: JsonObject): string[] => checkSchemaRules(schema as JSONSchemaProps, 'schema').map(({ path, message }) => `${path}: ${message}`)
const of = (property: JsonObject): string[] => problems(object({ x: property }))
const total = exceeds('more than 100x', 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema')
const contributed = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'

describe('a definition', () => {
  test('whose rule walks over a list in a walk over it', () => {
    expect(of(ruled(list(text), 'self.all(a, self.all(b, a == b))'))).toEqual([
      `schema.properties[x].x-kubernetes-validations[0].rule: Forbidden: ${exceeds('more than 100x')}`, `schema.properties[x].x-kubernetes-validations[0].rule: Forbidden: ${contributed}`, `schema: Forbidden: ${total}`,
    ])
  })
  test('the same with limits', () => expect(of(ruled(list({ ...text, maxLength: 100 }, { maxItems: 50 }), 'self.all(a, self.all(b, a == b))'))).toEqual([]))
  // EstimateCallCost of upstream's library/cost.go: what a library's function gives back has no length that counts.
  for (const rule of ["ip(self) == ip('10.0.0.1')", "cidr(self).masked() == cidr('10.0.0.0/8')", "quantity(self) == quantity('1')", "semver(self) == semver('1.2.3')", "url(self) == url('https://example.com')",
    'format.dns1123Label() == format.uuid()']) test(`whose rule compares ${rule}`, () => expect(of(ruled({ ...text, maxLength: 100 }, rule))).toEqual([]))
  test('a message made of a number, which upstream cannot tell the length of', () => {
    const config = { ...object({ attempts: integer }), 'x-kubernetes-validations': [{ rule: 'self.attempts >= 0', messageExpression: "'invalid attempts: ' + string(self.attempts)" }] }
    expect(of(config)[0]).toBe(`schema.properties[x].x-kubernetes-validations[0].messageExpression: Forbidden: ${exceeds('more than 100x', 'estimated messageExpression cost')}`)
  })
  // 3 MiB of elements of two bytes and a comma are 1,048,576; each costs a name, and a tenth of 3 MiB - 2.
  test('a rule at each element of a list without a limit', () => {
    expect(of(list(ruled(text, "self.contains('a')")))[0]).toBe(`schema.properties[x].items.x-kubernetes-validations[0].rule: Forbidden: ${exceeds('more than 100x')}`)
    expect(of(list(ruled({ ...text, maxLength: 10 }, "self.contains('a')"), { maxItems: 1000 }))).toEqual([])
    expect(of(list(ruled(integer, 'self > 3')))).toEqual([])
  })
  // Elements, times a name and a comparison with a literal: two each.
  test('how far it is beyond the limit', () => {
    const rule = ruled(integer, 'self > 1')
    expect(of(list(list(rule, { maxItems: 2500 }), { maxItems: 2500 }))).toEqual([`schema.properties[x].items.items.x-kubernetes-validations[0].rule: Forbidden: ${exceeds('1.250000x')}`])
    expect(of(map(list(rule, { maxItems: 5000 }), { maxProperties: 4000 }))).toEqual([`schema.properties[x].additionalProperties.items.x-kubernetes-validations[0].rule: Forbidden: ${exceeds('4.0x')}`])
    expect(of(list(list(rule, { maxItems: 2000 }), { maxItems: 2500 }))).toEqual([])
  })
  test('all rules together, of which the four dearest are named', () => {
    const dear = ruled(integer, ...Array.from({ length: 11 }, () => 'self > 1'))
    const found = of(list(list(dear, { maxItems: 2000 }), { maxItems: 2490 }))
    expect(found).toEqual([
      ...[0, 1, 2, 3].map((index) => `schema.properties[x].items.items.x-kubernetes-validations[${index}].rule: Forbidden: ${contributed}`),
      `schema: Forbidden: ${exceeds('1.095600x', 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema')}`,
    ])
  })
  test('values that need many bytes are fewer', () => {
    const long = { type: 'object', required: Array.from({ length: 40 }, (_, index) => `property-${index}`), properties: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`property-${index}`, text])) }
    const rule = 'size(self.list.map(x, x)) < 100'
    expect(of(list(ruled({ ...long, properties: { ...long.properties, list: list(integer, { maxItems: 10 }) } }, rule)))).toEqual([])
    expect(of(list(ruled(object({ list: list(integer, { maxItems: 10 }) }), rule)))[0]).toContain('exceeds budget by factor of 15.2x')
  })
})
