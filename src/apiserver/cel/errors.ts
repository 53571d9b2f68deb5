/** What can be wrong with an expression, before and while it runs. Texts as cel-go's (`common/errors.go`, `common/types/err.go`). */

/** The expression does not parse or does not check; the message is what cel-go prints, one `ERROR: <input>:line:column: …` with its line of source for each issue. */
export class CelCompileError extends Error {}

/** Where something is wrong; `offset` counts UTF-16 units from the start of the expression. */
export interface CelIssue {
  offset: number
  message: string
}

/** Evaluation came to an error that CEL knows (`no such key: x`). `&&`, `||`, `all` and `exists` may absorb it. */
export class CelEvaluationError extends Error {}

/** The expression has used up its budget: nothing absorbs this. */
export class CelCostError extends Error {
  constructor() { super('operation cancelled: actual cost limit exceeded') }
}

/** An evaluation error without a stack: expressions may throw a great many of them. */
export const celError = (message: string): CelEvaluationError => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  const error = new CelEvaluationError(message)
  Error.stackTraceLimit = limit
  return error
}

export const noSuchOverload = (): CelEvaluationError => celError('no such overload')

const widthLimit = 4096

const showIssue = (source: string, { offset, message }: CelIssue): string => {
  const before = source.slice(0, offset)
  const line = before.split('\n').length
  const start = before.lastIndexOf('\n') + 1
  const end = source.indexOf('\n', offset)
  const column = Array.from(source.slice(start, offset)).length
  const text = source.slice(start, end < 0 ? source.length : end).replaceAll('\t', ' ')
  const shown = `ERROR: <input>:${line}:${column + 1}: ${message}`
  return text.length > widthLimit ? shown : `${shown}\n | ${text}\n | ${'.'.repeat(column)}^`
}

/** Issues in the order of their places, as cel-go sorts them. */
export const compileError = (source: string, issues: readonly CelIssue[]): CelCompileError =>
  new CelCompileError(issues.toSorted((a, b) => a.offset - b.offset).map((issue) => showIssue(source, issue)).join('\n'))
