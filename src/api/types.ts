/** The API's types: generated from upstream's schema at set-up (see generate.ts); nobody types a PodSpec by hand. */
export type * from './generated/types.gen.ts'
export type { Draft, JsonObject, JsonValue, KubeObject, Metadata } from './meta.ts'
