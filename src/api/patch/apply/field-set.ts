/**
 * Sets of fields, as managedFields records them. A set is a tree: its branches are path elements in FieldsV1's spelling (`f:name`, `k:{"name":"a"}`,
 * `v:"x"`, `i:0`), and each node says whether it belongs to the set itself. Immutable once it has left its builder. Mirrors structured-merge-diff `fieldpath`.
 */
import { setOwn } from '../../equal.ts'
import type { JsonObject, JsonValue } from '../../meta.ts'

export interface FieldSet {
  readonly member: boolean
  readonly children: ReadonlyMap<string, FieldSet>
}

interface Builder extends FieldSet { member: boolean; children: Map<string, Builder> }

const none: ReadonlyMap<string, FieldSet> = new Map()
export const emptySet: FieldSet = { member: false, children: none }
const leaf: FieldSet = { member: true, children: none }

export const isEmptySet = (set: FieldSet): boolean => !set.member && set.children.size === 0

/** Collects paths, one by one. */
export class FieldSetBuilder {
  readonly #root: Builder = { member: false, children: new Map() }

  insert(path: readonly string[]): void {
    let node = this.#root
    for (const element of path) {
      let child = node.children.get(element)
      if (!child) {
        child = { member: false, children: new Map() }
        node.children.set(element, child)
      }
      node = child
    }
    node.member = true
  }

  get set(): FieldSet { return this.#root }
}

const node = (member: boolean, children: ReadonlyMap<string, FieldSet>): FieldSet | undefined => {
  if (children.size > 0) return { member, children }
  return member ? leaf : undefined
}

export const union = (left: FieldSet, right: FieldSet): FieldSet => {
  if (isEmptySet(left)) return right
  if (isEmptySet(right)) return left
  const children = new Map(left.children)
  for (const [element, child] of right.children) {
    const present = children.get(element)
    children.set(element, present ? union(present, child) : child)
  }
  return { member: left.member || right.member, children }
}

/** What is in `left` and not in `right`. */
export const difference = (left: FieldSet, right: FieldSet): FieldSet => differenceNode(left, right) ?? emptySet

const differenceNode = (left: FieldSet, right: FieldSet): FieldSet | undefined => {
  const children = new Map<string, FieldSet>()
  for (const [element, child] of left.children) {
    const other = right.children.get(element)
    const rest = other ? differenceNode(child, other) : child
    if (rest) children.set(element, rest)
  }
  return node(left.member && !right.member, children)
}

/** What is in both. */
export const intersection = (left: FieldSet, right: FieldSet): FieldSet => intersectionNode(left, right) ?? emptySet

const intersectionNode = (left: FieldSet, right: FieldSet): FieldSet | undefined => {
  const children = new Map<string, FieldSet>()
  for (const [element, child] of left.children) {
    const other = right.children.get(element)
    const both = other && intersectionNode(child, other)
    if (both) children.set(element, both)
  }
  return node(left.member && right.member, children)
}

export const setsEqual = (left: FieldSet, right: FieldSet): boolean =>
  left.member === right.member && left.children.size === right.children.size && [...left.children].every(([element, child]) => {
    const other = right.children.get(element)
    return other !== undefined && setsEqual(child, other)
  })

/** Every path of the set: at each level first the members, then what is below them. */
export const pathsOf = (set: FieldSet, prefix: readonly string[] = []): string[][] => {
  const sorted = [...set.children].sort(([a], [b]) => (a < b ? -1 : 1))
  return [...sorted.filter(([, child]) => child.member).map(([element]) => [...prefix, element]), ...sorted.flatMap(([element, child]) => pathsOf(child, [...prefix, element]))]
}

/** A set as FieldsV1's JSON, in a stable order. */
export const toFieldsV1 = (set: FieldSet): JsonObject => {
  const result: JsonObject = {}
  if (set.member && set.children.size > 0) result['.'] = {}
  const elements = [...set.children.keys()]
  for (const element of elements.length > 1 ? elements.sort() : elements) setOwn(result, element, toFieldsV1(set.children.get(element) ?? emptySet))
  return result
}

const sortedKeys = (value: JsonObject): JsonObject => Object.fromEntries(Object.keys(value).sort().map((key) => [key, value[key]]))

/** One spelling for each element, whoever wrote it. */
const canonicalElement = (element: string): string => {
  const text = element.slice(2)
  switch (element.slice(0, 2)) {
    case 'f:': return element
    case 'k:': {
      const keys = JSON.parse(text) as JsonValue
      if (typeof keys !== 'object' || keys === null || Array.isArray(keys)) throw new Error(`${element} is no key of a list's item`)
      return `k:${JSON.stringify(sortedKeys(keys))}`
    }
    case 'v:': return `v:${JSON.stringify(JSON.parse(text))}`
    case 'i:': return `i:${Number.parseInt(text, 10)}`
    default: throw new Error(`${JSON.stringify(element)} is no path element: it must start with f:, k:, v: or i:`)
  }
}

/** A set from FieldsV1's JSON. Throws where it is none. */
export const fromFieldsV1 = (fields: JsonValue | undefined): FieldSet => fromNode(fields ?? {}, true)

const fromNode = (fields: JsonValue, isRoot: boolean): FieldSet => {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new Error('a field set must be a JSON object')
  const keys = Object.keys(fields)
  if (keys.length === 0) return isRoot ? emptySet : leaf
  const children = new Map<string, FieldSet>()
  for (const key of keys) if (key !== '.') children.set(canonicalElement(key), fromNode(fields[key] ?? {}, false))
  return { member: Object.hasOwn(fields, '.'), children }
}
