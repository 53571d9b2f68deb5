/** Whether a configuration is of its type, in structured-merge-diff's words (`typed/validate.go`). */
import type { JsonObject, JsonValue } from '../../meta.ts'
import { fieldElement, formatElement, formatPath, itemElement } from './path-element.ts'
import { type LeafType, resolved, type Shape } from './shape.ts'

const isObject = (value: JsonValue): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** As Go prints a value with %v. */
const goText = (value: JsonValue | undefined): string => {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (value !== null && typeof value === 'object') return `map[${Object.keys(value).sort().map((key) => `${key}:${goText(value[key])}`).join(' ')}]`
  return value === null || value === undefined ? '<nil>' : String(value)
}

const goTypeName = (value: JsonValue): string => {
  if (Array.isArray(value)) return '[]interface {}'
  return typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'bool' : 'map[string]interface {}'
}

const leafError = (value: JsonValue, type: LeafType): string | undefined => {
  if (value === null) return undefined
  switch (type) {
    case 'number': return typeof value === 'number' ? undefined : `expected numeric (int or float), got ${goTypeName(value)}`
    case 'string': return typeof value === 'string' ? undefined : `expected string, got &value.valueUnstructured{Value:${typeof value === 'object' ? goTypeName(value) : goText(value)}}`
    case 'boolean': return typeof value === 'boolean' ? undefined : `expected boolean, got &{${goText(value)}}`
    case 'scalar': return typeof value === 'object' ? `expected any scalar, got &{${goText(value)}}` : undefined
    default: return undefined
  }
}

const validateList = (value: JsonValue, path: string[], shape: Shape & { kind: 'list' | 'set' | 'keyed' }): string[] => {
  if (value === null) return []
  if (!Array.isArray(value)) return [at(path, `expected list, got &{${goText(value)}}`)]
  const seen = new Set<string>()
  const errors: string[] = []
  for (const [index, item] of value.entries()) {
    const found = shape.kind === 'list' ? { element: `i:${index}` } : itemElement(item, shape)
    // Without an element there is no path for what follows.
    if ('error' in found) return [...errors, at(path, `element ${index}: ${found.error}`)]
    if (seen.has(found.element)) errors.push(at(path, `duplicate entries for key ${formatElement(found.element)}`))
    seen.add(found.element)
    errors.push(...validateAt(item, [...path, found.element], shape.items))
  }
  return errors
}

const validateMembers = (value: JsonValue, path: string[], shape: Shape & { kind: 'struct' | 'map' }): string[] => {
  if (value === null) return []
  if (!isObject(value)) return [at(path, `expected map, got &{${goText(value)}}`)]
  const errors: string[] = []
  for (const [key, member] of Object.entries(value)) {
    const child = shape.kind === 'struct' ? shape.field(key) : shape.values
    const below = [...path, fieldElement(key)]
    if (!child) return [...errors, at(below, 'field not declared in schema')]
    errors.push(...validateAt(member ?? null, below, child))
  }
  return errors
}

const at = (path: readonly string[], message: string): string => (path.length === 0 ? message : `${formatPath(path)}: ${message}`)

const validateAt = (value: JsonValue, path: string[], declared: Shape): string[] => {
  const shape = resolved(declared, value)
  switch (shape.kind) {
    case 'leaf': {
      if (shape.inside) return validateAt(value, path, shape.inside)
      const error = leafError(value, shape.type)
      return error === undefined ? [] : [at(path, error)]
    }
    case 'struct': case 'map': return validateMembers(value, path, shape)
    default: return validateList(value, path, shape)
  }
}

/** Everything that is wrong, as one message; undefined where nothing is. */
export const validateTyped = (value: JsonValue, shape: Shape): string | undefined => {
  const errors = validateAt(value, [], shape)
  if (errors.length <= 1) return errors[0]
  return ['errors:', ...errors.map((error) => `  ${error}`)].join('\n')
}
