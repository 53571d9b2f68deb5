/** JSON Merge Patch (RFC 7386). */
import { deepCopy, setOwn } from '../equal.ts'
import type { JsonObject, JsonValue } from '../meta.ts'

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The target after the patch: null removes, maps merge, all else replaces. Neither is changed, and the result shares nothing with them. */
export const applyMergePatch = (target: JsonValue | undefined, patch: JsonValue): JsonValue => {
  if (!isObject(patch)) return deepCopy(patch)
  const result: JsonObject = isObject(target) ? deepCopy(target) : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === undefined) delete result[key]
    else setOwn(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value))
  }
  return result
}
