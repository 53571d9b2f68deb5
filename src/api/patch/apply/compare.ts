/** What differs between two objects, as sets of fields. Mirrors structured-merge-diff `typed/compare.go`. */
import { deepEqual } from '../../equal.ts'
import type { JsonObject, JsonValue } from '../../meta.ts'
import { FieldSetBuilder, type FieldSet, isEmptySet } from './field-set.ts'
import { fieldElement, itemElement } from './path-element.ts'
import { resolved, type Shape } from './shape.ts'

/** From left to right. */
export interface Comparison { added: FieldSet; modified: FieldSet; removed: FieldSet }

export const isSame = ({ added, modified, removed }: Comparison): boolean => isEmptySet(added) && isEmptySet(modified) && isEmptySet(removed)

type Value = JsonValue | undefined
const isObject = (value: Value): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const isEmpty = (value: Value): boolean => value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)

class Comparer {
  readonly added = new FieldSetBuilder()
  readonly modified = new FieldSetBuilder()
  readonly removed = new FieldSetBuilder()
  readonly #path: string[] = []

  #leaf(left: Value, right: Value): void {
    if (left === undefined) this.added.insert(this.#path)
    else if (right === undefined) this.removed.insert(this.#path)
    else if (!deepEqual(left, right)) this.modified.insert(this.#path)
  }

  #at(element: string, left: Value, right: Value, shape: Shape): void {
    this.#path.push(element)
    this.compare(left, right, shape)
    this.#path.pop()
  }

  compare(left: Value, right: Value, declared: Shape): void {
    if (left === right) return
    const shape = resolved(declared, left, right)
    // Empty and absent are told apart only as a whole.
    if (shape.kind === 'leaf' || shape.kind === 'list' || (isEmpty(left) && isEmpty(right))) {
      this.#leaf(left, right)
      return
    }
    if (shape.kind === 'struct' || shape.kind === 'map') this.#members(isObject(left) ? left : {}, isObject(right) ? right : {}, shape)
    else this.#items(Array.isArray(left) ? left : [], Array.isArray(right) ? right : [], shape)
    if (left === undefined) this.added.insert(this.#path)
    else if (right === undefined) this.removed.insert(this.#path)
  }

  #members(left: JsonObject, right: JsonObject, shape: Shape & { kind: 'struct' | 'map' }): void {
    const member = (key: string): void => {
      const [before, after] = [Object.hasOwn(left, key) ? left[key] : undefined, Object.hasOwn(right, key) ? right[key] : undefined]
      if (before === after) return
      const child = shape.kind === 'struct' ? shape.field(key) : shape.values
      if (child) this.#at(fieldElement(key), before, after, child)
    }
    for (const key of Object.keys(left)) member(key)
    for (const key of Object.keys(right)) if (!Object.hasOwn(left, key)) member(key)
  }

  #items(left: readonly JsonValue[], right: readonly JsonValue[], shape: Shape & { kind: 'set' | 'keyed' }): void {
    if (deepEqual(left, right)) return
    const [before, after] = [itemsByElement(left, shape), itemsByElement(right, shape)]
    for (const element of new Set([...before.keys(), ...after.keys()])) {
      const [old, next] = [before.get(element) ?? [], after.get(element) ?? []]
      if (old.length <= 1 && next.length <= 1) this.#at(element, old[0], next[0], shape.items)
      else this.#repeated(element, { old, next }, shape.items)
    }
  }

  /** Items that stand more than once are owned as a whole, under the element that they share. */
  #repeated(element: string, { old, next }: { old: readonly JsonValue[]; next: readonly JsonValue[] }, shape: Shape): void {
    const path = [...this.#path, element]
    if (old.length >= 2 && next.length >= 2) {
      if (!deepEqual(old, next)) this.modified.insert(path)
    } else if (old.length >= 2) {
      if (next.length > 0) this.#at(element, undefined, next[0], shape)
      this.removed.insert(path)
    } else {
      if (old.length > 0) this.#at(element, old[0], undefined, shape)
      this.added.insert(path)
    }
  }
}

/** Items by element; the same element more than once is possible in what was stored before lists were keyed. */
const itemsByElement = (items: readonly JsonValue[], shape: Shape & { kind: 'set' | 'keyed' }): Map<string, JsonValue[]> => {
  const found = new Map<string, JsonValue[]>()
  for (const item of items) {
    const result = itemElement(item, shape)
    if ('error' in result) continue
    const present = found.get(result.element)
    if (present) present.push(item)
    else found.set(result.element, [item])
  }
  return found
}

export const compareTyped = (left: JsonValue, right: JsonValue, shape: Shape): Comparison => {
  const comparer = new Comparer()
  comparer.compare(left, right, shape)
  return { added: comparer.added.set, modified: comparer.modified.set, removed: comparer.removed.set }
}
