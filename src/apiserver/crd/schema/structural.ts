/**
 * A structural schema: the form in which a custom resource's OpenAPI schema prunes, defaults, validates and publishes. Mirrors apiextensions-apiserver's
 * `pkg/apiserver/schema`. The parts are split as there: what a value is (generic), what Kubernetes adds (extensions), and what it must fulfil (value validation).
 */
import type { JsonObject, JsonValue } from '../../../api/meta.ts'
import type { JSONSchemaProps, ValidationRule } from '../../../api/types.ts'
import type { Pattern } from './pattern.ts'

/** Checks on a value that say nothing of its structure; nested ones may repeat structure, only to constrain it. */
export interface ValueValidation {
  readonly format: string
  readonly maximum: number | undefined
  readonly exclusiveMaximum: boolean
  readonly minimum: number | undefined
  readonly exclusiveMinimum: boolean
  readonly maxLength: number | undefined
  readonly minLength: number | undefined
  readonly pattern: Pattern | undefined
  readonly maxItems: number | undefined
  readonly minItems: number | undefined
  readonly multipleOf: number | undefined
  readonly enum: readonly JsonValue[] | undefined
  readonly maxProperties: number | undefined
  readonly minProperties: number | undefined
  readonly required: readonly string[]
  readonly allOf: readonly Structural[]
  readonly anyOf: readonly Structural[]
  readonly oneOf: readonly Structural[]
  readonly not: Structural | undefined
}

/** `Structural` is used for nested value validations, too: there, validation of definitions has made sure that nothing structural stands in it. */
export interface Structural extends ValueValidation {
  /** The schema that this is made of. */
  readonly props: JSONSchemaProps
  readonly type: string
  readonly nullable: boolean
  /** Undefined: none. */
  readonly default: JsonValue | undefined
  readonly items: Structural | undefined
  readonly properties: ReadonlyMap<string, Structural>
  /** A schema, whether others are allowed at all, or undefined: not said. */
  readonly additionalProperties: Structural | boolean | undefined
  readonly preserveUnknownFields: boolean
  readonly embeddedResource: boolean
  readonly intOrString: boolean
  readonly listType: string | undefined
  readonly listMapKeys: readonly string[]
  readonly mapType: string | undefined
  readonly validations: readonly ValidationRule[]
}

/** The schema of additional properties, where it is one. */
export const additionalSchema = ({ additionalProperties }: Pick<Structural, 'additionalProperties'>): Structural | undefined =>
  (typeof additionalProperties === 'object' ? additionalProperties : undefined)

export const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The schema of one member of an object with this schema; undefined where none is declared. */
export const memberSchema = (schema: Structural, key: string): Structural | undefined => schema.properties.get(key) ?? additionalSchema(schema)
