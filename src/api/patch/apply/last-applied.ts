/** The annotation in which `kubectl apply` keeps its last configuration, for the move from client-side to server-side apply. Mirrors `managedfields/internal/lastapplied*.go`. */
import type { JsonObject, JsonValue } from '../../meta.ts'
import { compareTyped } from './compare.ts'
import { difference, type FieldSet, union } from './field-set.ts'
import { fieldSetOf } from './field-set-of.ts'
import type { Shape } from './shape.ts'
import { validateTyped } from './validate.ts'

export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'
const maxAnnotationBytes = 256 * 1024

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

export const annotationOf = (object: JsonObject, name: string): string | undefined => {
  const annotations = isObject(object['metadata']) ? object['metadata']['annotations'] : undefined
  const value = isObject(annotations) && Object.hasOwn(annotations, name) ? annotations[name] : undefined
  return typeof value === 'string' ? value : undefined
}

/** What the last client-side apply set and what is still as it set it; undefined where there was none that can be read. */
export const lastAppliedFields = (live: JsonObject, shape: Shape): FieldSet | undefined => {
  const text = annotationOf(live, lastAppliedAnnotation)
  if (text === undefined || text === '') return undefined
  let last: JsonValue
  try {
    last = JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
  if (!isObject(last) || validateTyped(last, shape) !== undefined) return undefined
  const { added, modified, removed } = compareTyped(last, live, shape)
  return difference(fieldSetOf(last, shape), union(union(added, modified), removed))
}

const withSortedKeys = (value: JsonValue): JsonValue => {
  if (Array.isArray(value)) return value.map(withSortedKeys)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, withSortedKeys(value[key] ?? null)]))
}

/** The annotation's text for a configuration: without the annotation itself, keys sorted, a line; '' where it would be too large. */
export const lastAppliedText = (config: JsonObject): string => {
  const metadata = isObject(config['metadata']) ? config['metadata'] : {}
  const { [lastAppliedAnnotation]: _, ...annotations } = isObject(metadata['annotations']) ? metadata['annotations'] : {}
  const text = `${JSON.stringify(withSortedKeys({ ...config, metadata: { ...metadata, ...(isObject(metadata['annotations']) && { annotations }) } }))}\n`
  return Buffer.byteLength(text) > maxAnnotationBytes ? '' : text
}
