/** Literal arguments that cannot work are refused at once. Mirrors cel-go's `cel/validator.go` (durations, timestamps, regular expressions). */
import type { Node } from './ast.ts'
import { type CelIssue, compileError } from './errors.ts'
import { compileRegex } from './library/regex.ts'
import { parseDuration, parseTimestamp } from './library/time-text.ts'

const children = (node: Node): readonly (Node | undefined)[] => {
  switch (node.op) {
    case 'literal': case 'identifier': return []
    case 'select': return [node.operand]
    case 'call': return [node.target, ...node.args]
    case 'list': return node.elements.map(({ value }) => value)
    case 'map': return node.entries.flatMap(({ key, value }) => [key, value])
    case 'struct': return node.fields.map(({ value }) => value)
    case 'comprehension': return [node.range, node.filter, node.body]
    case 'optionalMap': return [node.target, node.body]
  }
}

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
  return [...own, ...children(node).flatMap((child) => (child ? literalIssues(child) : []))]
}

/** Throws a CelCompileError. */
export const validateLiterals = (source: string, node: Node): void => {
  const issues = literalIssues(node)
  if (issues.length > 0) throw compileError(source, issues)
}
