/** `'%s is %d'.format([…])`. Mirrors cel-go's `ext/formatting.go`. */
import { Buffer } from 'node:buffer'
import type { Charge } from '../compare.ts'
import { celError } from '../errors.ts'
import { CelMap, CelTypeValue, CelUint, type CelValue, isList, runtimeTypeName } from '../values.ts'
import { toText } from './conversions.ts'
import { formatDouble } from './numbers.ts'

const clause = /%(?:\.(\d+))?(.)?/gs
const maxPrecision = 1000

const integerOf = (value: CelValue): bigint | undefined => (typeof value === 'bigint' ? value : value instanceof CelUint ? value.value : undefined)

const wrong = (verb: string, value: CelValue, what: string): never => {
  throw celError(`error during formatting: ${verb} clause can only be used on ${what}, was given ${runtimeTypeName(value)}`)
}

/** What `%s` prints, of lists and maps too. */
const shown = (value: CelValue, charge: Charge): string => {
  charge(typeof value === 'string' ? value.length / 10 : 1)
  if (value === null) return 'null'
  if (isList(value)) return `[${value.map((item) => shown(item, charge)).join(', ')}]`
  if (value instanceof CelMap) return `{${[...value.keys()].map((key) => `${shown(key, charge)}: ${shown(value.get(key) ?? null, charge)}`).sort().join(', ')}}`
  if (value instanceof CelTypeValue) return value.name
  return toText(value)
}

const numberOf = (value: CelValue): number | undefined => (typeof value === 'number' ? value : undefined)

const exponent = (value: number, precision: number): string => value.toExponential(precision).replace(/e([+-])(\d)$/, 'e$10$2')

const hexadecimal = (verb: string, value: CelValue): string => {
  const integer = integerOf(value)
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value instanceof Uint8Array ? Buffer.from(value) : undefined
  const text = integer?.toString(16) ?? bytes?.toString('hex') ?? wrong('hex', value, 'integers, byte buffers, and strings')
  return verb === 'X' ? text.toUpperCase() : text
}

const formatClause = (verb: string, precision: number | undefined, value: CelValue, charge: Charge): string => {
  const integer = integerOf(value)
  switch (verb) {
    case 's': return shown(value, charge)
    case 'd': return typeof value === 'number' && !Number.isFinite(value) ? formatDouble(value).replace('+', '') : integer?.toString() ?? wrong('decimal', value, 'integers')
    case 'f': { const number = numberOf(value) ?? wrong('fixed-point', value, 'doubles'); return Number.isFinite(number) ? number.toFixed(Math.min(precision ?? 6, 100)) : formatDouble(number).replace('+', '') }
    case 'e': { const number = numberOf(value) ?? wrong('scientific notation', value, 'doubles'); return Number.isFinite(number) ? exponent(number, Math.min(precision ?? 6, 100)) : formatDouble(number).replace('+', '') }
    case 'b': return typeof value === 'boolean' ? (value ? '1' : '0') : integer?.toString(2) ?? wrong('binary', value, 'integers and bools')
    case 'x': case 'X': return hexadecimal(verb, value)
    case 'o': return integer?.toString(8) ?? wrong('octal', value, 'integers')
    default: throw celError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`)
  }
}

export const formatString = (template: string, args: readonly CelValue[], charge: Charge): string => {
  let next = 0
  const text = template.replaceAll(clause, (_, precision: string | undefined, verb: string | undefined) => {
    if (verb === '%' && precision === undefined) return '%'
    if (verb === undefined) throw celError('unexpected end of string')
    if (precision !== undefined && Number(precision) > maxPrecision) throw celError('precision too large')
    const value = args[next]
    if (value === undefined) throw celError(`index ${next} out of range`)
    next += 1
    return formatClause(verb, precision === undefined ? undefined : Number(precision), value, charge)
  })
  if (next < args.length) throw celError(`too many arguments supplied to string.format (expected ${next}, got ${args.length})`)
  return text
}
