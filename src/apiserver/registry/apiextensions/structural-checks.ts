/** Whether a schema is structural: what it says of structure stands outside of its logic. Mirrors apiextensions-apiserver's `pkg/apiserver/schema/validation.go` and complete.go. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { JSONSchemaProps } from '../../../api/types.ts'
import { schemaIn } from '../../crd/schema/build.ts'
import { compilePattern, PatternError } from '../../crd/schema/pattern.ts'
import { indexed, keyed } from './schema-path.ts'

type Level = 'root' | 'item' | 'field'
type Schema = JSONSchemaProps | undefined

const propertiesOf = (schema: JSONSchemaProps): [string, JSONSchemaProps][] => Object.entries(schema.properties ?? {})
const isSet = (value: unknown): boolean => value !== undefined && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0)
const setFields = (schema: JSONSchemaProps): string[] => Object.entries(schema).filter(([, value]) => isSet(value)).map(([name]) => name)

const isType = (schema: Schema, type: string): boolean => schema?.type === type && setFields(schema).length === 1
const isIntOrStringPattern = (alternatives: readonly JSONSchemaProps[] | undefined): boolean => alternatives?.length === 2 && isType(alternatives[0], 'integer') && isType(alternatives[1], 'string')

const emptyTypeMessages: Readonly<Record<Level, string>> = { root: 'must not be empty at the root', item: 'must not be empty for specified array items', field: 'must not be empty for specified object fields' }

const checkTypeOf = (schema: JSONSchemaProps, level: Level, path: string): FieldError[] => {
  const { type = '' } = schema
  const at = `${path}.type`
  const embedded = schema['x-kubernetes-embedded-resource'] === true
  return [
    ...(embedded && type !== 'object' ? [type === '' ? fieldError.required(at, 'must be object if x-kubernetes-embedded-resource is true') : fieldError.invalid(at, type, 'must be object if x-kubernetes-embedded-resource is true')]
      : type === '' && !schema['x-kubernetes-int-or-string'] && !schema['x-kubernetes-preserve-unknown-fields'] ? [fieldError.required(at, emptyTypeMessages[level])] : []),
    ...(embedded && schema.additionalProperties !== undefined ? [fieldError.forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set')] : []),
    ...(level === 'root' && type !== '' && type !== 'object' ? [fieldError.invalid(at, type, 'must be object at the root')] : []),
  ]
}

/** What metadata's schema may say at the root, besides the names: its values may be restricted. */
const rootMetadataFields = new Set(['type', 'default', 'properties', 'required', 'format', 'maxProperties', 'minProperties', 'enum', 'allOf', 'anyOf', 'oneOf', 'not'])

const checkRootMetadata = (metadata: JSONSchemaProps, path: string): FieldError[] => {
  const named = propertiesOf(metadata).every(([name]) => name === 'name' || name === 'generateName')
  return named && setFields(metadata).every((name) => rootMetadataFields.has(name)) ? [] : [fieldError.forbidden(path, 'must not specify anything other than name and generateName, but metadata is implicitly specified')]
}

