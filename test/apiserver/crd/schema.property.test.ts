/** Whatever the schema and the value: nothing throws, nothing is done twice, what is declared stays. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deepCopy } from '../../../src/api/equal.ts'
import type { JsonObject, JsonValue } from '../../../src/api/meta.ts'
import { validateTyped } from '../../../src/api/patch/apply/validate.ts'
import type { JSONSchemaProps } from '../../../src/api/types.ts'
import { customType } from '../../../src/apiserver/crd/custom-type.ts'
import { publishedSchemas } from '../../../src/apiserver/crd/published-schema.ts'
import { completeSchema, structuralOf } from '../../../src/apiserver/crd/schema/build.ts'
import { applyDefaults } from '../../../src/apiserver/crd/schema/defaulting.ts'
import { checkListTypes } from '../../../src/apiserver/crd/schema/list-types.ts'
import type { Structural } from '../../../src/apiserver/crd/schema/structural.ts'
import { validateValue } from '../../../src/apiserver/crd/schema/validate.ts'
import { checkSchemaKeywords } from '../../../src/apiserver/registry/apiextensions/schema-checks.ts'
import { checkStructural } from '../../../src/apiserver/registry/apiextensions/structural-checks.ts'

const names = fc.constantFrom('a', 'b', 'c', 'metadata', '__proto__', 'constructor')
const scalar = fc.oneof(fc.integer({ min: -3, max: 12 }), fc.double({ noNaN: true, min: -5, max: 5 }), fc.string({ maxLength: 6 }), fc.boolean(), fc.constant(null))
const members = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> => fc.array(fc.tuple(names, values), { maxLength: 4 }).map((entries) => Object.fromEntries(entries))
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({ value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, scalar, fc.array(tie('value'), { maxLength: 3 }), members(tie('value'))) as fc.Arbitrary<JsonValue> }))

const common = { nullable: fc.boolean(), 'x-kubernetes-preserve-unknown-fields': fc.constantFrom(true, undefined) }
const { schema } = fc.letrec<{ schema: JSONSchemaProps }>((tie) => ({ schema: fc.oneof({ maxDepth: 4, withCrossShrink: true },
  fc.record({ type: fc.constantFrom('string', 'integer', 'number', 'boolean'), nullable: fc.boolean(), default: fc.option(scalar, { nil: undefined }), minimum: fc.option(fc.integer(), { nil: undefined }), maxLength: fc.option(fc.nat(5), { nil: undefined }),
    format: fc.constantFrom('date', 'uuid', 'odd', ''), enum: fc.option(fc.array(scalar, { maxLength: 2 }), { nil: undefined }), pattern: fc.constantFrom('^a+$', '(a|b)*', '') }),
  fc.record({ type: fc.constant('object'), properties: members(tie('schema')), required: fc.array(names, { maxLength: 2 }), ...common, 'x-kubernetes-embedded-resource': fc.constantFrom(true, undefined), 'x-kubernetes-map-type': fc.constantFrom('atomic', undefined) }),
  fc.record({ type: fc.constant('object'), additionalProperties: fc.oneof(tie('schema'), fc.boolean()), ...common }),
  fc.record({ type: fc.constant('array'), items: tie('schema'), nullable: fc.boolean(), 'x-kubernetes-list-type': fc.constantFrom('set', 'map', 'atomic', undefined), 'x-kubernetes-list-map-keys': fc.constantFrom(['a'], ['a', 'b'], undefined) }),
  fc.constant({ 'x-kubernetes-int-or-string': true }),
  fc.record({ type: fc.constant('integer'), anyOf: fc.constant([{ minimum: 3 }, { maximum: 1 }]), not: fc.constant({ enum: [2] }) }),
) as unknown as fc.Arbitrary<JSONSchemaProps> }))

const root = members(schema).map((properties): JSONSchemaProps => ({ type: 'object', properties }))
const object = members(value).map((rest): JsonObject => ({ apiVersion: 'g.example.com/v1', kind: 'Any', ...rest, metadata: { name: 'x' } }))
const built = (props: JSONSchemaProps): Structural => structuralOf(completeSchema(deepCopy(props)))
/** Decoding may refuse an embedded resource, and nothing else. */
const decoded = (props: JSONSchemaProps, given: JsonObject): JsonObject | undefined => {
  try {
    return customType(built(props)).decode(given, { strict: true }).value
  } catch (error) {
    expect((error as Error).message).toMatch(/cannot unmarshal|must be a string|parsing time|quantities|metadata/)
    return undefined
  }
}

describe('for every schema and every value', () => {
  const runs = { numRuns: 300 }
  test('reading again changes nothing', () => fc.assert(fc.property(root, object, (props, given) => {
    const before = JSON.stringify(given)
    const once = decoded(props, given)
    expect(JSON.stringify(given)).toBe(before)
    if (once) expect(customType(built(props)).decode(once, { strict: true })).toEqual({ value: once, strictErrors: [] })
  }), runs))
  test('defaults are filled once', () => fc.assert(fc.property(root, object, (props, given) => {
    const read = decoded(props, given)
    if (!read) return
    const structural = built(props)
    applyDefaults(read, structural)
    const once = deepCopy(read)
    applyDefaults(read, structural)
    expect(read).toEqual(once)
  }), runs))
  test('validation ends, and what did not change is not told of', () => fc.assert(fc.property(root, object, (props, given) => {
    const structural = built(props)
    expect(validateValue(given, structural).every(({ message }) => message !== '')).toBe(true)
    expect(validateValue(given, structural, { old: deepCopy(given) })).toEqual([])
    checkListTypes(given, structural)
    validateTyped(given, customType(structural).shape)
  }), runs))
  test('definitions are judged and published', () => fc.assert(fc.property(root, (props) => {
    completeSchema(props)
    checkStructural(props, 'x')
    checkSchemaKeywords(props, 'x')
    for (const version of [2, 3] as const) JSON.stringify(publishedSchemas({ group: 'g.example.com', version: 'v1', kind: 'Any', listKind: 'AnyList', plural: 'anys', schema: props, selectableFields: [] }, version))
  }), runs))
  test('nobody reaches a prototype', () => { expect([Object.keys(Object.prototype), ({} as Record<string, unknown>)['a']]).toEqual([[], undefined]) })
})
