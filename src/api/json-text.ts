/** JSON text with what JSON.parse does not tell: keys that stand twice, depth, and Go's words for what is wrong. Mirrors encoding/json's scanner. */
import { setOwn } from './equal.ts'
import type { JsonValue } from './meta.ts'

/** Thrown for text that is no JSON, with Go's message. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError'
}

/** Ours, where Go allows 10000: objects of this API are far from both, and our walks recurse. */
export const maxDepth = 1000

/** The keys of objects that have one twice, in the order of the text. */
export type MemberOrder = ReadonlyMap<object, readonly string[]>
export interface ParsedJson { value: JsonValue; repeated: MemberOrder }

/** Members and depth of well-formed or ill-formed text, looking only at what stands outside of strings. */
const measure = (text: string): { members: number; depth: number } => {
  let members = 0
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: {
        let end = text.indexOf('"', at + 1)
        while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
        if (end < 0) return { members, depth: deepest }
        at = end
        break
      }
      case 0x3a: members++; break
      case 0x7b: case 0x5b: if (++depth > deepest) deepest = depth; break
      case 0x7d: case 0x5d: depth--; break
      default:
    }
  }
  return { members, depth: deepest }
}

const isEscaped = (text: string, quote: number): boolean => {
  let slashes = 0
  while (text.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++
  return slashes % 2 === 1
}

const countKeys = (value: JsonValue | undefined): number => {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item)
    return count
  }
  for (const key of Object.keys(value)) count += 1 + countKeys(value[key])
  return count
}

const none: MemberOrder = new Map()

/** Parses JSON; `repeated` is filled only when asked for. Throws JsonSyntaxError. */
export const parseJson = (text: string, { findRepeated }: { findRepeated: boolean }): ParsedJson => {
  const { members, depth } = measure(text)
  if (depth > maxDepth) throw new JsonSyntaxError('exceeded max depth')
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (error) {
    new JsonScanner(text).parse()
    throw new JsonSyntaxError(error instanceof Error ? error.message : String(error))
  }
  // As many members as keys: none stands twice, and the slow parser is not needed.
  if (!findRepeated || countKeys(value) === members) return { value, repeated: none }
  return new JsonScanner(text).parse()
}

const shownCharacter = (character: string): string => {
  if (character === "'") return "'\\''"
  if (character === '"') return "'\"'"
  // Go looks at bytes.
  const byte = Buffer.from(character)[0] ?? 0
  if (byte >= 0x80) return `'${String.fromCharCode(byte)}'`
  if (byte < 0x20 || byte === 0x7f) return `'${{ 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r' }[byte] ?? `\\x${byte.toString(16).padStart(2, '0')}`}'`
  return character === '\\' ? "'\\\\'" : `'${character}'`
}

/** A plain recursive parser: slow, exact, and only run where JSON.parse does not tell enough. */
class JsonScanner {
  readonly #text: string
  #at = 0
  readonly #repeated = new Map<object, string[]>()
  constructor(text: string) { this.#text = text }

  parse(): ParsedJson {
    const value = this.#value()
    this.#space()
    if (this.#at < this.#text.length) this.#fail('after top-level value')
    return { value, repeated: this.#repeated }
  }

  #fail(where: string): never {
    const character = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0)
    throw new JsonSyntaxError(this.#at >= this.#text.length ? 'unexpected end of JSON input' : `invalid character ${shownCharacter(character)} ${where}`)
  }

  #space(): void {
    while (' \t\r\n'.includes(this.#text.charAt(this.#at)) && this.#at < this.#text.length) this.#at++
  }

  #peek(): string { return this.#text.charAt(this.#at) }

  #value(): JsonValue {
    this.#space()
    const character = this.#peek()
    if (character === '{') return this.#object()
    if (character === '[') return this.#array()
    if (character === '"') return this.#string()
    if (character === 't') return this.#literal('true', true)
    if (character === 'f') return this.#literal('false', false)
    if (character === 'n') return this.#literal('null', null)
    if (character === '-' || (character >= '0' && character <= '9')) return this.#number()
    return this.#fail('looking for beginning of value')
  }

  #literal<T extends JsonValue>(word: string, value: T): T {
    for (const [index, expected] of [...word].entries()) {
      if (this.#peek() !== expected) this.#fail(`in literal ${word} (expecting ${shownCharacter(word.charAt(index))})`)
      this.#at++
    }
    return value
  }

  #digits(where: string): void {
    if (!/[0-9]/.test(this.#peek())) this.#fail(where)
    while (/[0-9]/.test(this.#peek())) this.#at++
  }

  #number(): number {
    const start = this.#at
    if (this.#peek() === '-') this.#at++
    if (this.#peek() === '0') this.#at++
    else this.#digits('in numeric literal')
    if (this.#peek() === '.') {
      this.#at++
      this.#digits('after decimal point in numeric literal')
    }
    if (/[eE]/.test(this.#peek())) {
      this.#at++
      if (/[-+]/.test(this.#peek())) this.#at++
      this.#digits('in exponent of numeric literal')
    }
    return Number(this.#text.slice(start, this.#at))
  }

  #string(): string {
    const start = this.#at++
    while (this.#peek() !== '"') {
      const character = this.#peek()
      if (character === '' || character < ' ') this.#fail('in string literal')
      this.#at++
      if (character === '\\') this.#escape()
    }
    this.#at++
    return JSON.parse(this.#text.slice(start, this.#at)) as string
  }

  #escape(): void {
    const character = this.#peek()
    if (character === '' || !'bfnrt\\/"u'.includes(character)) this.#fail('in string escape code')
    this.#at++
    for (let digit = 0; character === 'u' && digit < 4; digit++) {
      if (!/[0-9a-fA-F]/.test(this.#peek())) this.#fail('in \\u hexadecimal character escape')
      this.#at++
    }
  }

  #array(): JsonValue[] {
    const items: JsonValue[] = []
    this.#at++
    this.#space()
    if (this.#peek() === ']') {
      this.#at++
      return items
    }
    for (;;) {
      items.push(this.#value())
      this.#space()
      const character = this.#peek()
      if (character !== ',' && character !== ']') this.#fail('after array element')
      this.#at++
      if (character === ']') return items
    }
  }

  #object(): Record<string, JsonValue> {
    const members: Record<string, JsonValue> = {}
    const order: string[] = []
    this.#at++
    this.#space()
    if (this.#peek() === '}') {
      this.#at++
      return members
    }
    for (;;) {
      this.#space()
      if (this.#peek() !== '"') this.#fail('looking for beginning of object key string')
      const key = this.#string()
      this.#space()
      if (this.#peek() !== ':') this.#fail('after object key')
      this.#at++
      order.push(key)
      setOwn(members, key, this.#value())
      this.#space()
      const character = this.#peek()
      if (character !== ',' && character !== '}') this.#fail('after object key:value pair')
      this.#at++
      if (character === '}') break
    }
    if (new Set(order).size < order.length) this.#repeated.set(members, order)
    return members
  }
}
