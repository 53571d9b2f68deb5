/** Regular expressions as Go reads them (RE2): matched in time linear in the text, however they are written. */
import { RE2JS } from 're2js'

export interface Pattern {
  readonly source: string
  /** Whether the expression is found anywhere in the text. */
  matches(text: string): boolean
}

/** Why a pattern is none, in Go's words. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
}

/** Longer ones, and those that grow huge by repetition, cost memory out of proportion. */
const maxSourceLength = 64 * 1024
const kept = new Map<string, Pattern>()
const maxKept = 1000

/** Throws PatternError. */
export const compilePattern = (source: string): Pattern => {
  const known = kept.get(source)
  if (known) return known
  if (source.length > maxSourceLength) throw new PatternError('error parsing regexp: expression too large')
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(source)
  } catch (error) {
    throw new PatternError(error instanceof Error ? error.message : String(error))
  }
  const pattern: Pattern = { source, matches: (text) => compiled.matcher(text).find() }
  if (kept.size < maxKept) kept.set(source, pattern)
  return pattern
}
