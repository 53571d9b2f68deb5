/** How the objects of one version of a custom resource are read. Mirrors apiextensions-apiserver's schemaCoercingDecoder (`pkg/apiserver/customresource_handler.go`). */
import type { CustomType } from '../../api/custom-type.ts'
import { DecodeError } from '../../api/decode.ts'
import type { DecodedValue, DecodeOptions } from '../../api/decode-value.ts'
import { deepCopy, own } from '../../api/equal.ts'
import type { MemberOrder } from '../../api/json-text.ts'
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import { dropForbiddenNulls } from './schema/defaulting.ts'
import { coerceEmbedded, coerceMetadata } from './schema/embedded.ts'
import { prune } from './schema/prune.ts'
import { resourceShape } from './schema/shape.ts'
import { isObject, type Structural } from './schema/structural.ts'

const maxStrictErrors = 100

/** Keys that stand twice, in the words of strict decoding. */
const repeatedFields = (value: JsonValue | undefined, repeated: MemberOrder, path: string): string[] => {
  if (Array.isArray(value)) return value.flatMap((item, index) => repeatedFields(item, repeated, `${path}[${index}]`))
  if (!isObject(value)) return []
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`)
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const key of repeated.get(value) ?? []) (seen.has(key) ? twice : seen).add(key)
  return Object.keys(value).flatMap((key) => [...(twice.has(key) ? [at(key)] : []), ...repeatedFields(value[key], repeated, at(key))])
}

const typeName = (value: JsonValue): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value)

/** Brings a value into the form of the schema: metadata read, embedded resources too, unknown fields dropped; in place. The paths of what was unknown. */
export const coerceResource = (object: JsonObject, schema: Structural, options: { lenient: boolean; strict: boolean }): string[] => {
  const { metadata, unknown } = coerceMetadata(own(object, 'metadata') ?? {}, options)
  const pruned = prune(object, schema, true)
  dropForbiddenNulls(object, schema)
  const embedded = coerceEmbedded(object, schema, options)
  object['metadata'] = metadata
  return [...unknown.map((path) => `metadata.${path}`), ...pruned, ...embedded]
}

const decode = (value: JsonValue, schema: Structural, { strict = false, repeated }: DecodeOptions): DecodedValue<JsonObject> => {
  if (!isObject(value)) throw new DecodeError(`json: cannot unmarshal ${typeName(value)} into Go value of type map[string]interface {}`)
  const duplicates = strict && repeated ? repeatedFields(value, repeated, '') : []
  const { apiVersion, kind, metadata, ...rest } = deepCopy(value)
  const object: JsonObject = { ...(apiVersion !== undefined && { apiVersion }), ...(kind !== undefined && { kind }), metadata: metadata ?? {}, ...rest }
  const unknown = coerceResource(object, schema, { lenient: false, strict })
  const errors = strict ? [...duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`), ...unknown.map((path) => `unknown field ${JSON.stringify(path)}`)] : []
  return { value: object, strictErrors: errors.slice(0, maxStrictErrors) }
}

/** What reads and tracks the objects of a schema. */
export const customType = (schema: Structural): Pick<CustomType, 'decode' | 'shape'> => ({ decode: (value, options) => decode(value, schema, options), shape: resourceShape(schema) })
