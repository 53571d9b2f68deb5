/** An applied configuration laid over an object: what it names wins, lists keep an order that respects both. Mirrors structured-merge-diff `typed/merge.go`. */
import { setOwn } from '../../equal.ts'
import type { JsonObject, JsonValue } from '../../meta.ts'
import { itemElement } from './path-element.ts'
import { resolved, type Shape } from './shape.ts'

type Value = JsonValue | undefined
const isObject = (value: Value): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const isEmpty = (value: Value): boolean => value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)

/** `left` under `right`; undefined where nothing is left of either. The result may share parts with both. */
export const mergeTyped = (left: Value, right: Value, declared: Shape): Value => {
  const shape = resolved(declared, left, right)
  if (shape.kind === 'leaf' || shape.kind === 'list' || (isEmpty(left) && isEmpty(right))) return right === undefined ? left : right
  if (shape.kind === 'struct' || shape.kind === 'map') return mergeMembers(isObject(left) ? left : {}, isObject(right) ? right : {}, shape)
  const items = new ListMerge(Array.isArray(left) ? left : [], Array.isArray(right) ? right : [], shape).run()
  return items.length > 0 ? items : undefined
}

const mergeMembers = (left: JsonObject, right: JsonObject, shape: Shape & { kind: 'struct' | 'map' }): Value => {
  const result: JsonObject = {}
  const member = (key: string): void => {
    const child = shape.kind === 'struct' ? shape.field(key) : shape.values
    const value = child && mergeTyped(Object.hasOwn(left, key) ? left[key] : undefined, Object.hasOwn(right, key) ? right[key] : undefined, child)
    if (value !== undefined) setOwn(result, key, value)
  }
  for (const key of Object.keys(left)) member(key)
  for (const key of Object.keys(right)) if (!Object.hasOwn(left, key)) member(key)
  return Object.keys(result).length > 0 ? result : undefined
}

interface Item { element: string; value: JsonValue }

/** Walks both lists at once; the order of what both have is the right one's, what only the left has keeps its place between. */
class ListMerge {
  readonly #left: readonly Item[]
  readonly #right: readonly Item[]
  readonly #shape: Shape & { kind: 'set' | 'keyed' }
  readonly #leftByElement: ReadonlyMap<string, JsonValue | undefined>
  readonly #rightByElement: ReadonlyMap<string, JsonValue>
  readonly #out: JsonValue[] = []

  constructor(left: readonly JsonValue[], right: readonly JsonValue[], shape: Shape & { kind: 'set' | 'keyed' }) {
    const elements = (items: readonly JsonValue[]): Item[] => items.flatMap((value) => {
      const found = itemElement(value, shape)
      return 'error' in found ? [] : [{ element: found.element, value }]
    })
    this.#left = elements(left)
    this.#right = elements(right)
    this.#shape = shape
    const seen = new Set<string>()
    const byElement = new Map<string, JsonValue | undefined>()
    // What stands twice is not merged with but replaced.
    for (const { element, value } of this.#left) {
      byElement.set(element, seen.has(element) ? undefined : value)
      seen.add(element)
    }
    this.#leftByElement = byElement
    this.#rightByElement = new Map(this.#right.map(({ element, value }) => [element, value]))
  }

  #take(left: Value, right: Value): void {
    const merged = mergeTyped(left, right, this.#shape.items)
    if (merged !== undefined) this.#out.push(merged)
  }

  run(): JsonValue[] {
    const shared = this.#right.map(({ element }) => element).filter((element) => this.#leftByElement.has(element))
    const merged = new Set<string>()
    let [l, r] = [0, 0]
    while (l < this.#left.length || r < this.#right.length) {
      const left = this.#left[l]
      const right = this.#right[r]
      if (left && right && left.element !== right.element && this.#rightByElement.has(left.element) && shared[0] !== undefined && shared[0] !== left.element) {
        // Both have it, but it is another one's turn.
        l++
      } else if (left && !this.#rightByElement.has(left.element)) {
        this.#take(left.value, undefined)
        l++
      } else {
        if (left && right && left.element === right.element) l++
        else if (left && merged.has(left.element)) l++
        if (!right) continue
        merged.add(right.element)
        this.#take(this.#leftByElement.get(right.element), right.value)
        r++
        if (shared[0] === right.element) shared.shift()
      }
    }
    return this.#out
  }
}
