/** How the objects of a kind are read that no generated schema knows: custom resources, by the schema of their definition. */
import { type DecodedValue, type DecodeOptions, decodeType } from './decode-value.ts'
import type { JsonObject, JsonValue } from './meta.ts'
import type { Shape } from './patch/apply/shape.ts'

export interface CustomType {
  /** A JSON value as an object of the kind: metadata checked, unknown fields dropped and told. It shares nothing with `value`. Throws DecodeError. */
  decode(value: JsonValue, options: DecodeOptions): DecodedValue<JsonObject>
  /** What server-side apply knows of it. */
  readonly shape: Shape
  /** What a warning says of every request, where this version is deprecated. */
  readonly deprecation?: string | undefined
  /** What OpenAPI says of it. */
  readonly openapi: {
    /** The name of the kind's own schema. */
    readonly name: string
    /** The schemas of the kind and its list, by name. */
    schemas(version: 2 | 3): JsonObject
  }
}

/** Where a kind's objects are described: by the name of a generated type, or as a custom resource. */
export interface TypeOfKind {
  schema: string
  custom?: CustomType | undefined
}

export const decodeKind = <T = JsonObject>(value: JsonValue, { schema, custom }: TypeOfKind, options: DecodeOptions = {}): DecodedValue<T> =>
  (custom ? (custom.decode(value, options) as DecodedValue<unknown> as DecodedValue<T>) : decodeType<T>(value, schema, options))
