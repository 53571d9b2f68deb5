/** Takes fields out of an object. Mirrors structured-merge-diff `typed/remove.go` and `Set.EnsureNamedFieldsAreMembers`. */
import { setOwn } from '../../equal.ts'
import type { JsonObject, JsonValue } from '../../meta.ts'
import { emptySet, type FieldSet, isEmptySet } from './field-set.ts'
import { fieldElement, itemElement } from './path-element.ts'
import { resolved, type Shape } from './shape.ts'

const isObject = (value: JsonValue): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value without the members of `fields`; null where everything is gone. */
export const removeItems = (value: JsonValue, fields: FieldSet, declared: Shape): JsonValue => {
  const shape = resolved(declared, value)
  if (isEmptySet(fields) || (shape.kind === 'leaf' && shape.inside === undefined)) return value
  if (shape.kind === 'leaf' || shape.kind === 'list') return null
  if (Array.isArray(value) && (shape.kind === 'set' || shape.kind === 'keyed')) {
    const items = value.flatMap((item): JsonValue[] => {
      const found = itemElement(item, shape)
      const below = ('element' in found && fields.children.get(found.element)) || emptySet
      return below.member ? [] : [below.children.size > 0 ? removeItems(item, below, shape.items) : item]
    })
    return items.length > 0 ? items : null
  }
  if (!isObject(value) || (shape.kind !== 'struct' && shape.kind !== 'map')) return null
  const result: JsonObject = {}
  for (const [key, member] of Object.entries(value)) {
    const below = fields.children.get(fieldElement(key)) ?? emptySet
    const child = shape.kind === 'struct' ? shape.field(key) : shape.values
    if (below.member || member === undefined) continue
    setOwn(result, key, child && below.children.size > 0 ? removeItems(member, below, child) : member)
  }
  return Object.keys(result).length > 0 ? result : null
}

const childShape = (shape: Shape | undefined, element: string): Shape | undefined => {
  if (shape?.kind === 'struct' && element.startsWith('f:')) return shape.field(element.slice(2))
  if (shape?.kind === 'map') return shape.values
  if (shape?.kind === 'deduced') return shape
  return shape?.kind === 'set' || shape?.kind === 'keyed' ? shape.items : undefined
}

/** The set with every field of a struct that it reaches into: who owns `a.b.c` owns `a`, if `a` is named in the schema. */
export const withNamedFields = (set: FieldSet, shape: Shape | undefined): FieldSet => {
  const children = new Map<string, FieldSet>()
  for (const [element, child] of set.children) {
    const named = shape?.kind === 'struct' && element.startsWith('f:') && shape.field(element.slice(2)) !== undefined
    const below = withNamedFields(child, childShape(shape, element))
    children.set(element, { member: child.member || (named && child.children.size > 0), children: below.children })
  }
  return { member: set.member, children }
}
