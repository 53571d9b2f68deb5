/**
 * What server-side apply knows of a value: a leaf that is owned as a whole, a struct, a map, a set of scalars, or a list of items told apart by keys.
 * Made from the schema of a built-in type; a structural schema of a custom resource can be turned into the same.
 */
import type { JsonValue } from '../../meta.ts'
import { type FieldSchema, type FieldType, isAtomicType, type TypeSchema, typeSchema } from '../../schema.ts'

/** What a leaf may hold; `any` is everything, `scalar` no list and no map. */
export type LeafType = 'string' | 'number' | 'boolean' | 'scalar' | 'list' | 'map' | 'any'

export type Shape =
  | { readonly kind: 'leaf'; readonly type: LeafType; /** For checking what is inside of an atomic list or map. */ readonly inside?: Shape | undefined }
  | { readonly kind: 'struct'; /** undefined: not declared in the schema. */ field(name: string): Shape | undefined }
  | { readonly kind: 'map'; readonly values: Shape }
  | { readonly kind: 'list'; readonly items: Shape }
  /** Not declared but allowed (custom resources): a map by its members, anything else as a whole. */
  | { readonly kind: 'deduced' }
  | { readonly kind: 'set'; readonly items: Shape }
  | { readonly kind: 'keyed'; readonly sortedKeys: readonly string[]; readonly keyDefaults: Readonly<Record<string, string | number | boolean>>; readonly items: Shape }

const anything = { kind: 'leaf', type: 'any' } as const
const deducedMap = { kind: 'map', values: { kind: 'deduced' } } as const

const isMap = (value: JsonValue | undefined): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The shape that these values of one field have. */
export const resolved = (shape: Shape, ...values: readonly (JsonValue | undefined)[]): Exclude<Shape, { kind: 'deduced' }> => {
  if (shape.kind !== 'deduced') return shape
  return values.some(isMap) && values.every((value) => value === undefined || value === null || isMap(value)) ? deducedMap : anything
}
const leafTypes: Partial<Record<FieldType['kind'], LeafType>> = { string: 'string', bytes: 'string', boolean: 'boolean', int32: 'number', int64: 'number', double: 'number', any: 'any' }

const atomic = (type: 'list' | 'map', inside: Shape): Shape => ({ kind: 'leaf', type, inside })

const structs = new Map<string, Shape>()

const buildStruct = (schema: TypeSchema): Shape => {
  const shapes = new Map<string, Shape>()
  return { kind: 'struct', field(name) {
    const known = shapes.get(name)
    const field = known ? undefined : schema.fields.get(name)
    if (!field) return known
    const shape = shapeOfField(field)
    shapes.set(name, shape)
    return shape
  } }
}

/** A type by name as a struct, built once and its fields when first asked for. */
export const structShape = (schemaName: string): Shape => {
  let shape = structs.get(schemaName)
  if (!shape) {
    shape = buildStruct(typeSchema(schemaName))
    structs.set(schemaName, shape)
  }
  return shape
}

/** The shape of a kind's objects. */
export const kindShape = ({ schema, custom }: { schema: string; custom?: { readonly shape: Shape } | undefined }): Shape => custom?.shape ?? structShape(schema)

const shapeOfType = (type: FieldType): Shape => {
  switch (type.kind) {
    case 'ref': return isAtomicType(type) ? atomic('map', structShape(type.name)) : structShape(type.name)
    case 'map': return { kind: 'map', values: shapeOfType(type.values) }
    case 'array': return atomic('list', { kind: 'list', items: shapeOfType(type.items) })
    case 'any': return anything
    default: return { kind: 'leaf', type: leafTypes[type.kind] ?? 'scalar' }
  }
}

const shapeOfField = (field: FieldSchema): Shape => {
  const { type } = field
  if (type.kind === 'ref') return field.atomic ? atomic('map', structShape(type.name)) : structShape(type.name)
  if (type.kind === 'map') return field.atomic ? atomic('map', { kind: 'map', values: shapeOfType(type.values) }) : shapeOfType(type)
  if (type.kind !== 'array' || field.listType === 'atomic') return shapeOfType(type)
  const items = shapeOfType(type.items)
  if (field.listType === 'set') return { kind: 'set', items }
  return { kind: 'keyed', sortedKeys: field.listMapKeys.toSorted(), items, keyDefaults: type.items.kind === 'ref' ? typeSchema(type.items.name).keyDefaults : {} }
}

/** The shape without some paths (`status`, `metadata.labels`): what is there, nobody owns. */
export const withoutPaths = (shape: Shape, paths: readonly (readonly string[])[]): Shape => {
  if (paths.length === 0 || shape.kind !== 'struct') return shape
  const dropped = new Set(paths.filter((path) => path.length === 1).map(([name]) => name))
  const known = new Map<string, Shape | undefined>()
  return { kind: 'struct', field(name) {
    if (!known.has(name)) {
      const field = dropped.has(name) ? undefined : shape.field(name)
      known.set(name, field && withoutPaths(field, paths.filter((path) => path.length > 1 && path[0] === name).map((path) => path.slice(1))))
    }
    return known.get(name)
  } }
}
