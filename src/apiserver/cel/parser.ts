/** Text to syntax tree. Mirrors cel-go's `parser/parser.go` and its grammar. */
import { isDeeperThan, type Node, qualifiedName } from './ast.ts'
import { compileError, type CelIssue } from './errors.ts'
import { minInt, parseNumber } from './literals.ts'
import { expandMacro } from './macros.ts'
import { SyntaxFailure, type Token, tokenize } from './tokens.ts'

const maxCodePoints = 100_000
const maxDepth = 250
/** Of the tree: sums and selections nest without brackets. */
const maxNesting = 300
const beginnings = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
const reserved: ReadonlySet<string> = new Set(['as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while'])
const relations: Readonly<Record<string, string>> = { '==': '_==_', '!=': '_!=_', '<': '_<_', '<=': '_<=_', '>': '_>_', '>=': '_>=_', in: '@in' }
const sums: Readonly<Record<string, string>> = { '+': '_+_', '-': '_-_' }
const products: Readonly<Record<string, string>> = { '*': '_*_', '/': '_/_', '%': '_%_' }

const fail = (offset: number, message: string): never => { throw new SyntaxFailure({ offset, message }) }

class Parser {
  private readonly tokens: readonly Token[]
  private position = 0
  private depth = 0

  constructor(tokens: readonly Token[]) { this.tokens = tokens }

  parse(): Node {
    const node = this.expression()
    const rest = this.token
    if (rest.kind !== 'end') fail(rest.offset, `Syntax error: mismatched input '${rest.text}' expecting <EOF>`)
    return node
  }

  private get token(): Token { return this.tokens[this.position] ?? fail(0, 'Syntax error') }
  private next(): Token {
    const { token } = this
    if (token.kind !== 'end') this.position += 1
    return token
  }
  private at(text: string): boolean { return this.token.kind === 'symbol' && this.token.text === text }
  private take(text: string): Token | undefined { return this.at(text) ? this.next() : undefined }
  private expect(text: string): Token {
    return this.take(text) ?? fail(this.token.offset, `Syntax error: mismatched input '${this.token.text}' expecting '${text}'`)
  }

  private deeper<T>(parse: () => T): T {
    this.depth += 1
    if (this.depth > maxDepth) fail(this.token.offset, `expression recursion limit exceeded: ${maxDepth}`)
    const result = parse()
    this.depth -= 1
    return result
  }

  private expression(): Node {
    return this.deeper(() => {
      const condition = this.logical('||', '_||_', () => this.logical('&&', '_&&_', () => this.binary(relations, () => this.binary(sums, () => this.binary(products, () => this.unary())))))
      const question = this.take('?')
      if (!question) return condition
      const yes = this.logical('||', '_||_', () => this.logical('&&', '_&&_', () => this.binary(relations, () => this.binary(sums, () => this.binary(products, () => this.unary())))))
      this.expect(':')
      return { op: 'call', offset: question.offset, name: '_?_:_', target: undefined, args: [condition, yes, this.expression()] }
    })
  }

  private logical(symbol: string, name: string, operand: () => Node): Node {
    const operands = [operand()]
    const offsets: number[] = []
    for (let sign = this.take(symbol); sign; sign = this.take(symbol)) {
      offsets.push(sign.offset)
      operands.push(operand())
    }
    return balance(name, operands, offsets)
  }

  private binary(names: Readonly<Record<string, string>>, operand: () => Node): Node {
    let left = operand()
    for (let { token } = this; token.kind === 'symbol' && Object.hasOwn(names, token.text); { token } = this) {
      this.next()
      const name = names[token.text] ?? ''
      const right = operand()
      left = { op: 'call', offset: token.offset, name, target: undefined, args: [left, right] }
    }
    return left
  }

  private unary(): Node {
    const { token } = this
    if (token.kind !== 'symbol' || (token.text !== '!' && token.text !== '-')) return this.member()
    this.next()
    const following = this.token
    if (token.text === '-' && following.kind === 'literal' && /^[\d.]/.test(following.text) && !/[uU]$/.test(following.text)) {
      this.next()
      const value = following.value === null ? minInt : parseNumber(`-${following.text}`)
      return this.suffixes({ op: 'literal', offset: token.offset, value })
    }
    return this.deeper(() => ({ op: 'call', offset: token.offset, name: token.text === '!' ? '!_' : '-_', target: undefined, args: [this.unary()] }))
  }

  private member(): Node { return this.suffixes(this.primary()) }

  private suffixes(operand: Node): Node {
    let node = operand
    for (let steps = 0; ; steps += 1) {
      if (steps > maxDepth) fail(this.token.offset, `expression recursion limit exceeded: ${maxDepth}`)
      const { token } = this
      if (token.kind !== 'symbol') return node
      if (token.text === '.') node = this.selection(node)
      else if (token.text === '[') node = this.index(node)
      else if (token.text === '{' && qualifiedName(node) !== undefined) node = this.struct(node)
      else return node
    }
  }

