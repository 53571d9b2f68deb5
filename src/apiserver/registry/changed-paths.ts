/** Which fields differ between two versions of something, for messages that people read. */
import { deepEqual } from '../../api/equal.ts'

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

const print = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 120 ? `${text.slice(0, 117)}...` : text
}

/** `spec.nodeName: "a" -> "b"`, one for each field, as deep as both sides have the same shape. */
export const changedPaths = (old: unknown, next: unknown, path: string): string[] => {
  if (deepEqual(old, next)) return []
  if (!isObject(old) || !isObject(next) || Array.isArray(old) !== Array.isArray(next)) return [`${path}: ${print(old)} -> ${print(next)}`]
  if (Array.isArray(old) && Array.isArray(next) && old.length !== next.length) return [`${path}: ${old.length} items -> ${next.length} items`]
  return [...new Set([...Object.keys(old), ...Object.keys(next)])].flatMap((key) => changedPaths(old[key], next[key], Array.isArray(old) ? `${path}[${key}]` : `${path}.${key}`))
}
