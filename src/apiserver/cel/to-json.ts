/** Values of expressions as JSON. Mirrors cel-go's `ConvertToNative` to structpb, as mutations use it. */
import { Buffer } from 'node:buffer'
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import { celError } from './errors.ts'
import { toText } from './library/conversions.ts'
import { CelDuration, CelMap, CelOptional, CelStruct, CelTimestamp, CelUint, type CelValue, isList } from './values.ts'

const fromEntries = (entries: Iterable<readonly [string, CelValue]>): JsonObject => {
  const object: JsonObject = {}
  // Defined, not assigned: a key `__proto__` is a key like others.
  for (const [key, value] of entries) Object.defineProperty(object, key, { value: toJson(value), enumerable: true, configurable: true, writable: true })
  return object
}

function* entriesOf(map: CelMap): Iterable<readonly [string, CelValue]> {
  for (const key of map.keys()) yield [toText(key), map.get(key) ?? null]
}

/** Throws a CelEvaluationError for what JSON cannot hold. */
export const toJson = (value: CelValue): JsonValue => {
  switch (typeof value) {
    case 'string': case 'boolean': return value
    case 'bigint': return Number(value)
    case 'number': if (Number.isFinite(value)) return value; break
    default:
  }
  if (value === null) return null
  if (isList(value)) return value.map(toJson)
  if (value instanceof CelMap) return fromEntries(entriesOf(value))
  if (value instanceof CelStruct) return fromEntries(value.fields)
  if (value instanceof CelUint) return Number(value.value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof CelTimestamp || value instanceof CelDuration) return toText(value)
  if (value instanceof CelOptional) return value.value === undefined ? null : toJson(value.value)
  throw celError('unsupported conversion to JSON')
}
