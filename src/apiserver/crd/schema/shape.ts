/** What server-side apply knows of a custom resource. Mirrors what structured-merge-diff makes of the published schema (kube-openapi's `pkg/schemaconv`). */
import { type LeafType, type Shape, structShape } from '../../../api/patch/apply/shape.ts'
import { additionalSchema, type Structural } from './structural.ts'

const leafTypes: Readonly<Record<string, LeafType>> = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean' }
const anything: Shape = { kind: 'leaf', type: 'any' }
const text: Shape = { kind: 'leaf', type: 'string' }
const deduced: Shape = { kind: 'deduced' }

/** `__proto__`'s shape, if a schema has one, is found like any other: these are maps. */
const lazily = (make: (name: string) => Shape | undefined): ((name: string) => Shape | undefined) => {
  const known = new Map<string, Shape | undefined>()
  return (name) => {
    if (!known.has(name)) known.set(name, make(name))
    return known.get(name)
  }
}

const fieldsOf = (schema: Structural, resource: boolean): Shape => ({ kind: 'struct', field: lazily((name) => {
  if (resource && name === 'metadata') return structShape('ObjectMeta')
  if (resource && (name === 'apiVersion' || name === 'kind')) return text
  const declared = schema.properties.get(name)
  if (declared) return shapeOf(declared)
  return schema.preserveUnknownFields ? deduced : undefined
}) })

const objectShape = (schema: Structural): Shape => {
  const additional = additionalSchema(schema)
  const inside: Shape = additional && schema.properties.size === 0 ? { kind: 'map', values: shapeOf(additional) }
    : schema.properties.size === 0 && !schema.embeddedResource && (schema.preserveUnknownFields || schema.additionalProperties === true) ? deduced : fieldsOf(schema, schema.embeddedResource)
  return schema.mapType === 'atomic' ? { kind: 'leaf', type: 'map', inside } : inside
}

const scalarDefaults = (items: Structural): Record<string, string | number | boolean> =>
  Object.fromEntries([...items.properties].flatMap(([name, { default: value }]) => (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[name, value]] : [])))

const listShape = (schema: Structural): Shape => {
  const items = schema.items ? shapeOf(schema.items) : anything
  if (schema.listType === 'set') return { kind: 'set', items }
  if (schema.listType === 'map' && schema.items) return { kind: 'keyed', sortedKeys: [...schema.listMapKeys].sort(), keyDefaults: scalarDefaults(schema.items), items }
  return { kind: 'leaf', type: 'list', inside: { kind: 'list', items } }
}

const shapeOf = (schema: Structural): Shape => {
  if (schema.intOrString) return { kind: 'leaf', type: 'scalar' }
  switch (schema.type) {
    case 'object': return objectShape(schema)
    case 'array': return listShape(schema)
    case '': return schema.preserveUnknownFields ? deduced : anything
    default: return { kind: 'leaf', type: leafTypes[schema.type] ?? 'scalar' }
  }
}

/** Of a whole custom resource. */
export const resourceShape = (schema: Structural): Shape => fieldsOf(schema, true)
