/** The grammar of label selectors: `a=b, c in (d,e), !f, g>3`. Mirrors apimachinery `pkg/labels/selector.go`, with its messages. */
import { SelectorError, type Requirement, requirement, type SelectorOperator } from './requirement.ts'

type TokenKind = 'word' | 'in' | 'notin' | '=' | '==' | '!=' | '!' | '>' | '<' | '(' | ')' | ',' | 'end' | 'error'
interface Token { kind: TokenKind; text: string }

const special = '=!(),><'
const space = ' \t\r\n'
const literals = new Set<string>([')', ',', '!', '==', '=', '>', 'in', '<', '!=', 'notin', '('])
const operators = 'in, notin, =, ==, !=, gt, lt'
const isLiteral = (text: string): text is TokenKind => literals.has(text)

const scanSymbol = (text: string, start: number): [Token, number] => {
  let token: Token | undefined
  let end = start
  while (end < text.length && special.includes(text.charAt(end))) {
    const next = text.slice(start, end + 1)
    if (isLiteral(next)) token = { kind: next, text: next }
    else if (token) break
    end++
  }
  return [token ?? { kind: 'error', text: `error expected: keyword found '${text.slice(start, end)}'` }, end]
}

const scan = (text: string): Token[] => {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const character = text.charAt(at)
    if (space.includes(character)) at++
    else if (special.includes(character)) {
      const [token, end] = scanSymbol(text, at)
      tokens.push(token)
      at = end
    } else {
      const start = at
      while (at < text.length && !space.includes(text.charAt(at)) && !special.includes(text.charAt(at))) at++
      const word = text.slice(start, at)
      tokens.push({ kind: isLiteral(word) ? word : 'word', text: word })
    }
  }
  return tokens
}

const end: Token = { kind: 'end', text: '' }

/** Tokens with a position; `in` and `notin` are ordinary words except where an operator stands. */
class Tokens {
  readonly #tokens: readonly Token[]
  #position = 0
  constructor(tokens: readonly Token[]) { this.#tokens = tokens }

  #at(asOperator: boolean): Token {
    const token = this.#tokens[this.#position] ?? end
    return !asOperator && (token.kind === 'in' || token.kind === 'notin') ? { kind: 'word', text: token.text } : token
  }

  peek(): Token { return this.#at(false) }

  next(asOperator = false): Token {
    const token = this.#at(asOperator)
    this.#position++
    return token
  }
}

const found = (token: Token, expected: string): SelectorError => new SelectorError(`found '${token.text}', expected: ${expected}`)

const parseOperator = (tokens: Tokens): SelectorOperator => {
  const token = tokens.next(true)
  switch (token.kind) {
    case 'in': case 'notin': case '=': case '==': case '!=': return token.kind
    case '>': return 'gt'
    case '<': return 'lt'
    default: throw found(token, operators)
  }
}

/** What stands between the parentheses, up to the closing one, which is left; empty places are the empty value. */
const parseIdentifiers = (tokens: Tokens): Set<string> => {
  const values = new Set<string>()
  for (;;) {
    const token = tokens.next()
    if (token.kind === 'word') {
      values.add(token.text)
      const next = tokens.peek()
      if (next.kind === ')') return values
      if (next.kind !== ',') throw found(next, "',' or ')'")
    } else if (token.kind === ',') {
      if (values.size === 0) values.add('')
      const next = tokens.peek()
      if (next.kind === ')') return values.add('')
      if (next.kind === ',') {
        tokens.next()
        values.add('')
      }
    } else throw found(token, "',', or identifier")
  }
}

const parseValues = (tokens: Tokens): string[] => {
  const open = tokens.next()
  if (open.kind !== '(') throw new SelectorError(`found '${open.text}' expected: '('`)
  const first = tokens.peek()
  if (first.kind === 'word' || first.kind === ',') {
    const values = parseIdentifiers(tokens)
    tokens.next()
    return [...values].sort()
  }
  if (first.kind !== ')') throw found(first, "',', ')' or identifier")
  tokens.next()
  return ['']
}

const parseExactValue = (tokens: Tokens): string[] => {
  const next = tokens.peek()
  if (next.kind === 'end' || next.kind === ',') return ['']
  const token = tokens.next()
  if (token.kind !== 'word') throw found(token, 'identifier')
  return [token.text]
}

const parseRequirement = (tokens: Tokens): Requirement => {
  let token = tokens.next()
  const negated = token.kind === '!'
  if (negated) token = tokens.next()
  if (token.kind !== 'word') throw found(token, 'identifier')
  const key = token.text
  const following = tokens.peek().kind
  if (negated) return requirement(key, '!', [])
  if (following === 'end' || following === ',') return requirement(key, 'exists', [])
  const operator = parseOperator(tokens)
  return requirement(key, operator, operator === 'in' || operator === 'notin' ? parseValues(tokens) : parseExactValue(tokens))
}

/** The requirements of a selector's text, in the order in which they stand. Throws SelectorError. */
export const parseRequirements = (text: string): Requirement[] => {
  const tokens = new Tokens(scan(text))
  const requirements: Requirement[] = []
  for (;;) {
    const token = tokens.peek()
    if (token.kind === 'end') return requirements
    if (token.kind !== 'word' && token.kind !== '!') throw found(token, "!, identifier, or 'end of string'")
    try {
      requirements.push(parseRequirement(tokens))
    } catch (error) {
      throw error instanceof SelectorError ? new SelectorError(`unable to parse requirement: ${error.message}`) : error
    }
    const separator = tokens.next()
    if (separator.kind === 'end') return requirements
    if (separator.kind !== ',') throw found(separator, "',' or 'end of string'")
    const next = tokens.peek()
    if (next.kind !== 'word' && next.kind !== '!') throw found(next, "identifier after ','")
  }
}
