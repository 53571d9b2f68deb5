/** Conversions between types, and size. Mirrors `ConvertToType` of cel-go's `common/types`. */
import { Buffer } from 'node:buffer'
import { celError } from '../errors.ts'
import { maxInt, maxUint, minInt } from '../literals.ts'
import { type Overload, overload, overloads } from '../signature.ts'
import { CelDuration, CelMap, CelTimestamp, CelTypeValue, CelUint, type CelValue, isList, runtimeTypeName } from '../values.ts'
import { checkedInt, checkedUint, formatDouble } from './numbers.ts'
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from './time-text.ts'
import { makeDuration, makeTimestamp } from './time.ts'

const fromDouble = (value: number, low: bigint, high: bigint): bigint => {
  // The bounds themselves are refused, since doubles near them are not exact.
  if (!Number.isFinite(value) || value <= Number(low) - 1 || value >= Number(high)) throw celError(low === 0n ? 'unsigned integer overflow' : 'integer overflow')
  return BigInt(Math.trunc(value))
}

const parseInteger = (text: string, what: { function: string; pattern: RegExp; low: bigint; high: bigint }): bigint => {
  if (!what.pattern.test(text)) throw celError(`strconv.${what.function}: parsing ${JSON.stringify(text)}: invalid syntax`)
  const value = BigInt(text.replace('+', ''))
  if (value < what.low || value > what.high) throw celError(`strconv.${what.function}: parsing ${JSON.stringify(text)}: value out of range`)
  return value
}

const toInt = (value: CelValue): bigint => {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return fromDouble(value, minInt, maxInt)
  if (value instanceof CelUint) return checkedInt(value.value)
  if (value instanceof CelTimestamp) return BigInt.asIntN(64, value.nanoseconds < 0n && value.nanoseconds % 1_000_000_000n !== 0n ? value.nanoseconds / 1_000_000_000n - 1n : value.nanoseconds / 1_000_000_000n)
  if (value instanceof CelDuration) return value.nanoseconds
  return parseInteger(String(value).slice(0, 100), { function: 'ParseInt', pattern: /^[+-]?\d+$/, low: minInt, high: maxInt })
}

const toUint = (value: CelValue): CelUint => {
  if (value instanceof CelUint) return value
  if (typeof value === 'bigint') return checkedUint(value)
  if (typeof value === 'number') return new CelUint(fromDouble(value, 0n, maxUint))
  return new CelUint(parseInteger(String(value).slice(0, 100), { function: 'ParseUint', pattern: /^\d+$/, low: 0n, high: maxUint }))
}

const toDouble = (value: CelValue): number => {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof CelUint) return Number(value.value)
  const text = String(value)
  if (/^[+-]?(inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^nan$/i.test(text)) return Number.NaN
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw celError(`strconv.ParseFloat: parsing ${JSON.stringify(text.slice(0, 100))}: invalid syntax`)
  return Number(text)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const toText = (value: CelValue): string => {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return formatDouble(value)
  if (value instanceof CelUint) return value.value.toString()
  if (value instanceof CelTimestamp) return formatTimestamp(value.nanoseconds)
  if (value instanceof CelDuration) return formatDuration(value.nanoseconds)
  if (!(value instanceof Uint8Array)) return String(value)
  try {
    return utf8.decode(value)
  } catch {
    throw celError('invalid UTF-8 in bytes, cannot convert to string')
  }
}

const truths: Readonly<Record<string, boolean>> = { 1: true, t: true, true: true, TRUE: true, True: true, T: true, 0: false, f: false, false: false, FALSE: false, False: false, F: false }

const toBool = (value: CelValue): boolean => {
  const truth = typeof value === 'boolean' ? value : Object.hasOwn(truths, String(value)) ? truths[String(value)] : undefined
  if (truth === undefined) throw celError(`strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`)
  return truth
}

const toTimestamp = (value: CelValue): CelTimestamp => {
  if (value instanceof CelTimestamp) return value
  if (typeof value === 'bigint') return makeTimestamp(value * 1_000_000_000n)
  const parsed = parseTimestamp(String(value))
  if (parsed === undefined) throw celError(`parsing time ${JSON.stringify(String(value).slice(0, 100))} as "2006-01-02T15:04:05Z07:00": cannot parse`)
  return new CelTimestamp(parsed)
}

const toDuration = (value: CelValue): CelDuration => {
  if (value instanceof CelDuration) return value
  if (typeof value === 'bigint') return makeDuration(value)
  const parsed = parseDuration(String(value))
  if (parsed === undefined) throw celError(`time: invalid duration ${JSON.stringify(String(value).slice(0, 100))}`)
  return new CelDuration(parsed)
}

const surrogatePair = /[\ud800-\udbff][\udc00-\udfff]/g

/** In code points for text, in bytes for bytes. */
export const sizeOf = (value: CelValue): bigint => {
  if (typeof value === 'string') return BigInt(value.length - (value.match(surrogatePair)?.length ?? 0))
  if (isList(value) || value instanceof Uint8Array) return BigInt(value.length)
  return value instanceof CelMap ? BigInt(value.size) : 0n
}

const from = (target: string, sources: string): string[] => sources.split(' ').map((source) => `${target}(${source}): ${target}`)

export const conversions: readonly Overload[] = [
  ...overloads(from('int', 'int double duration string timestamp uint'), ([value = null]) => toInt(value)),
  ...overloads(from('uint', 'uint double int string'), ([value = null]) => toUint(value)),
  ...overloads(from('double', 'double int string uint'), ([value = null]) => toDouble(value)),
  ...overloads(from('string', 'string bool bytes double duration int timestamp uint'), ([value = null]) => toText(value)),
  ...overloads(from('bytes', 'bytes string'), ([value = null]) => (typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'utf8')) : value)),
  ...overloads(from('bool', 'bool string'), ([value = null]) => toBool(value)),
  ...overloads(from('timestamp', 'timestamp string int'), ([value = null]) => toTimestamp(value)),
  ...overloads(from('duration', 'duration string int'), ([value = null]) => toDuration(value)),
  overload('dyn(A): dyn', ([value = null]) => value),
  overload('type(A): type<A>', ([value = null]) => new CelTypeValue(runtimeTypeName(value))),
  ...overloads(['string', 'bytes', 'list<A>', 'map<A, B>'].flatMap((type) => [`size(${type}): int`, `${type}.size(): int`]), ([value = null]) => sizeOf(value)),
]
