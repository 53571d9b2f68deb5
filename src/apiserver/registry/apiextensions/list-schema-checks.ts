/** x-kubernetes-list-type and its keys. Mirrors the same part of apiextensions-apiserver's validation.go. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { JSONSchemaProps } from '../../../api/types.ts'
import { schemaIn } from '../../crd/schema/build.ts'
import { keyed } from './schema-path.ts'

const setItemErrors = (items: JSONSchemaProps, path: string): FieldError[] => {
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  const [listType, mapType] = [items['x-kubernetes-list-type'], items['x-kubernetes-map-type']]
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') return [fieldError.invalid(`${path}.items.x-kubernetes-list-type`, listType, why)]
  if (items.type === 'object' && mapType !== 'atomic') return [fieldError.invalid(`${path}.items.x-kubernetes-map-type`, listType ?? null, why)]
  return []
}

const checkType = (schema: JSONSchemaProps, path: string): FieldError[] => {
  const listType = schema['x-kubernetes-list-type']
  if (listType === undefined) return []
  const items = schemaIn(schema.items)
  const why = 'must be array if x-kubernetes-list-type is specified'
  return [
    ...(schema.type !== 'array' ? [schema.type ? fieldError.invalid(`${path}.type`, schema.type, why) : fieldError.required(`${path}.type`, why)] : listType === 'set' && items ? setItemErrors(items, path) : []),
    ...(['atomic', 'set', 'map'].includes(listType) ? [] : [fieldError.notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map'])]),
  ]
}

/** Keys are scalar fields of the items, each once. */
const checkKeys = (items: JSONSchemaProps, keys: readonly string[], path: string): FieldError[] => keys.flatMap((key, index) => {
  const field = Object.hasOwn(items.properties ?? {}, key) ? items.properties?.[key] : undefined
  return [
    ...(!field ? [fieldError.invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties')] : []),
    ...(field?.type === 'array' || field?.type === 'object' ? [fieldError.invalid(`${keyed(`${path}.items`, 'properties', key)}.type`, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map")] : []),
    ...(keys.indexOf(key) < index ? [fieldError.invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'must not contain duplicate entries')] : []),
  ]
})

const checkMap = (schema: JSONSchemaProps, keys: readonly string[], path: string): FieldError[] => {
  const items = schemaIn(schema.items)
  return [
    ...(keys.length === 0 ? [fieldError.required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map')] : []),
    ...(schema.items === undefined ? [fieldError.required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map')] : []),
    ...(items && items.type !== 'object' ? [fieldError.invalid(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map")] : []),
    ...(items?.type === 'object' ? checkKeys(items, keys, path) : []),
  ]
}

/** Items have an identity only if neither they nor their keys may be absent. */
const checkIdentity = (schema: JSONSchemaProps, keys: readonly string[], path: string): FieldError[] => {
  const items = schemaIn(schema.items)
  const listType = schema['x-kubernetes-list-type']
  if (!items || (listType !== 'set' && listType !== 'map')) return []
  return [
    ...(items.nullable ? [fieldError.forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`)] : []),
    ...(listType === 'set' ? [] : keys.flatMap((key) => {
      const field = Object.hasOwn(items.properties ?? {}, key) ? items.properties?.[key] : undefined
      if (!field) return []
      const at = keyed(`${path}.items`, 'properties', key)
      return [
        ...(items.required?.includes(key) || field.default !== undefined ? [] : [fieldError.required(`${at}.default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property')]),
        ...(field.nullable ? [fieldError.forbidden(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable')] : []),
      ]
    })),
  ]
}

export const checkListSchema = (schema: JSONSchemaProps, path: string): FieldError[] => {
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const why = 'must be map if x-kubernetes-list-map-keys is non-empty'
  return [
    ...checkType(schema, path),
    ...(keys.length > 0 && listType !== 'map' ? [listType === undefined ? fieldError.required(`${path}.x-kubernetes-list-type`, why) : fieldError.invalid(`${path}.x-kubernetes-list-type`, listType, why)] : []),
    ...(listType === 'map' ? checkMap(schema, keys, path) : []),
    ...checkIdentity(schema, keys, path),
  ]
}
