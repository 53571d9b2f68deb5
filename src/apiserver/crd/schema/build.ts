/** Structural schemas made of JSON schemas. Mirrors apiextensions-apiserver's `pkg/apiserver/schema/convert.go`. */
import { decodeType } from '../../../api/decode.ts'
import type { JsonValue } from '../../../api/meta.ts'
import type { JSONSchemaProps } from '../../../api/types.ts'
import { compilePattern, PatternError } from './pattern.ts'
import { isObject, type Structural, type ValueValidation } from './structural.ts'

/** Deeper schemas are refused: everything that walks them recurses. */
export const maxSchemaDepth = 200

/** A member that is a schema or something else (`items`, `additionalProperties`); undefined where it is no schema. */
export const schemaIn = (value: unknown): JSONSchemaProps | undefined => (isObject(value as JsonValue | undefined) ? (value as JSONSchemaProps) : undefined)

const patternOf = (source: string | undefined): ValueValidation['pattern'] => {
  if (!source) return undefined
  try {
    return compilePattern(source)
  } catch (error) {
    // Told by the validation of definitions; what is stored all the same restricts nothing.
    if (error instanceof PatternError) return undefined
    throw error
  }
}

const valueValidation = (props: JSONSchemaProps): ValueValidation => ({
  format: props.format ?? '', maximum: props.maximum, exclusiveMaximum: props.exclusiveMaximum ?? false, minimum: props.minimum, exclusiveMinimum: props.exclusiveMinimum ?? false,
  maxLength: props.maxLength, minLength: props.minLength, pattern: patternOf(props.pattern), maxItems: props.maxItems, minItems: props.minItems, multipleOf: props.multipleOf,
  enum: props.enum as readonly JsonValue[] | undefined, maxProperties: props.maxProperties, minProperties: props.minProperties, required: props.required ?? [],
  allOf: (props.allOf ?? []).map(structuralOf), anyOf: (props.anyOf ?? []).map(structuralOf), oneOf: (props.oneOf ?? []).map(structuralOf), not: props.not && structuralOf(props.not),
})

const additionalOf = (value: unknown): Structural | boolean | undefined => {
  const schema = schemaIn(value)
  return schema ? structuralOf(schema) : typeof value === 'boolean' ? value : undefined
}

/** `props` must have been checked by `completeSchema`. */
export const structuralOf = (props: JSONSchemaProps): Structural => {
  const items = schemaIn(props.items)
  return {
    props, ...valueValidation(props), type: props.type ?? '', nullable: props.nullable ?? false, default: props.default as JsonValue | undefined, items: items && structuralOf(items),
    properties: new Map(Object.entries(props.properties ?? {}).map(([name, each]) => [name, structuralOf(each)])), additionalProperties: additionalOf(props.additionalProperties),
    preserveUnknownFields: props['x-kubernetes-preserve-unknown-fields'] ?? false, embeddedResource: props['x-kubernetes-embedded-resource'] ?? false, intOrString: props['x-kubernetes-int-or-string'] ?? false,
    listType: props['x-kubernetes-list-type'], listMapKeys: props['x-kubernetes-list-map-keys'] ?? [], mapType: props['x-kubernetes-map-type'], validations: props['x-kubernetes-validations'] ?? [],
  }
}

const decodeSchema = (value: JsonValue, depth: number): JSONSchemaProps => completeSchema(decodeType<JSONSchemaProps>(value, 'JSONSchemaProps').value, depth)

const completeUnion = (value: unknown, depth: number): JsonValue | undefined => {
  if (Array.isArray(value)) return value.map((each) => (isObject(each as JsonValue) ? (decodeSchema(each as JsonValue, depth) as unknown as JsonValue) : (each as JsonValue)))
  return isObject(value as JsonValue) ? (decodeSchema(value as JsonValue, depth) as unknown as JsonValue) : (value as JsonValue | undefined)
}

const completeMap = (map: Record<string, JSONSchemaProps> | undefined, depth: number): void => {
  for (const each of Object.values(map ?? {})) completeSchema(each, depth)
}

/**
 * Decodes the parts of a decoded schema that may be schemas or something else, all the way down; in place. Throws DecodeError for what is no schema,
 * and RangeError for one that is too deep.
 */
export const completeSchema = (props: JSONSchemaProps, depth = 0): JSONSchemaProps => {
  if (depth > maxSchemaDepth) throw new RangeError(`schemas may not be nested deeper than ${maxSchemaDepth}`)
  const next = depth + 1
  for (const key of ['items', 'additionalItems', 'additionalProperties'] as const) if (props[key] !== undefined) props[key] = completeUnion(props[key], next) as never
  for (const key of ['allOf', 'anyOf', 'oneOf'] as const) for (const each of props[key] ?? []) completeSchema(each, next)
  if (props.not) completeSchema(props.not, next)
  completeMap(props.properties, next)
  completeMap(props.patternProperties, next)
  completeMap(props.definitions, next)
  return props
}
