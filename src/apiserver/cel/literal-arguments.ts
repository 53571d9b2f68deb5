/** Literal arguments that cannot work are refused at once. Mirrors cel-go's `cel/validator.go` (durations, timestamps, regular expressions). */
import { childrenOf, type Node } from './ast.ts'
import { type CelIssue, compileError } from './errors.ts'
import { compileRegex } from './library/regex.ts'
import { parseDuration, parseTimestamp } from './library/time-text.ts'

const isWrong = (name: string, text: string): boolean => {
  switch (name) {
    case 'duration': return parseDuration(text) === undefined
    case 'timestamp': return parseTimestamp(text) === undefined
    case 'matches': return typeof compileRegex(text) === 'string'
    default: return false
  }
}

const literalIssues = (node: Node): CelIssue[] => {
  const last = node.op === 'call' ? node.args.at(-1) : undefined
  const own = node.op === 'call' && last?.op === 'literal' && typeof last.value === 'string' && isWrong(node.name, last.value) ? [{ offset: last.offset, message: `invalid ${node.name} argument` }] : []
  return [...own, ...childrenOf(node).flatMap((child) => (child ? literalIssues(child) : []))]
}

/** Throws a CelCompileError. */
export const validateLiterals = (source: string, node: Node): void => {
  const issues = literalIssues(node)
  if (issues.length > 0) throw compileError(source, issues)
}
