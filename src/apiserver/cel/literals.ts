/** Values of literals as they are written. Mirrors cel-go's `parser/unescape.go`. */
import { Buffer } from 'node:buffer'
import { CelUint } from './values.ts'

const simpleEscapes: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92, "'": 39, '"': 34, '`': 96, '?': 63 }

/** Throws an Error that says what is wrong with the escape. */
export class LiteralError extends Error {}

const digits = (text: string, count: number, pattern: RegExp): string => {
  if (text.length !== count || !pattern.test(text)) throw new LiteralError('unable to unescape string')
  return text
}
const hex = /^[0-9a-fA-F]+$/
const octal = /^[0-3][0-7]{2}$/

/** One escape at `at` (of the backslash): its code, and the position after it. `byte` where it stands for a byte and not a code point. */
const readEscape = (text: string, at: number): { code: number; next: number; byte: boolean } => {
  const letter = text[at + 1] ?? ''
  if (Object.hasOwn(simpleEscapes, letter)) return { code: simpleEscapes[letter] ?? 0, next: at + 2, byte: false }
  const numbered = (count: number, byte: boolean): { code: number; next: number; byte: boolean } =>
    ({ code: Number.parseInt(digits(text.slice(at + 2, at + 2 + count), count, hex), 16), next: at + 2 + count, byte })
  switch (letter) {
    case 'x': case 'X': return numbered(2, true)
    case 'u': return numbered(4, false)
    case 'U': return numbered(8, false)
    case '0': case '1': case '2': case '3': return { code: Number.parseInt(digits(text.slice(at + 1, at + 4), 3, octal), 8), next: at + 4, byte: true }
    default: throw new LiteralError('unable to unescape string')
  }
}

const checkCodePoint = (code: number): number => {
  if (code > 0x10_ff_ff || (code >= 0xd8_00 && code <= 0xdf_ff)) throw new LiteralError('unable to unescape string')
  return code
}

export const unescapeString = (text: string): string => {
  let result = ''
  for (let at = 0; at < text.length;) {
    const slash = text.indexOf('\\', at)
    if (slash < 0) return result + text.slice(at)
    const { code, next } = readEscape(text, slash)
    result += text.slice(at, slash) + String.fromCodePoint(checkCodePoint(code))
    at = next
  }
  return result
}

export const unescapeBytes = (text: string): Uint8Array => {
  const parts: Buffer[] = []
  for (let at = 0; at < text.length;) {
    const slash = text.indexOf('\\', at)
    parts.push(Buffer.from(text.slice(at, slash < 0 ? text.length : slash), 'utf8'))
    if (slash < 0) break
    if (/[uU]/.test(text[slash + 1] ?? '')) throw new LiteralError('unable to unescape string')
    const { code, next } = readEscape(text, slash)
    parts.push(Buffer.from([code]))
    at = next
  }
  return new Uint8Array(Buffer.concat(parts))
}

export const minInt = -(2n ** 63n)
export const maxInt = 2n ** 63n - 1n
export const maxUint = 2n ** 64n - 1n

/** `text` as the lexer found it, with its sign: 1, 0x1F, 1u, 1.5e3. */
export const parseNumber = (text: string): bigint | number | CelUint => {
  if (/[uU]$/.test(text)) {
    const value = BigInt(text.slice(0, -1))
    if (value > maxUint) throw new LiteralError('invalid uint literal')
    return new CelUint(value)
  }
  const unsigned = text.replace('-', '')
  if (/^(0[xX][0-9a-fA-F]+|\d+)$/.test(unsigned)) {
    const value = text.startsWith('-') ? -BigInt(unsigned) : BigInt(unsigned)
    if (value < minInt || value > maxInt) throw new LiteralError('invalid int literal')
    return value
  }
  const value = Number(text)
  if (!Number.isFinite(value)) throw new LiteralError('invalid double literal')
  return value
}
