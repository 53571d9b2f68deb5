/** Formats of strings that nobody checks are accepted, with a warning. Mirrors GetUnrecognizedFormats of apiextensions-apiserver's `pkg/apiserver/validation/formats.go`. */
import type { CustomResourceDefinitionSpec, JSONSchemaProps } from '../../../api/types.ts'
import { schemaIn } from '../../crd/schema/build.ts'
import { isKnownFormat } from '../../crd/schema/formats.ts'

const unknownFormats = (schema: JSONSchemaProps): string[] => {
  const below = [...Object.values(schema.properties ?? {}), schemaIn(schema.items), schemaIn(schema.additionalProperties), ...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? []), schema.not]
  return [...(schema.type === 'string' && schema.format && !isKnownFormat(schema.format) ? [schema.format] : []), ...below.flatMap((each) => (each ? unknownFormats(each) : []))]
}

const formatsOf = ({ versions }: CustomResourceDefinitionSpec): string[] => versions.flatMap(({ schema }) => (schema?.openAPIV3Schema ? unknownFormats(schema.openAPIV3Schema) : []))

/** `old`: what an update changes; what it had already is not told of again. (strategy.WarningsOnUpdate) */
export const formatWarnings = (spec: CustomResourceDefinitionSpec, old?: CustomResourceDefinitionSpec): string[] => {
  const before = new Set(old ? formatsOf(old) : [])
  return [...new Set(formatsOf(spec))].filter((format) => !before.has(format)).sort().map((format) => `unrecognized format ${JSON.stringify(format)}`)
}
