/** Regular expressions: RE2 only, whose time is linear in the text. Mirrors `k8s.io/apiserver/pkg/cel/library/regex.go`. */
import { RE2JS } from 're2js'
import { celError } from '../errors.ts'
import { type CallContext, type Overload, overload, overloads } from '../signature.ts'
import type { CelValue } from '../values.ts'

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

/**
 * Time is linear in the text, but also in the program that the pattern becomes: `(a{1,30}b?){1,30}` is a long one. Upstream counts the pattern's
 * letters only (callCost does that); an engine in JavaScript has to count the program.
 */
const chargeSearch = (length: number, regex: RE2JS, { charge }: CallContext): void => charge((length / 10) * (regex.programSize() / 2))

const findAll = ([text, pattern]: readonly [string, CelValue | undefined], limit: number, context: CallContext): string[] => {
  const regex = regexOf(pattern)
  chargeSearch(text.length, regex, context)
  const matcher = regex.matcher(text)
  const found: string[] = []
  while (found.length < limit && matcher.find()) {
    found.push(matcher.group() ?? '')
    // The next search may look at all of the rest before it finds what lies next.
    context.charge(((text.length - matcher.end()) / 20) * regex.programSize())
  }
  return found
}

const matches = (text: string, pattern: CelValue | undefined, context: CallContext): boolean => {
  const regex = regexOf(pattern)
  chargeSearch(text.length, regex, context)
  return regex.test(text)
}

const limitOf = (limit: CelValue | undefined): number => (limit === undefined || Number(limit) < 0 ? Infinity : Number(limit))

export const regexFunctions: readonly Overload[] = [
  ...overloads(['string.matches(string): bool', 'matches(string, string): bool'], ([text, pattern], context) => matches(String(text), pattern, context)),
  overload('string.find(string): string', ([text, pattern], context) => findAll([String(text), pattern], 1, context)[0] ?? ''),
  ...overloads(['string.findAll(string): list<string>', 'string.findAll(string, int): list<string>'], ([text, pattern, limit], context) => findAll([String(text), pattern], limitOf(limit), context)),
]
