/** Which part of an object's former state is the same part. Mirrors apiserver's `pkg/cel/common/equality.go` (CorrelatedObject). */
import { deepEqual } from '../../../api/equal.ts'
import type { JsonObject, JsonValue } from '../../../api/meta.ts'
import { isObject, type Structural } from './structural.ts'

/** Undefined where there was no such part, or nobody can tell which. */
export type OldValue = { value: JsonValue } | undefined

export const oldMember = (old: OldValue, key: string): OldValue =>
  (old !== undefined && isObject(old.value) && Object.hasOwn(old.value, key) ? { value: old.value[key] ?? null } : undefined)

/** What tells items of a keyed list apart. */
export const keysOf = (item: JsonObject, { listMapKeys }: Pick<Structural, 'listMapKeys'>): JsonObject =>
  Object.fromEntries(listMapKeys.map((key) => [key, Object.hasOwn(item, key) ? item[key] : null]))

/** The item of a keyed list that has the same keys; items of other lists have no identity. */
export const oldItem = (old: OldValue, item: JsonValue, list: Structural): OldValue => {
  if (old === undefined || list.listType !== 'map' || !Array.isArray(old.value) || !isObject(item)) return undefined
  const keys = keysOf(item, list)
  const found = old.value.find((each) => isObject(each) && deepEqual(keysOf(each, list), keys))
  return found === undefined ? undefined : { value: found }
}
