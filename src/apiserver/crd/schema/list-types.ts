/** Sets hold nothing twice, and keyed lists no two items with the same keys. Mirrors apiextensions-apiserver's `pkg/apiserver/schema/listtype/validation.go`. */
import type { JsonObject, JsonValue } from '../../../api/meta.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import { keysOf } from './correlate.ts'
import { isObject, memberSchema, type Structural } from './structural.ts'

/** The same text for equal values, whatever the order of their keys. */
const identity = (value: JsonValue | undefined): string => {
  if (Array.isArray(value)) return `[${value.map(identity).join(',')}]`
  return isObject(value) ? `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${identity(value[key])}`).join(',')}}` : JSON.stringify(value ?? null)
}

/** Keys that an item leaves out are not shown. */
const shownKeys = (item: JsonObject, schema: Structural): JsonObject => Object.fromEntries(schema.listMapKeys.filter((key) => Object.hasOwn(item, key)).map((key) => [key, item[key]]))

const duplicates = (items: readonly JsonValue[], path: string, tell: (item: JsonValue) => { id: string; shown: JsonValue } | undefined): FieldError[] => {
  const seen = new Map<string, boolean>()
  return items.flatMap((item, index) => {
    const told = tell(item)
    if (!told) return []
    const times = seen.get(told.id)
    seen.set(told.id, times !== undefined)
    // Once for each value that stands there more than once.
    return times === false ? [fieldError.duplicate(`${path}[${index}]`, told.shown)] : []
  })
}

export const checkListTypes = (value: JsonValue | undefined, schema: Structural, path = ''): FieldError[] => {
  if (Array.isArray(value)) {
    const { items } = schema
    return [
      ...(schema.listType === 'set' ? duplicates(value, path, (item) => ({ id: identity(item), shown: item })) : []),
      ...(schema.listType === 'map' ? duplicates(value, path, (item) => (isObject(item) ? { id: identity(keysOf(item, schema)), shown: shownKeys(item, schema) } : undefined)) : []),
      ...(items ? value.flatMap((item, index) => checkListTypes(item, items, `${path}[${index}]`)) : []),
    ]
  }
  if (!isObject(value)) return []
  return Object.keys(value).flatMap((key) => {
    const member = memberSchema(schema, key)
    if (!member) return []
    return checkListTypes(value[key], member, schema.properties.has(key) ? (path === '' ? key : `${path}.${key}`) : `${path}[${key}]`)
  })
}
