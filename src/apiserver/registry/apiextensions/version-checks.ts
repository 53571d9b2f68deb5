/** The parts of a definition's version: schema, subresources, columns, selectable fields. Mirrors apiextensions-apiserver's `pkg/apis/apiextensions/validation/validation.go`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { CustomResourceColumnDefinition, CustomResourceSubresources, JSONSchemaProps, SelectableField } from '../../../api/types.ts'
import { fieldPathSchema } from '../../crd/schema/field-path.ts'
import { structuralOf } from '../../crd/schema/build.ts'
import { checkDefaults } from './default-checks.ts'
import { checkSchemaKeywords } from './schema-checks.ts'
import { checkStructural } from './structural-checks.ts'

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']

const checkSimplePath = (path: string, value: string): FieldError[] => (value.startsWith('.') ? [] : [fieldError.invalid(path, value, 'must be a simple json path starting with .')])

export const checkColumn = ({ name, type, format, jsonPath }: CustomResourceColumnDefinition, path: string): FieldError[] => {
  const oneOf = (list: readonly string[]): string => `must be one of ${list.join(',')}`
  return [
    ...(name ? [] : [fieldError.required(`${path}.name`)]),
    ...(!type ? [fieldError.required(`${path}.type`, oneOf(columnTypes))] : columnTypes.includes(type) ? [] : [fieldError.invalid(`${path}.type`, type, oneOf(columnTypes))]),
    ...(!format || columnFormats.includes(format) ? [] : [fieldError.invalid(`${path}.format`, format, oneOf(columnFormats))]),
    ...(jsonPath ? checkSimplePath(`${path}.JSONPath`, jsonPath) : [fieldError.required(`${path}.JSONPath`)]),
  ]
}

const checkScalePath = (path: string, value: string, roots: readonly string[], why: string): FieldError[] => {
  const errors = checkSimplePath(path, value)
  return errors.length > 0 || roots.some((root) => value.startsWith(root)) ? errors : [fieldError.invalid(path, value, why)]
}

export const checkSubresources = (subresources: CustomResourceSubresources | undefined, path: string): FieldError[] => {
  const { scale } = subresources ?? {}
  if (!scale) return []
  const at = (field: string): string => `${path}.scale.${field}`
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale
  return [
    ...(specReplicasPath ? checkScalePath(at('specReplicasPath'), specReplicasPath, ['.spec.'], 'should be a json path under .spec') : [fieldError.required(at('specReplicasPath'))]),
    ...(statusReplicasPath ? checkScalePath(at('statusReplicasPath'), statusReplicasPath, ['.status.'], 'should be a json path under .status') : [fieldError.required(at('statusReplicasPath'))]),
    ...(labelSelectorPath ? checkScalePath(at('labelSelectorPath'), labelSelectorPath, ['.spec.', '.status.'], 'should be a json path under either .spec or .status') : []),
  ]
}

const maxSelectableFields = 8
const selectableTypes = ['string', 'boolean', 'integer']

export const checkSelectableFields = (fields: readonly SelectableField[] | undefined, schema: JSONSchemaProps | undefined, path: string): FieldError[] => {
  if (!fields || fields.length === 0) return []
  if (!schema) return [fieldError.invalid(path, '', 'may only be set when `version.schema.openAPIV3Schema` is included')]
  const seen = new Set<string>()
  const errors = fields.flatMap(({ jsonPath }, index) => {
    const at = `${path}[${index}].jsonPath`
    if (!jsonPath) return [fieldError.required(at)]
    const found = fieldPathSchema(jsonPath, schema, { brackets: false })
    if ('error' in found) return [fieldError.invalid(at, jsonPath, `is an invalid path: ${found.error}`)]
    const name = found.names.join('.')
    const repeated = seen.has(name)
    seen.add(name)
    return [
      ...(found.names[0] === 'metadata' ? [fieldError.invalid(at, jsonPath, 'must not point to fields in metadata')] : []),
      ...(selectableTypes.includes(found.schema.type ?? '') ? [] : [fieldError.invalid(at, jsonPath, 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.')]),
      ...(repeated ? [fieldError.duplicate(at, jsonPath)] : []),
    ]
  })
  return seen.size > maxSelectableFields ? [...errors, fieldError.tooMany(path, seen.size, maxSelectableFields)] : errors
}

/** Go's names of the fields that a schema's root may have beside a status subresource. */
const rootFields = ['Description', 'Type', 'Format', 'Title', 'Maximum', 'ExclusiveMaximum', 'Minimum', 'ExclusiveMinimum', 'MaxLength', 'MinLength', 'Pattern', 'MaxItems', 'MinItems', 'UniqueItems',
  'MultipleOf', 'Required', 'Items', 'Properties', 'ExternalDocs', 'Example', 'XPreserveUnknownFields', 'XValidations']
const goName = (field: string): string => (field.startsWith('x-kubernetes-') ? `X${field.slice('x-kubernetes-'.length).split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}`
  : field.charAt(0).toUpperCase() + field.slice(1))

const checkRootFields = (schema: JSONSchemaProps, path: string): FieldError[] => {
  for (const [field, value] of Object.entries(schema)) {
    if (value === undefined || value === false || value === '') continue
    if (field === 'type' && value !== 'object') return [fieldError.invalid(`${path}.type`, value, 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled')]
    if (!rootFields.includes(goName(field))) return [fieldError.invalid(path, schema, `only [${rootFields.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`)]
  }
  return []
}

/** Judges the rules of a schema that is in order otherwise. */
export type CheckSchemaRules = (schema: JSONSchemaProps, path: string) => FieldError[]

/** `path`: of openAPIV3Schema. */
export const checkSchema = (schema: JSONSchemaProps, path: string, { withStatus, checkRules }: { withStatus: boolean; checkRules: CheckSchemaRules }): FieldError[] => {
  const structural = checkStructural(schema, path)
  const defaults = structural.length > 0 ? [] : checkDefaults(structuralOf(schema), path)
  const errors = [
    ...(withStatus ? checkRootFields(schema, path) : []), ...(schema.nullable ? [fieldError.forbidden(`${path}.nullable`, 'nullable cannot be true at the root')] : []),
    ...structural, ...defaults, ...checkSchemaKeywords(schema, path),
  ]
  return errors.length > 0 ? errors : checkRules(schema, path)
}
