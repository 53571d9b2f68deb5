/** Fields of values, for evaluation. */
import { celError } from './errors.ts'
import { CelMap, CelOptional, CelStruct, type CelValue, isList, noOptional } from './values.ts'

/** One field of a value; undefined when it is not there, as in everything that has no fields (null). */
export const fieldOf = (value: CelValue, field: string): CelValue | undefined => {
  if (value instanceof CelMap) return value.get(field)
  if (value instanceof CelStruct) return value.fields.get(field)
  if (isList(value)) throw celError("unsupported index type 'string' in list")
  return undefined
}

/** `value.?field`, of an optional value too. */
export const optionalField = (value: CelValue, field: string): CelOptional => {
  const inner = value instanceof CelOptional ? value.value : value
  if (inner === undefined) return noOptional
  const found = fieldOf(inner, field)
  return found === undefined ? noOptional : new CelOptional(found)
}