  private selection(operand: Node): Node {
    const dot = this.next()
    const optional = this.take('?') !== undefined
    const name = this.next()
    if (name.kind !== 'identifier' && !(name.kind === 'literal' && /^[a-z]/.test(name.text)) && name.text !== 'in') return fail(name.offset, `Syntax error: no viable alternative at input '.${name.text}'`)
    if (optional) return { op: 'call', offset: dot.offset, name: '_?._', target: undefined, args: [operand, { op: 'literal', offset: name.offset, value: name.text }] }
    const open = name.kind === 'identifier' && !name.escaped ? this.take('(') : undefined
    if (!open) return { op: 'select', offset: dot.offset, operand, field: name.text, test: false }
    return expandMacro({ op: 'call', offset: open.offset, name: name.text, target: operand, args: this.list(')') })
  }

  private index(operand: Node): Node {
    const open = this.next()
    const optional = this.take('?') !== undefined
    const key = this.expression()
    this.expect(']')
    return { op: 'call', offset: open.offset, name: optional ? '_[?_]' : '_[_]', target: undefined, args: [operand, key] }
  }

  private struct(type: Node): Node {
    const open = this.next()
    const fields: { name: string; value: Node; optional: boolean; offset: number }[] = []
    while (!this.at('}')) {
      const optional = this.take('?') !== undefined
      const name = this.next()
      if (name.kind !== 'identifier') return fail(name.offset, `Syntax error: mismatched input '${name.text}' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}`)
      const colon = this.expect(':')
      fields.push({ name: name.text, optional, offset: colon.offset, value: this.expression() })
      if (!this.take(',')) break
    }
    this.expect('}')
    return { op: 'struct', offset: open.offset, typeName: qualifiedName(type)?.replace(/^\./, '') ?? '', fields }
  }

  /** Expressions up to the closing bracket, which is taken too. */
  private list(close: string): Node[] {
    const nodes: Node[] = []
    if (this.take(close)) return nodes
    do nodes.push(this.expression()); while (this.take(','))
    this.expect(close)
    return nodes
  }

  private primary(): Node {
    const token = this.next()
    switch (token.kind) {
      case 'literal':
        if (token.value === null && token.text !== 'null') return fail(token.offset, 'invalid int literal')
        return { op: 'literal', offset: token.offset, value: token.value }
      case 'identifier': return this.identifier(token, '')
      case 'end': return fail(token.offset, `Syntax error: mismatched input '<EOF>' expecting ${beginnings}`)
      case 'symbol':
    }
    switch (token.text) {
      case '(': {
        const node = this.expression()
        this.expect(')')
        return node
      }
      case '[': return this.listLiteral(token)
      case '{': return this.mapLiteral(token)
      case '.': {
        const name = this.next()
        if (name.kind === 'identifier') return this.identifier(name, '.')
        return fail(name.offset, `Syntax error: mismatched input '${name.text}' expecting IDENTIFIER`)
      }
      default: return fail(token.offset, `Syntax error: extraneous input '${token.text}' expecting ${beginnings}`)
    }
  }

  private identifier(token: Token, prefix: string): Node {
    if (reserved.has(token.text)) fail(token.offset, `reserved identifier: ${token.text}`)
    const open = this.take('(')
    const name = `${prefix}${token.text}`
    if (!open) return { op: 'identifier', offset: token.offset, name }
    return expandMacro({ op: 'call', offset: open.offset, name, target: undefined, args: this.list(')') })
  }

  private listLiteral({ offset }: Token): Node {
    const elements: { value: Node; optional: boolean }[] = []
    while (!this.at(']')) {
      const optional = this.take('?') !== undefined
      elements.push({ optional, value: this.expression() })
      if (!this.take(',')) break
    }
    this.expect(']')
    return { op: 'list', offset, elements }
  }

  private mapLiteral({ offset }: Token): Node {
    const entries: { key: Node; value: Node; optional: boolean; offset: number }[] = []
    while (!this.at('}')) {
      const optional = this.take('?') !== undefined
      const key = this.expression()
      const colon = this.expect(':')
      entries.push({ key, optional, offset: colon.offset, value: this.expression() })
      if (!this.take(',')) break
    }
    this.expect('}')
    return { op: 'map', offset, entries }
  }
}

/** A chain of `&&` or `||` as a balanced tree, as cel-go makes it: a long chain is not a deep one. */
const balance = (name: string, operands: readonly Node[], offsets: readonly number[]): Node => {
  const [first] = operands
  if (operands.length === 1 && first) return first
  const half = Math.ceil(operands.length / 2)
  return { op: 'call', name, target: undefined, offset: offsets[half - 1] ?? 0,
    args: [balance(name, operands.slice(0, half), offsets.slice(0, half - 1)), balance(name, operands.slice(half), offsets.slice(half))] }
}

/** Throws a CelCompileError. */
export const parse = (source: string): Node => {
  const size = [...source].length
  if (size > maxCodePoints) throw compileError('', [{ offset: 0, message: `expression code point size exceeds limit: size: ${size}, limit ${maxCodePoints}` }])
  const issues: CelIssue[] = []
  try {
    const node = new Parser(tokenize(source)).parse()
    if (isDeeperThan(node, maxNesting)) fail(0, `expression recursion limit exceeded: ${maxDepth}`)
    return node
  } catch (error) {
    if (!(error instanceof SyntaxFailure)) throw error
    issues.push(error.issue)
    throw compileError(source, issues)
  }
}
