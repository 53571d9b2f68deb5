/** Schemas of the API's own types, for the type checking of expressions. */
import { type FieldType, typeSchema } from '../../api/schema.ts'
import { escapeFieldName } from './field-names.ts'
import { type CelSchema, dynSchema, type ObjectSchema } from './schema.ts'

const scalars: Partial<Record<FieldType['kind'], CelSchema>> = {
  string: { kind: 'string' }, quantity: dynSchema, int32: { kind: 'int' }, int64: { kind: 'int' }, double: { kind: 'double' }, boolean: { kind: 'bool' },
  bytes: { kind: 'bytes' }, time: { kind: 'timestamp' }, microtime: { kind: 'timestamp' }, 'int-or-string': dynSchema, any: dynSchema,
}
const known = new Map<string, ObjectSchema>()

const ofType = (type: FieldType): CelSchema => {
  switch (type.kind) {
    case 'array': return { kind: 'list', items: ofType(type.items) }
    case 'map': return { kind: 'map', values: ofType(type.values) }
    case 'ref': return kindSchema(type.name)
    default: return scalars[type.kind] ?? dynSchema
  }
}

/** By our name of the type (`Pod`, `DeploymentSpec`). Throws where there is none. */
export const kindSchema = (name: string): CelSchema => {
  const before = known.get(name)
  if (before) return before
  const { fields, goType } = typeSchema(name)
  const names = new Map([...fields.keys()].flatMap((jsonName) => { const escaped = escapeFieldName(jsonName); return escaped === undefined ? [] : [[escaped, jsonName] as const] }))
  const schema: ObjectSchema = {
    kind: 'object', name: goType,
    property: (field) => { const jsonName = names.get(field); const found = jsonName === undefined ? undefined : fields.get(jsonName); return found && { jsonName: found.name, schema: ofType(found.type) } },
    nameOf: (jsonName) => (fields.has(jsonName) ? escapeFieldName(jsonName) : undefined),
  }
  known.set(name, schema)
  return schema
}
