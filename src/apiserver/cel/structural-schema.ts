/** Schemas of custom resources, for expressions. Mirrors `SchemaDeclType` of `k8s.io/apiserver/pkg/cel/common/schemas.go`. */
import { escapeFieldName } from './field-names.ts'
import { type CelSchema, dynSchema, type ObjectSchema } from './schema.ts'

/** What is read of a JSON schema (OpenAPI v3, structural). */
export interface StructuralSchema {
  type?: string
  format?: string
  nullable?: boolean
  properties?: Readonly<Record<string, StructuralSchema>>
  additionalProperties?: boolean | StructuralSchema
  items?: StructuralSchema
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: readonly string[]
}

const text: StructuralSchema = { type: 'string' }
const metadata: StructuralSchema = { type: 'object', properties: { name: text, generateName: text } }
/** What every whole object has, and expressions may read. */
const resourceFields: Readonly<Record<string, StructuralSchema>> = { apiVersion: text, kind: text, metadata }

const stringFormats: Readonly<Record<string, CelSchema>> = { byte: { kind: 'bytes' }, duration: { kind: 'duration' }, date: { kind: 'timestamp' }, 'date-time': { kind: 'timestamp' } }

const object = (schema: StructuralSchema, name: string, isResource: boolean): CelSchema | undefined => {
  const { additionalProperties, properties = {} } = schema
  if (typeof additionalProperties === 'object') {
    const values = structuralCelSchema(additionalProperties, `${name}.@idx`)
    return values && { kind: 'map', values }
  }
  const all: Readonly<Record<string, StructuralSchema>> = isResource ? { ...properties, ...resourceFields } : properties
  const fields = new Map<string, { jsonName: string; own: StructuralSchema; schema?: CelSchema }>()
  for (const [jsonName, own] of Object.entries(all)) {
    const escaped = escapeFieldName(jsonName)
    if (escaped !== undefined) fields.set(escaped, { jsonName, own })
  }
  if (fields.size === 0 && schema['x-kubernetes-preserve-unknown-fields'] === true) return dynSchema
  const names = new Map([...fields].map(([escaped, { jsonName }]) => [jsonName, escaped]))
  const found: ObjectSchema = {
    kind: 'object', name,
    property(field) {
      const known = fields.get(field)
      if (!known) return undefined
      const schema = known.schema ?? structuralCelSchema(known.own, `${name}.${field}`)
      if (schema) known.schema = schema
      return schema && { jsonName: known.jsonName, schema }
    },
    nameOf: (jsonName) => { const escaped = names.get(jsonName); return escaped !== undefined && found.property(escaped) ? escaped : undefined },
  }
  return found
}

/**
 * How expressions see values of a schema; undefined: they do not (unknown types, unknown fields kept without a type).
 * `isResource`: the schema of a whole object, which has apiVersion, kind and metadata besides.
 */
export const structuralCelSchema = (schema: StructuralSchema, name = 'object', isResource = false): CelSchema | undefined => {
  if (schema['x-kubernetes-int-or-string'] === true) return dynSchema
  switch (schema.type) {
    case 'boolean': return { kind: 'bool' }
    case 'integer': return { kind: 'int' }
    case 'number': return { kind: 'double' }
    case 'string': return (Object.hasOwn(stringFormats, schema.format ?? '') ? stringFormats[schema.format ?? ''] : undefined) ?? { kind: 'string' }
    case 'array': {
      const items = schema.items && structuralCelSchema(schema.items, `${name}.@idx`)
      const listType = schema['x-kubernetes-list-type']
      return items && { kind: 'list', items, ...(listType === 'set' && { mapKeys: [] }), ...(listType === 'map' && { mapKeys: (schema['x-kubernetes-list-map-keys'] ?? []).map((key) => escapeFieldName(key) ?? key) }) }
    }
    case 'object': return object(schema, name, isResource || schema['x-kubernetes-embedded-resource'] === true)
    default: return schema['x-kubernetes-preserve-unknown-fields'] === true ? dynSchema : undefined
  }
}