const checkMeta = (schema: JSONSchemaProps, level: Level, path: string): FieldError[] => {
  const embedded = schema['x-kubernetes-embedded-resource'] === true
  const isResource = level === 'root' || embedded
  const member = (name: string): Schema => (Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : undefined)
  const mustBe = (name: string, type: string): FieldError[] => {
    const found = member(name)
    return isResource && found && (found.type ?? '') !== type ? [fieldError.invalid(`${keyed(path, 'properties', name)}.type`, found.type ?? '', `must be ${type}`)] : []
  }
  const metadata = member('metadata')
  return [
    ...mustBe('kind', 'string'), ...mustBe('apiVersion', 'string'), ...mustBe('metadata', 'object'),
    ...(metadata && level === 'root' ? checkRootMetadata(metadata, keyed(path, 'properties', 'metadata')) : []),
    ...(embedded && !schema['x-kubernetes-preserve-unknown-fields'] && propertiesOf(schema).length === 0
      ? [fieldError.required(`${path}.properties`, 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields')] : []),
  ]
}

const checkExtensions = (schema: JSONSchemaProps, path: string): FieldError[] => (!schema['x-kubernetes-int-or-string'] ? [] : (['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const)
  .filter((name) => schema[name]).map((name) => fieldError.invalid(`${path}.${name}`, true, 'must be false if x-kubernetes-int-or-string is true')))

const checkPattern = ({ pattern }: JSONSchemaProps, path: string): FieldError[] => {
  if (!pattern) return []
  try {
    compilePattern(pattern)
    return []
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    return [fieldError.invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${error.message}`)]
  }
}

const checkLogic = (schema: JSONSchemaProps, path: string, skip: { anyOf: boolean; firstAllOf: boolean }): FieldError[] => [
  ...(skip.anyOf ? [] : (schema.anyOf ?? []).flatMap((each, index) => checkNested(each, indexed(path, 'anyOf', index)))),
  ...(schema.allOf ?? []).flatMap((each, index) => checkNested(each, indexed(path, 'allOf', index), skip.firstAllOf && index === 0)),
  ...(schema.oneOf ?? []).flatMap((each, index) => checkNested(each, indexed(path, 'oneOf', index))),
  ...(schema.not ? checkNested(schema.not, `${path}.not`) : []),
  ...checkPattern(schema, path),
]

const forbiddenInLogic: readonly (readonly [keyof JSONSchemaProps, string])[] = [
  ['type', 'must be empty to be structural'], ['additionalProperties', 'must be undefined to be structural'], ['default', 'must be undefined to be structural'], ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'], ['nullable', 'must be false to be structural'], ['externalDocs', 'must be undefined to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'], ['x-kubernetes-embedded-resource', 'must be false to be structural'], ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'], ['x-kubernetes-list-type', 'must be undefined to be structural'], ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
]

/** What stands inside of anyOf, allOf, oneOf, not. */
const checkNested = (schema: JSONSchemaProps, path: string, skipAnyOf = false): FieldError[] => {
  const items = schemaIn(schema.items)
  return [
    ...checkLogic(schema, path, { anyOf: skipAnyOf, firstAllOf: false }), ...(items ? checkNested(items, `${path}.items`) : []),
    ...propertiesOf(schema).flatMap(([name, each]) => checkNested(each, keyed(path, 'properties', name))),
    ...forbiddenInLogic.filter(([name]) => (name === 'additionalProperties' || name === 'default' ? schema[name] !== undefined : isSet(schema[name]))).map(([name, why]) => fieldError.forbidden(`${path}.${name}`, why)),
    ...(Object.hasOwn(schema.properties ?? {}, 'metadata') ? [fieldError.forbidden(keyed(path, 'properties', 'metadata'), 'must not be specified in a nested context')] : []),
  ]
}

const checkInvariants = (schema: JSONSchemaProps, level: Level, path: string): FieldError[] => {
  const items = schemaIn(schema.items)
  const additional = schemaIn(schema.additionalProperties)
  return [
    ...(schema.type === 'array' && !items ? [fieldError.required(`${path}.items`, 'must be specified')] : []),
    ...(items ? checkInvariants(items, 'item', `${path}.items`) : []),
    ...propertiesOf(schema).flatMap(([name, each]) => checkInvariants(each, 'field', keyed(path, 'properties', name))),
    ...(schema.additionalProperties !== undefined && level === 'root' ? [fieldError.forbidden(`${path}.additionalProperties`, 'must not be used at the root')] : []),
    ...(additional ? checkInvariants(additional, 'field', `${path}.additionalProperties`) : []),
    ...checkExtensions(schema, path),
    ...checkLogic(schema, path, { anyOf: isIntOrStringPattern(schema.anyOf), firstAllOf: isIntOrStringPattern(schema.allOf?.[0]?.anyOf) }),
    ...checkTypeOf(schema, level, path), ...checkMeta(schema, level, path),
  ]
}

const nestedIn = (schema: JSONSchemaProps, path: string): [JSONSchemaProps, string][] => [
  ...(['allOf', 'anyOf', 'oneOf'] as const).flatMap((name) => (schema[name] ?? []).map((each, index): [JSONSchemaProps, string] => [each, indexed(path, name, index)])),
  ...(schema.not ? [[schema.not, `${path}.not`] as [JSONSchemaProps, string]] : []),
]

/** `nested` may name only what `schema` has. */
const checkNamed = (nested: JSONSchemaProps, at: string, of: { schema: Schema; path: string }): FieldError[] => {
  const { schema, path } = of
  if (!schema) return [fieldError.required(path, `because it is defined in ${at}`)]
  const items = schemaIn(nested.items)
  return [
    ...nestedIn(nested, at).flatMap(([each, where]) => checkNamed(each, where, of)),
    ...(items ? checkNamed(items, `${at}.items`, { schema: schemaIn(schema.items), path: `${path}.items` }) : []),
    ...propertiesOf(nested).flatMap(([name, each]) => checkNamed(each, keyed(at, 'properties', name),
      { schema: Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : undefined, path: keyed(path, 'properties', name) })),
  ]
}

const checkCompleteness = (schema: JSONSchemaProps, path: string): FieldError[] => {
  const [items, additional] = [schemaIn(schema.items), schemaIn(schema.additionalProperties)]
  return [
    ...nestedIn(schema, path).flatMap(([each, at]) => checkNamed(each, at, { schema, path })),
    ...(items ? checkCompleteness(items, `${path}.items`) : []), ...(additional ? checkCompleteness(additional, `${path}.additionalProperties`) : []),
    ...propertiesOf(schema).flatMap(([name, each]) => checkCompleteness(each, keyed(path, 'properties', name))),
  ]
}

const text = ({ path, message }: FieldError): string => `${path}: ${message}`

export const checkStructural = (schema: JSONSchemaProps, path: string): FieldError[] =>
  [...checkInvariants(schema, 'root', path), ...checkCompleteness(schema, path)].sort((left, right) => (text(left) < text(right) ? -1 : 1))
