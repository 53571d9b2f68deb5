import { describe, expect, test } from 'vitest'
import * as facts from '../../src/api/facts.ts'
import generated from '../../src/api/generated/schema.gen.json' with { type: 'json' }
import { type FieldSchema, type FieldType, isAtomicType, typeNames, typeSchema } from '../../src/api/schema.ts'
import { hasOracle, oracle, oracleFiles } from '../support/oracle.ts'

interface Property { $ref?: string; allOf?: { $ref: string }[]; type?: string; format?: string; items?: Property; additionalProperties?: Property; default?: unknown; [extension: `x-${string}`]: unknown }
interface Definition { properties?: Record<string, Property>; required?: string[]; [extension: `x-${string}`]: unknown }

const ourNames = new Map(Object.entries(generated as Record<string, string>).map(([name, text]) => [text.split('|')[0] ?? '', name]))

/** `io.k8s.api.core.v1.Event` → our name; undefined for what is no struct of ours, and for alpha and beta. */
const ourName = (definition: string): string | undefined => {
  const [, group = '', version = '', name = ''] = /([^.]+)\.(v\d+)\.([^.]+)$/.exec(definition) ?? []
  const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
  return ourNames.get(`${capital(group)}${capital(version)}${name}`) ?? ourNames.get(`${capital(version)}${name}`)
}

const special: Record<string, FieldType['kind']> = { Quantity: 'quantity', Time: 'time', MicroTime: 'microtime', IntOrString: 'int-or-string' }

const typeOf = (property: Property): FieldType => {
  const ref = property.$ref ?? property.allOf?.[0]?.$ref
  if (ref) {
    const last = ref.split('.').at(-1) ?? ''
    const kind = special[last]
    if (kind) return { kind } as FieldType
    const name = ourName(ref.replace(/^#\/definitions\//, ''))
    return name ? { kind: 'ref', name } : { kind: 'any' }
  }
  if (property.items) return { kind: 'array', items: typeOf(property.items) }
  if (property.additionalProperties) return { kind: 'map', values: typeOf(property.additionalProperties) }
  const kinds: Record<string, FieldType['kind']> = { 'string/byte': 'bytes', 'integer/int32': 'int32', 'integer/int64': 'int64', 'number/double': 'double' }
  return { kind: kinds[`${property.type}/${property.format}`] ?? property.type ?? 'any' } as FieldType
}

/** The facts of a field as upstream's schema states them. */
const factsOf = (property: Property, required: boolean): object => {
  const keys = property['x-kubernetes-list-map-keys'] as string[] | undefined
  const strategy = String(property['x-kubernetes-patch-strategy'] ?? '')
  const mapType = property['x-kubernetes-map-type']
  const type = typeOf(property)
  return {
    type, required, patchStrategy: strategy.includes('merge') ? 'merge' : strategy === 'replace' ? 'replace' : undefined, mergeKey: property['x-kubernetes-patch-merge-key'], retainKeys: strategy.includes('retainKeys'),
    listType: property['x-kubernetes-list-type'] ?? 'atomic', listMapKeys: keys ?? [], atomic: mapType === 'atomic' || (mapType === undefined && isAtomicType(type)),
  }
}

describe.skipIf(!hasOracle)('as upstream', () => {
  const definitions = hasOracle ? Object.entries(oracle<{ definitions: Record<string, Definition> }>('swagger.json').definitions) : []
  const ours = definitions.flatMap(([definition, body]) => {
    const name = ourName(definition)
    return name && body.properties ? [{ name, ...body, properties: body.properties }] : []
  })

  test('every struct of every stable group is there, with its fields, their types and how they merge', () => {
    expect(ours.length).toBeGreaterThan(500)
    for (const { name, properties, required = [] } of ours) {
      const schema = typeSchema(name)
      expect([...schema.fields.keys()].sort(), name).toEqual(Object.keys(properties).sort())
      for (const [field, property] of Object.entries(properties)) {
        const { name: _, always: __, ...stated } = schema.fields.get(field) as FieldSchema
        expect(stated, `${name}.${field}`).toEqual(factsOf(property, required.includes(field)))
      }
    }
  })

  test('atomic types', () => {
    const atomic = definitions.flatMap(([definition, body]) => (body['x-kubernetes-map-type'] === 'atomic' ? (ourName(definition) ?? []) : []))
    expect(atomic.sort()).toEqual([...facts.atomicTypes].sort())
  })

  test('what is always present has a zero value upstream', () => {
    for (const file of oracleFiles('openapi-v3')) {
      const schemas = oracle<{ components?: { schemas?: Record<string, Definition> } }>(file).components?.schemas ?? {}
      for (const [definition, { properties = {}, required = [] }] of Object.entries(schemas)) {
        const name = ourName(definition)
        if (!name) continue
        for (const [field, property] of Object.entries(properties)) {
          const schema = typeSchema(name).fields.get(field)
          if (schema?.type.kind === 'ref') expect(schema.always, `${name}.${field}`).toBe(property.default !== undefined)
          if (schema?.type.kind === 'string' && required.includes(field)) expect(schema.always, `${name}.${field}`).toBe(property.default === '')
        }
      }
    }
  })
})

test('every type can be built, and every fact names a field that exists', () => {
  const paths = new Set(typeNames().flatMap((name) => [...typeSchema(name).fields.keys()].map((field) => `${name}.${field}`)))
  const named = [...Object.values(facts.mapLists).flat(), ...Object.keys(facts.keyDefaults), ...facts.setLists, ...facts.replacedMapLists, ...Object.keys(facts.mergedLists), ...facts.retainKeys,
    ...facts.replacedStructs, ...facts.atomicFields, ...facts.granularFields, ...facts.quantityFields, ...facts.valueStructs, ...facts.absentStrings]
  expect(named.filter((path) => !paths.has(path))).toEqual([])
})

describe('looked up', () => {
  const field = (type: string, name: string): FieldSchema | undefined => typeSchema(type).fields.get(name)
  test('a keyed list', () => expect(field('Container', 'ports')).toMatchObject({ type: { kind: 'array', items: { kind: 'ref', name: 'ContainerPort' } }, patchStrategy: 'merge', mergeKey: 'containerPort', listType: 'map', listMapKeys: ['containerPort', 'protocol'] }))
  test('a set', () => expect(field('ObjectMeta', 'finalizers')).toMatchObject({ patchStrategy: 'merge', mergeKey: undefined, listType: 'set' }))
  test('quantities in a map', () => expect(field('ResourceRequirements', 'limits')?.type).toEqual({ kind: 'map', values: { kind: 'quantity' } }))
  test('bytes in a map', () => expect(field('Secret', 'data')?.type).toEqual({ kind: 'map', values: { kind: 'bytes' } }))
  test('upstream names of structs', () => expect([typeSchema('EventsEvent').goName, typeSchema('Pod').goType, typeSchema('MetricSpecV2').goType]).toEqual(['Event', 'v1.Pod', 'v2.MetricSpec']))
  test('no type of that name', () => expect(() => typeSchema('constructor')).toThrow('no type "constructor"'))
})
