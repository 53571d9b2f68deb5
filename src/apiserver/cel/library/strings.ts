/** Functions on text; positions count code points. Mirrors cel-go's `ext/strings.go` (version 2) and the standard library. */
import { celError } from '../errors.ts'
import { type CallContext, type Overload, overload, overloads } from '../signature.ts'
import type { CelValue } from '../values.ts'
import { formatString } from './format-string.ts'

const surrogate = /[\ud800-\udfff]/

/** Text by code points: without a detour where every one is one unit. */
const lettersOf = (text: string): ArrayLike<string> & { slice(start: number, end?: number): string | string[] } => (surrogate.test(text) ? [...text] : text)
const sliced = (letters: ReturnType<typeof lettersOf>, start: number, end?: number): string => {
  const part = letters.slice(start, end)
  return typeof part === 'string' ? part : part.join('')
}
/** A position of UTF-16 units as one of code points. */
const positionOf = (text: string, units: number): bigint => BigInt(units < 0 ? -1 : surrogate.test(text) ? Array.from(text.slice(0, units)).length : units)

const checkRange = (index: number, low: number, high: number): void => { if (index < low || index > high) throw celError(`index out of range: ${index}`) }

const charAt = (text: string, index: number): string => {
  const letters = lettersOf(text)
  checkRange(index, 0, letters.length)
  return letters[index] ?? ''
}

const unitsOf = (text: string, index: number): number => (surrogate.test(text) ? [...text].slice(0, index).join('').length : index)

const indexOf = (text: string, wanted: string, offset: number): bigint => {
  const { length } = lettersOf(text)
  if (wanted === '') return BigInt(offset)
  checkRange(offset, 0, length)
  return positionOf(text, text.indexOf(wanted, unitsOf(text, offset)))
}

const lastIndexOf = (text: string, wanted: string, offset: number | undefined): bigint => {
  const { length } = lettersOf(text)
  if (offset !== undefined) checkRange(offset, 0, length)
  if (wanted === '') return BigInt(offset ?? length)
  return positionOf(text, text.lastIndexOf(wanted, offset === undefined ? undefined : unitsOf(text, offset)))
}

const substring = (text: string, start: number, end: number | undefined): string => {
  const letters = lettersOf(text)
  if (end !== undefined && end > letters.length) throw celError(`index out of range: ${end}`)
  checkRange(start, 0, letters.length)
  if (end !== undefined && start > end) throw celError(`invalid substring range. start: ${start}, end: ${end}`)
  return sliced(letters, start, end)
}

/** Go's strings.Replace and Split, which see an empty text before, between and after all letters. */
const replace = (text: string, [from, to]: readonly [string, string], limit: number): string => {
  if (limit === 0) return text
  const parts = split(text, from, limit < 0 ? -1 : limit + (from === '' ? 0 : 1))
  if (from !== '') return parts.join(to)
  const letters = [...text]
  const count = limit < 0 ? letters.length + 1 : Math.min(limit, letters.length + 1)
  return letters.map((letter, index) => (index < count ? to + letter : letter)).join('') + (count > letters.length ? to : '')
}

const split = (text: string, separator: string, limit: number): string[] => {
  if (limit === 0) return []
  const parts = separator === '' ? [...text] : text.split(separator)
  if (limit < 0 || parts.length <= limit) return parts
  return [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)]
}

const lower = (text: string): string => text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
const upper = (text: string): string => text.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase())
const blank = /^[\s\u0085]+|[\s\u0085]+$/g

const escapes: Readonly<Record<string, string>> = { '\u0007': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u000b': '\\v', '\\': '\\\\', '"': '\\"' }
// oxlint-disable-next-line no-control-regex
const quote = (text: string): string => `"${text.toWellFormed().replaceAll(/[\u0007\b\f\n\r\t\u000b\\"]/g, (letter) => escapes[letter] ?? letter)}"`

const join = (list: CelValue, separator: string, { charge }: CallContext): string => {
  const texts = list as readonly CelValue[]
  if (!texts.every((text) => typeof text === 'string')) throw celError('no such overload')
  for (const text of texts) charge((text.length + separator.length) / 10)
  return texts.join(separator)
}

type Text = readonly string[]
const texts = (args: readonly CelValue[]): Text => args.map(String)

export const stringFunctions: readonly Overload[] = [
  overload('string.contains(string): bool', (args) => { const [text = '', part = ''] = texts(args); return text.includes(part) }),
  overload('string.startsWith(string): bool', (args) => { const [text = '', part = ''] = texts(args); return text.startsWith(part) }),
  overload('string.endsWith(string): bool', (args) => { const [text = '', part = ''] = texts(args); return text.endsWith(part) }),
  overload('string.charAt(int): string', ([text, index]) => charAt(String(text), Number(index))),
  ...overloads(['string.indexOf(string): int', 'string.indexOf(string, int): int'], ([text, wanted, offset = 0n]) => indexOf(String(text), String(wanted), Number(offset))),
  ...overloads(['string.lastIndexOf(string): int', 'string.lastIndexOf(string, int): int'], ([text, wanted, offset]) => lastIndexOf(String(text), String(wanted), offset === undefined ? undefined : Number(offset))),
  overload('string.lowerAscii(): string', ([text]) => lower(String(text))),
  overload('string.upperAscii(): string', ([text]) => upper(String(text))),
  ...overloads(['string.replace(string, string): string', 'string.replace(string, string, int): string'], ([text, from, to, limit = -1n], { charge }) => {
    // What comes out may be far larger than what goes in.
    const [source, old, fresh] = [String(text), String(from), String(to)]
    charge(((source.length + 1) * fresh.length) / Math.max(1, old.length) / 10)
    return replace(source, [old, fresh], Number(limit))
  }),
  ...overloads(['string.split(string): list<string>', 'string.split(string, int): list<string>'], ([text, separator, limit = -1n]) => split(String(text), String(separator), Number(limit))),
  ...overloads(['string.substring(int): string', 'string.substring(int, int): string'], ([text, start, end]) => substring(String(text), Number(start), end === undefined ? undefined : Number(end))),
  overload('string.trim(): string', ([text]) => String(text).replaceAll(blank, '')),
  ...overloads(['list<string>.join(): string', 'list<string>.join(string): string'], ([list = null, separator = ''], context) => join(list, String(separator), context)),
  overload('strings.quote(string): string', ([text]) => quote(String(text))),
  overload('string.format(list<dyn>): string', ([text, args = null], { charge }) => formatString(String(text), args as readonly CelValue[], charge)),
]
