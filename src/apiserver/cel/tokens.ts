/** Splits an expression into tokens. Mirrors cel-go's `parser/gen/CEL.g4`. */
import { LiteralError, parseNumber, unescapeBytes, unescapeString } from './literals.ts'
import type { CelIssue } from './errors.ts'
import type { CelValue } from './values.ts'

export type Token =
  | { kind: 'literal'; text: string; offset: number; value: CelValue }
  /** `escaped`: written in backticks, so that it may hold dots and dashes. */
  | { kind: 'identifier'; text: string; offset: number; escaped: boolean }
  | { kind: 'symbol'; text: string; offset: number }
  | { kind: 'end'; text: string; offset: number }

/** What ends the reading of tokens. */
export class SyntaxFailure extends Error {
  readonly issue: CelIssue
  constructor(issue: CelIssue) {
    super(issue.message)
    this.issue = issue
  }
}

const space = /[ \t\r\n\f]+|\/\/[^\n]*/y
const word = /[A-Za-z_][A-Za-z0-9_]*/y
const quotedWord = /`[A-Za-z0-9_.\-/ ]+`/y
const number = /0[xX][0-9a-fA-F]+[uU]?|\d*\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+[uU]?/y
const symbol = /==|!=|<=|>=|&&|\|\||[[\]{}().,:?+\-*/%!<>]/y
const stringStart = /(?<prefix>[bB]?[rR]?|[rR][bB])(?<quote>"""|'''|"|')/y

const matchAt = (pattern: RegExp, source: string, offset: number): RegExpExecArray | null => {
  pattern.lastIndex = offset
  return pattern.exec(source)
}

const constants: Readonly<Record<string, CelValue>> = { true: true, false: false, null: null }

const recognitionError = (source: string, offset: number, end: number): SyntaxFailure =>
  new SyntaxFailure({ offset, message: `Syntax error: token recognition error at: '${source.slice(offset, end)}'` })

/** Where the closing quote begins. */
const closingQuote = (source: string, { begin, quote, raw }: { begin: number; quote: string; raw: boolean }): number | undefined => {
  for (let at = begin; at < source.length; at += 1) {
    if (source.startsWith(quote, at)) return at
    if (source[at] === '\\' && !raw) at += 1
    else if (quote.length === 1 && (source[at] === '\n' || source[at] === '\r')) return undefined
  }
  return undefined
}

const readString = (source: string, start: RegExpExecArray): Token => {
  const offset = start.index
  const { prefix = '', quote = '' } = start.groups ?? {}
  const raw = /r/i.test(prefix)
  const begin = offset + start[0].length
  const close = closingQuote(source, { begin, quote, raw })
  if (close === undefined) throw recognitionError(source, offset, source.length)
  const body = source.slice(begin, close).replaceAll(/\r\n?/g, '\n')
  const value = /b/i.test(prefix) ? raw ? new TextEncoder().encode(body) : unescapeBytes(body) : raw ? body : unescapeString(body)
  return { kind: 'literal', text: source.slice(offset, close + quote.length), offset, value }
}

const readToken = (source: string, offset: number): Token => {
  const quoted = matchAt(stringStart, source, offset)
  if (quoted) return readString(source, quoted)
  const name = matchAt(word, source, offset)?.[0]
  if (name !== undefined) {
    return Object.hasOwn(constants, name) ? { kind: 'literal', text: name, offset, value: constants[name] ?? null }
      : name === 'in' ? { kind: 'symbol', text: name, offset } : { kind: 'identifier', text: name, offset, escaped: false }
  }
  const digits = matchAt(number, source, offset)?.[0]
  if (digits !== undefined) {
    // The smallest int has no positive counterpart: the parser joins it with its minus.
    return { kind: 'literal', text: digits, offset, value: digits === '9223372036854775808' ? null : parseNumber(digits) }
  }
  const sign = matchAt(symbol, source, offset)?.[0]
  if (sign !== undefined) return { kind: 'symbol', text: sign, offset }
  const escaped = matchAt(quotedWord, source, offset)?.[0]
  if (escaped !== undefined) return { kind: 'identifier', text: escaped.slice(1, -1), offset, escaped: true }
  throw recognitionError(source, offset, offset + 1)
}

/** All tokens, the last of kind `end`. Throws a SyntaxFailure. */
export const tokenize = (source: string): Token[] => {
  const tokens: Token[] = []
  let offset = 0
  for (;;) {
    for (let gap = matchAt(space, source, offset); gap; gap = matchAt(space, source, offset)) offset += gap[0].length
    if (offset >= source.length) break
    try {
      const token = readToken(source, offset)
      tokens.push(token)
      offset += token.kind === 'identifier' && token.escaped ? token.text.length + 2 : token.text.length
    } catch (error) {
      if (error instanceof LiteralError) throw new SyntaxFailure({ offset, message: error.message })
      throw error
    }
  }
  tokens.push({ kind: 'end', text: '<EOF>', offset: source.length })
  return tokens
}
