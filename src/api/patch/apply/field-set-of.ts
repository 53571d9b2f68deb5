/** The fields that a configuration names: what its applier will own. Mirrors structured-merge-diff `typed/tofieldset.go`. */
import type { JsonObject, JsonValue } from '../../meta.ts'
import { FieldSetBuilder, type FieldSet } from './field-set.ts'
import { fieldElement, itemElement } from './path-element.ts'
import { resolved, type Shape } from './shape.ts'

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const isEmptyMap = (value: JsonValue): boolean => value === null || (isObject(value) && Object.keys(value).length === 0)

const walk = (value: JsonValue, at: { shape: Shape; path: string[] }, into: FieldSetBuilder): void => {
  const { path } = at
  const shape = resolved(at.shape, value)
  if (shape.kind === 'leaf' || shape.kind === 'list') {
    into.insert(path)
    return
  }
  if (Array.isArray(value) && (shape.kind === 'set' || shape.kind === 'keyed')) {
    for (const item of value) {
      const found = itemElement(item, shape)
      if ('error' in found) continue
      path.push(found.element)
      walk(item, { shape: shape.items, path }, into)
      into.insert(path)
      path.pop()
    }
  } else if (isObject(value) && (shape.kind === 'struct' || shape.kind === 'map')) {
    for (const key of Object.keys(value)) {
      const member = value[key]
      const child = shape.kind === 'struct' ? shape.field(key) : shape.values
      if (member === undefined || !child) continue
      path.push(fieldElement(key))
      walk(member, { shape: child, path }, into)
      if (shape.kind === 'map' || isEmptyMap(member)) into.insert(path)
      path.pop()
    }
  }
}

export const fieldSetOf = (value: JsonValue, shape: Shape): FieldSet => {
  const builder = new FieldSetBuilder()
  walk(value, { shape, path: [] }, builder)
  return builder.set
}
