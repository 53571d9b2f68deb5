/** Defaults of a schema, and nulls that it does not allow. Mirrors apiextensions-apiserver's `pkg/apiserver/schema/defaulting`. */
import { deepCopy, setOwn } from '../../../api/equal.ts'
import type { JsonValue } from '../../../api/meta.ts'
import { additionalSchema, isObject, memberSchema, type Structural } from './structural.ts'

const isForbiddenNull = (value: JsonValue | undefined, schema: Structural | undefined): boolean => value === null && schema !== undefined && !schema.nullable

/** Fills what is absent, or null where null is not allowed; in place. Absent objects are not made for the sake of defaults within. */
export const applyDefaults = (value: JsonValue | undefined, schema: Structural): void => {
  if (Array.isArray(value)) {
    const { items } = schema
    if (!items) return
    for (let index = 0; index < value.length; index++) {
      if (isForbiddenNull(value[index], items) && items.default !== undefined) value[index] = deepCopy(items.default)
      applyDefaults(value[index], items)
    }
  } else if (isObject(value)) {
    for (const [key, property] of schema.properties) {
      if (property.default === undefined) continue
      if (!Object.hasOwn(value, key) || isForbiddenNull(value[key], property)) setOwn(value, key, deepCopy(property.default))
    }
    const additional = additionalSchema(schema)
    for (const key of Object.keys(value)) {
      const property = schema.properties.get(key)
      if (property) applyDefaults(value[key], property)
      else if (additional) {
        if (isForbiddenNull(value[key], additional) && additional.default !== undefined) setOwn(value, key, deepCopy(additional.default))
        applyDefaults(value[key], additional)
      }
    }
  }
}

/** Drops members that are null though neither nullable nor defaulted; in place. */
export const dropForbiddenNulls = (value: JsonValue | undefined, schema: Structural): void => {
  if (Array.isArray(value)) {
    if (schema.items) for (const item of value) dropForbiddenNulls(item, schema.items)
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const member = memberSchema(schema, key)
      if (!member) continue
      if (isForbiddenNull(value[key], member) && member.default === undefined) delete value[key]
      else dropForbiddenNulls(value[key], member)
    }
  }
}
