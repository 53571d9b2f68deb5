/** Compares an answer with what a case expects of it. */
import { absent, type Like, present } from './case.ts'

const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value)?.slice(0, 300) ?? String(value))
const isMap = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Every difference, as `path: expected …, found …`; none: the value is as expected. */
export const differences = (actual: unknown, expected: Like, path = 'body'): string[] => {
  const differs = (wanted: string): string[] => [`${path}: expected ${wanted}, found ${shown(actual)}`]
  if (expected === absent) return actual === undefined ? [] : differs('nothing')
  if (expected === present) return actual === undefined || actual === null ? differs('something') : []
  if (expected instanceof RegExp) return typeof actual === 'string' && expected.test(actual) ? [] : differs(String(expected))
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return differs('a list')
    if (actual.length !== expected.length) return [`${path}: expected ${expected.length} items, found ${actual.length}: ${shown(actual)}`]
    return expected.flatMap((each: Like, index) => differences(actual[index], each, `${path}[${index}]`))
  }
  if (isMap(expected)) {
    if (!isMap(actual)) return differs(shown(expected))
    return Object.entries(expected).flatMap(([key, each]) => differences(Object.hasOwn(actual, key) ? actual[key] : undefined, each as Like, `${path}.${key}`))
  }
  return Object.is(actual, expected) ? [] : differs(shown(expected))
}
