/** What is wrong with the schema of a definition's version, besides its structure. Mirrors ValidateCustomResourceDefinitionOpenAPISchema of apiextensions-apiserver's `pkg/apis/apiextensions/validation/validation.go`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { JSONSchemaProps } from '../../../api/types.ts'
import { schemaIn } from '../../crd/schema/build.ts'
import { checkListSchema } from './list-schema-checks.ts'
import { checkRuleTexts } from './rule-text-checks.ts'
import { indexed, keyed } from './schema-path.ts'

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const metaFields = new Set(['metadata', 'kind', 'apiVersion'])

/** Where a schema stands. */
interface Place {
  path: string
  root: boolean
  /** Inside of apiVersion, kind or metadata of a resource. */
  insideMeta: boolean
  /** Why no default may be set here. */
  noDefaults: string | undefined
}

const notSupported = ['additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const

const checkKeywords = (schema: JSONSchemaProps, { path, insideMeta, noDefaults }: Place): FieldError[] => [
  ...(schema.type && !types.includes(schema.type) ? [fieldError.notSupported(`${path}.type`, schema.type, types)] : []),
  ...(schema.default !== undefined && noDefaults !== undefined ? [fieldError.forbidden(`${path}.default`, `must not be set ${noDefaults}`)] : []),
  ...(schema.id ? [fieldError.forbidden(`${path}.id`, 'id is not supported')] : []),
  ...notSupported.filter((name) => schema[name] !== undefined && (typeof schema[name] !== 'object' || Object.keys(schema[name] as object).length > 0 || name === 'dependencies' || name === 'additionalItems'))
    .map((name) => fieldError.forbidden(`${path}.${name}`, `${name} is not supported`)),
  ...(schema.type === 'null' ? [fieldError.forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative')] : []),
  ...(Array.isArray(schema.items) && schema.items.length > 0 ? [fieldError.forbidden(`${path}.items`, 'items must be a schema object and not an array')] : []),
  ...(insideMeta && schema['x-kubernetes-embedded-resource'] ? [fieldError.forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta')] : []),
  ...(schema.uniqueItems ? [fieldError.forbidden(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic')] : []),
]

const checkMapType = (schema: JSONSchemaProps, path: string): FieldError[] => {
  const mapType = schema['x-kubernetes-map-type']
  const why = 'must be object if x-kubernetes-map-type is specified'
  return [
    ...(schema['x-kubernetes-preserve-unknown-fields'] === false ? [fieldError.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined')] : []),
    ...(mapType !== undefined && schema.type !== 'object' ? [schema.type ? fieldError.invalid(`${path}.type`, schema.type, why) : fieldError.required(`${path}.type`, why)] : []),
    ...(mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular' ? [fieldError.notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular'])] : []),
  ]
}

const checkProperty = (schema: JSONSchemaProps, [name, property]: [string, JSONSchemaProps], place: Place): FieldError[] => {
  const isMeta = (place.root || schema['x-kubernetes-embedded-resource'] === true) && metaFields.has(name)
  return check(property, { path: keyed(place.path, 'properties', name), root: false, insideMeta: place.insideMeta || isMeta, noDefaults: isMeta && place.root ? `in top-level ${name}` : place.noDefaults })
}

const check = (schema: JSONSchemaProps, place: Place): FieldError[] => {
  const { path } = place
  const inside = (each: JSONSchemaProps | undefined, where: string, more: Partial<Place> = {}): FieldError[] => (each ? check(each, { ...place, ...more, root: false, path: where }) : [])
  const properties = Object.entries(schema.properties ?? {})
  const additional = schemaIn(schema.additionalProperties)
  return [
    ...checkKeywords(schema, place),
    ...(properties.length > 0 && schema.additionalProperties !== undefined && (schema.additionalProperties as unknown) !== true
      ? [fieldError.forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive')] : []),
    ...inside(additional, `${path}.additionalProperties`, place.insideMeta ? { noDefaults: 'inside additionalProperties applying to object metadata' } : {}),
    ...properties.flatMap((each) => checkProperty(schema, each, place)),
    ...inside(schema.not, `${path}.not`),
    ...(['allOf', 'oneOf', 'anyOf'] as const).flatMap((name) => (schema[name] ?? []).flatMap((each, index) => inside(each, indexed(path, name, index)))),
    ...inside(schemaIn(schema.items), `${path}.items`),
    ...checkMapType(schema, path), ...checkListSchema(schema, path), ...checkRuleTexts(schema, path),
  ]
}

/** `path`: of the schema itself. */
export const checkSchemaKeywords = (schema: JSONSchemaProps, path: string): FieldError[] => check(schema, { path, root: true, insideMeta: false, noDefaults: undefined })
