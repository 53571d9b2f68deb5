/** Equality and copies of JSON values: what `reflect.DeepEqual` and DeepCopy are upstream. */
import type { JsonValue } from './meta.ts'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

const sameArrays = (left: readonly unknown[], right: readonly unknown[]): boolean => {
  if (left.length !== right.length) return false
  for (let index = 0; index < left.length; index++) if (!deepEqual(left[index], right[index])) return false
  return true
}

const sameRecords = (left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean => {
  let defined = 0
  for (const key of Object.keys(left)) {
    const value = left[key]
    if (value === undefined) continue
    if (!Object.hasOwn(right, key) || !deepEqual(value, right[key])) return false
    defined++
  }
  for (const key of Object.keys(right)) if (right[key] !== undefined) defined--
  return defined === 0
}

/** Whether two JSON values are the same; the order of keys does not count, and a key that is undefined counts as absent. */
export const deepEqual = (left: unknown, right: unknown): boolean => {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left)) return Array.isArray(right) && sameArrays(left, right)
  return isRecord(left) && isRecord(right) && sameRecords(left, right)
}

/** equality.Semantic.DeepEqual: besides, an empty list or map is the same as none. */
export const semanticEqual = (left: unknown, right: unknown): boolean => {
  if (left === right) return true
  if (isEmpty(left) && isEmpty(right)) return true
  if (Array.isArray(left) && Array.isArray(right)) return left.length === right.length && left.every((item, index) => semanticEqual(item, right[index]))
  if (!isRecord(left) || !isRecord(right)) return deepEqual(left, right)
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) =>
    semanticEqual(Object.hasOwn(left, key) ? left[key] : undefined, Object.hasOwn(right, key) ? right[key] : undefined))
}

const isEmpty = (value: unknown): boolean => value === undefined || value === null || (Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0)

/** Sets a key as data, whatever its name: `__proto__` becomes an ordinary own key. */
export const setOwn = (target: object, key: string, value: unknown): void => {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  else (target as Record<string, unknown>)[key] = value
}

/** A copy that shares nothing. Only JSON values; undefined keys are dropped. */
export const deepCopy = <T>(value: T): T => copy(value) as T

const copy = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copy)
  const result = {}
  for (const [key, each] of Object.entries(value)) if (each !== undefined) setOwn(result, key, copy(each))
  return result
}

/** `value[key]` of a JSON object, never of its prototype. */
export const own = (value: Readonly<Record<string, JsonValue | undefined>>, key: string): JsonValue | undefined => (Object.hasOwn(value, key) ? value[key] : undefined)

/** Freezes a value and all that it holds: for objects that a cache shares. */
export const deepFreeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of Object.values(value)) deepFreeze(each)
  }
  return value
}
