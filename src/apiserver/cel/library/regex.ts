/** Regular expressions: RE2 only, whose time is linear in the text. Mirrors `k8s.io/apiserver/pkg/cel/library/regex.go`. */
import { RE2JS } from 're2js'
import { celError } from '../errors.ts'
import { type Overload, overload, overloads } from '../signature.ts'

const cacheSize = 256
const cache = new Map<string, RE2JS | string>()

/** A compiled pattern, or what is wrong with it. */
export const compileRegex = (pattern: string): RE2JS | string => {
  const known = cache.get(pattern)
  if (known !== undefined) return known
  let compiled: RE2JS | string
  try {
    compiled = RE2JS.compile(pattern)
  } catch (error) {
    compiled = error instanceof Error ? error.message : String(error)
  }
  const [oldest] = cache.keys()
  if (cache.size >= cacheSize && oldest !== undefined) cache.delete(oldest)
  cache.set(pattern, compiled)
  return compiled
}

const regexOf = (pattern: unknown): RE2JS => {
  const compiled = compileRegex(String(pattern))
  if (typeof compiled === 'string') throw celError(compiled)
  return compiled
}

const findAll = (text: string, pattern: unknown, limit: number): string[] => {
  const matcher = regexOf(pattern).matcher(text)
  const found: string[] = []
  while (found.length < limit && matcher.find()) found.push(matcher.group() ?? '')
  return found
}

export const regexFunctions: readonly Overload[] = [
  ...overloads(['string.matches(string): bool', 'matches(string, string): bool'], ([text, pattern]) => regexOf(pattern).matcher(String(text)).find()),
  overload('string.find(string): string', ([text, pattern]) => findAll(String(text), pattern, 1)[0] ?? ''),
  overload('string.findAll(string): list<string>', ([text, pattern]) => findAll(String(text), pattern, Infinity)),
  overload('string.findAll(string, int): list<string>', ([text, pattern, limit]) => findAll(String(text), pattern, Number(limit) < 0 ? Infinity : Number(limit))),
]
