/** Path elements: how the items of lists are told apart, and how paths are shown. Mirrors structured-merge-diff `fieldpath/element.go`. */
import type { JsonObject, JsonValue } from '../../meta.ts'
import type { Shape } from './shape.ts'

export const fieldElement = (name: string): string => `f:${name}`

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The element of a list's item, or what is wrong with the item. */
export const itemElement = (item: JsonValue, shape: Shape & { kind: 'set' | 'keyed' }): { element: string } | { error: string } => {
  if (shape.kind === 'set') {
    if (item === null) return { error: "associative list without keys has an element that's an explicit null" }
    if (Array.isArray(item)) return { error: 'not supported: associative list with lists as elements' }
    if (typeof item === 'object') return { error: "associative list without keys has an element that's a map type" }
    return { element: `v:${JSON.stringify(item)}` }
  }
  if (item === null) return { error: 'associative list with keys may not have a null element' }
  if (!isObject(item)) return { error: 'associative list with keys may not have non-map elements' }
  const keys: JsonObject = {}
  let found = 0
  for (const key of shape.sortedKeys) {
    const value = Object.hasOwn(item, key) ? item[key] : shape.keyDefaults[key]
    if (value === undefined) continue
    keys[key] = value
    found++
  }
  if (found > 0) return { element: `k:${JSON.stringify(keys)}` }
  return { error: `associative list with keys has an element that omits all key fields ${JSON.stringify(shape.sortedKeys).replaceAll(',', ' ')} (and doesn't have default values for any key fields)` }
}

/** One element as text: `.name`, `[name="a"]`, `[="x"]`, `[0]`. */
export const formatElement = (element: string): string => {
  const text = element.slice(2)
  switch (element.charAt(0)) {
    case 'f': return `.${text}`
    case 'i': return `[${text}]`
    case 'v': return `[=${text}]`
    default: return `[${Object.entries(JSON.parse(text) as JsonObject).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
  }
}

/** `.spec.containers[name="a"].image` */
export const formatPath = (path: readonly string[]): string => path.map(formatElement).join('')
