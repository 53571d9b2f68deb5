/** Types as OpenAPI schemas, v3 and v2 spellings of the same. Mirrors what upstream's openapi-gen publishes. Pure. */
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import { isAtomicType, typeSchema, type FieldSchema, type FieldType, type ScalarKind } from '../../api/schema.ts'
import { granularFields } from '../../api/facts.ts'
import { arbitraryTypes, fieldDefault, granularMaps, isUndescribed, opaqueType, unions, unmarkedList } from './published-facts.ts'

export interface Descriptions { readonly [type: string]: { description: string; fields: Readonly<Record<string, string>> } }

export interface Dialect {
  version: 2 | 3
  /** `#/components/schemas/` or `#/definitions/`. */
  prefix: string
}
export const openapi3: Dialect = { version: 3, prefix: '#/components/schemas/' }
export const openapi2: Dialect = { version: 2, prefix: '#/definitions/' }

const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity'
const intOrString = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString'
const time = 'io.k8s.apimachinery.pkg.apis.meta.v1.Time'
const microTime = 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime'
export const patchType = 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch'
export const versionType = 'io.k8s.apimachinery.pkg.version.Info'

/** Types that are not structs. */
export const scalarDefinitions = ({ version }: Dialect): JsonObject => ({
  [quantity]: version === 3
    ? { description: "Quantity is a fixed-point representation of a number: `128974848`, `129e6`, `123Mi`, `0.1`, `100m`.", oneOf: [{ type: 'string' }, { type: 'number' }] }
    : { description: "Quantity is a fixed-point representation of a number: `128974848`, `129e6`, `123Mi`, `0.1`, `100m`.", type: 'string' },
  [intOrString]: { description: 'IntOrString is a type that can hold an int32 or a string.', format: 'int-or-string', ...(version === 3 ? { oneOf: [{ type: 'integer' }, { type: 'string' }] } : { type: 'string' }) },
  [time]: { description: 'Time is a wrapper around time.Time which supports correct marshaling to YAML and JSON.', format: 'date-time', type: 'string' },
  [microTime]: { description: 'MicroTime is version of Time with microsecond level precision.', format: 'date-time', type: 'string' },
  ...arbitraryTypes,
  [patchType]: { description: 'Patch is provided to give a concrete name and type to the Kubernetes PATCH request body.', type: 'object' },
})

const scalars: Partial<Record<ScalarKind, JsonObject>> = {
  string: { type: 'string' }, int32: { type: 'integer', format: 'int32' }, int64: { type: 'integer', format: 'int64' }, double: { type: 'number', format: 'double' }, boolean: { type: 'boolean' }, bytes: { type: 'string', format: 'byte' },
}
const namedScalars: Partial<Record<ScalarKind, string>> = { quantity, 'int-or-string': intOrString, time, microtime: microTime }

interface Naming { names: ReadonlyMap<string, string>; dialect: Dialect; /** The name of arbitrary JSON here. */ opaque: string | undefined }

const typeOf = (type: FieldType, naming: Naming): JsonObject => {
  const { names, dialect, opaque } = naming
  if (type.kind === 'array') return { type: 'array', items: typeOf(type.items, naming) }
  if (type.kind === 'map') return { type: 'object', additionalProperties: typeOf(type.values, naming) }
  if (type.kind === 'ref') return { $ref: `${dialect.prefix}${names.get(type.name) ?? type.name}` }
  if (type.kind === 'any') return opaque === undefined ? { type: 'object' } : { $ref: `${dialect.prefix}${opaque}` }
  const name = namedScalars[type.kind]
  return name ? { $ref: `${dialect.prefix}${name}` } : { ...scalars[type.kind] }
}

/** Bytes that upstream publishes as the list that they are in Go. */
const listsOfBytes = new Set(['APIServiceSpec.caBundle'])

const extensions = (path: string, { type, patchStrategy, mergeKey, retainKeys, listType, listMapKeys, atomic }: FieldSchema): JsonObject => ({
  ...(type.kind === 'array' && !unmarkedList(path) && { 'x-kubernetes-list-type': listType }),
  ...(type.kind === 'array' && listType === 'map' && { 'x-kubernetes-list-map-keys': [...listMapKeys] }),
  // Where the type itself says so, the field does not repeat it.
  ...(type.kind !== 'array' && atomic && !isAtomicType(type) && { 'x-kubernetes-map-type': 'atomic' }),
  ...((granularFields.includes(path) || granularMaps.has(path)) && { 'x-kubernetes-map-type': 'granular' }),
  ...(mergeKey && { 'x-kubernetes-patch-merge-key': mergeKey }),
  ...((patchStrategy || retainKeys) && { 'x-kubernetes-patch-strategy': [patchStrategy, retainKeys ? 'retainKeys' : undefined].filter(Boolean).join(',') }),
})

const property = (field: FieldSchema, context: DefinitionContext): JsonValue => {
  const path = `${context.type}.${field.name}`
  const { names, dialect } = context
  const schema = typeOf(field.type, { names, dialect, opaque: opaqueType(path) })
  // client-node has the words of the type here, not those of the field.
  const description = ['int-or-string', 'microtime', 'any'].includes(field.type.kind) ? '' : context.descriptions[context.type]?.fields[field.name] ?? ''
  const zero = dialect.version === 3 ? fieldDefault(path, field) : undefined
  const more = { ...(description && { description }), ...(zero !== undefined && { default: zero }), ...extensions(path, field), ...(listsOfBytes.has(path) && { 'x-kubernetes-list-type': 'atomic' }) }
  // A reference must stand alone in OpenAPI 3.0: what is said besides goes around it.
  return '$ref' in schema && dialect.version === 3 && (Object.keys(more).length > 0 || !isUndescribed(path)) ? { allOf: [schema], ...more } : { ...schema, ...more }
}

interface DefinitionContext { type: string; names: ReadonlyMap<string, string>; descriptions: Descriptions; dialect: Dialect }

/** The schema of a struct; `kinds` are the group, version and kinds that it is the body of. */
export const definition = (context: DefinitionContext, kinds: readonly JsonObject[]): JsonObject => {
  const schema = typeSchema(context.type)
  const fields = [...schema.fields.values()]
  const required = fields.filter((field) => field.required).map(({ name }) => name)
  return {
    description: context.descriptions[context.type]?.description ?? '', type: 'object', ...(isAtomicType({ kind: 'ref', name: context.type }) && { 'x-kubernetes-map-type': 'atomic' }),
    ...(fields.length > 0 && { properties: Object.fromEntries(fields.map((field) => [field.name, property(field, context)])) }),
    ...(required.length > 0 && { required }),
    ...(Object.hasOwn(unions, context.type) && { 'x-kubernetes-unions': unions[context.type] ?? null }),
    ...(kinds.length > 0 && { 'x-kubernetes-group-version-kind': [...kinds] }),
  }
}
