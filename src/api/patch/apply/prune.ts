/** Takes away what an applier applied before and applies no more, unless somebody else manages it. Mirrors `merge/update.go` (prune). */
import type { JsonObject } from '../../meta.ts'
import { difference, type FieldSet, intersection, isEmptySet, union } from './field-set.ts'
import { fieldSetOf } from './field-set-of.ts'
import { removeItems, withNamedFields } from './remove.ts'
import type { Shape } from './shape.ts'

export interface Pruning {
  /** What the applier applied last time. */
  last: FieldSet
  /** What anybody manages, with all that the new configuration names. */
  managed: FieldSet
  shape: Shape
}

const without = (object: JsonObject, fields: FieldSet, shape: Shape): JsonObject => (removeItems(object, fields, shape) ?? {}) as JsonObject

export const pruneApplied = (merged: JsonObject, { last, managed, shape }: Pruning): JsonObject => {
  if (isEmptySet(last)) return merged
  const named = (set: FieldSet): FieldSet => withNamedFields(set, shape)
  const mergedFields = named(fieldSetOf(merged, shape))
  const fieldsOf = (object: JsonObject): FieldSet => named(fieldSetOf(object, shape))
  // First everything of last time goes, …
  const stripped = without(merged, named(last), shape)
  // … then what is managed comes back, …
  const restored = without(merged, difference(mergedFields, union(fieldsOf(stripped), named(managed))), shape)
  // … and what only stood below something that went, without having been applied last time.
  return without(merged, intersection(difference(mergedFields, fieldsOf(restored)), named(last)), shape)
}
