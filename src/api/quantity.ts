/**
 * Kubernetes quantities (`500m`, `1.5Gi`, `12e6`): exact fixed-point numbers, never floating point.
 * Mirrors apimachinery `pkg/api/resource`: parsing, rounding up to nano, canonical form.
 */

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

/** `mantissa` × 10^`exponent`; `exponent` is -9 at least. `text` is there when the parsed text was canonical already. */
export interface Quantity {
  readonly mantissa: bigint
  readonly exponent: number
  readonly format: QuantityFormat
  readonly text?: string | undefined
}

/** Thrown by `parseQuantity`; the message is upstream's. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError'
}

const pattern = /^([+-]?)(0*)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/
const formatWrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const numberWrong = 'unable to parse numeric part of quantity'
const suffixWrong = "unable to parse quantity's suffix"

const decimalSuffixes: ReadonlyMap<string, number> = new Map([['n', -9], ['u', -6], ['m', -3], ['', 0], ['k', 3], ['M', 6], ['G', 9], ['T', 12], ['P', 15], ['E', 18]])
const binarySuffixes: ReadonlyMap<string, number> = new Map([['Ki', 10], ['Mi', 20], ['Gi', 30], ['Ti', 40], ['Pi', 50], ['Ei', 60]])
const nano = -9
const maxBinary = 2n ** 63n - 1n
// Ours, not upstream's: an exponent beyond this is no amount of anything, and would cost memory in proportion to it.
const maxExponent = 9999

const powersOfTen: readonly bigint[] = Array.from({ length: 40 }, (_, power) => 10n ** BigInt(power))
const tenTo = (power: number): bigint => powersOfTen[power] ?? 10n ** BigInt(power)

interface Suffix { base: 2 | 10; exponent: number; format: QuantityFormat }

const interpretSuffix = (suffix: string): Suffix => {
  const decimal = decimalSuffixes.get(suffix)
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: 'DecimalSI' }
  const binary = binarySuffixes.get(suffix)
  if (binary !== undefined) return { base: 2, exponent: binary, format: 'BinarySI' }
  const exponent = /^[eE]([-+]?[0-9]+)$/.exec(suffix)?.[1]
  if (exponent === undefined || Math.abs(Number(exponent)) > maxExponent) throw new QuantityError(suffixWrong)
  return { base: 10, exponent: Number(exponent), format: 'DecimalExponent' }
}

/** Rounds away from zero, as inf.RoundUp: who asks for something gets something. */
const divideUp = (dividend: bigint, divisor: bigint): bigint => {
  const quotient = dividend / divisor
  if (quotient * divisor === dividend) return quotient
  return dividend < 0n ? quotient - 1n : quotient + 1n
}

const rounded = (mantissa: bigint, exponent: number): { mantissa: bigint; exponent: number } =>
  exponent >= nano ? { mantissa, exponent } : { mantissa: divideUp(mantissa, tenTo(nano - exponent)), exponent: nano }

/** A quantity from its text. Throws QuantityError. */
export const parseQuantity = (text: string): Quantity => {
  if (text === '0') return { mantissa: 0n, exponent: 0, format: 'DecimalSI', text }
  const match = text.length > 0 && text.length <= 4096 ? pattern.exec(text) : null
  if (!match) throw new QuantityError(formatWrong)
  const [, sign = '', zeros = '', whole = '', fraction = '', suffixText = ''] = match
  const { base, exponent, format } = interpretSuffix(suffixText)
  if (zeros + whole + fraction === '') throw new QuantityError(numberWrong)
  const digits = BigInt((whole || '0') + fraction)
  const unsigned = base === 10 ? rounded(digits, exponent - fraction.length) : rounded(digits << BigInt(exponent), -fraction.length)
  const signed = (value: { mantissa: bigint; exponent: number }, as: QuantityFormat, canonical = false): Quantity =>
    ({ mantissa: sign === '-' ? -value.mantissa : value.mantissa, exponent: value.exponent, format: as, ...(canonical && { text }) })
  if (base === 10) return signed(unsigned, format, isCanonicalDecimal((whole || '0') + fraction, exponent - fraction.length))
  const fits = compareAmounts(unsigned, { mantissa: maxBinary, exponent: 0 }) <= 0
  const small = digits !== 0n && compareAmounts(unsigned, { mantissa: 1n, exponent: 0 }) < 0
  return signed(fits ? unsigned : { mantissa: maxBinary, exponent: 0 }, small ? 'DecimalSI' : 'BinarySI', fits && fraction === '' && (digits & 7n) !== 0n)
}

// Which texts upstream keeps as they are; among them oddities like `1.500` and `+5`, which clients therefore see again.
const isCanonicalDecimal = (shifted: string, exponent: number): boolean =>
  shifted.length <= 18 && exponent >= nano && exponent % 3 === 0 && !shifted.endsWith('000') && !shifted.startsWith('0')

type Amount = Pick<Quantity, 'mantissa' | 'exponent'>

const aligned = (left: Amount, right: Amount): [bigint, bigint, number] => {
  const exponent = Math.min(left.exponent, right.exponent)
  return [left.mantissa * tenTo(left.exponent - exponent), right.mantissa * tenTo(right.exponent - exponent), exponent]
}

const compareAmounts = (left: Amount, right: Amount): -1 | 0 | 1 => {
  const [a, b] = left.exponent === right.exponent ? [left.mantissa, right.mantissa] : aligned(left, right)
  return a < b ? -1 : a > b ? 1 : 0
}

/** Text is parsed; so every function below takes both. */
export type QuantityLike = Quantity | string
const asQuantity = (value: QuantityLike): Quantity => (typeof value === 'string' ? parseQuantity(value) : value)

export const isValidQuantity = (text: string): boolean => {
  try {
    parseQuantity(text)
    return true
  } catch (error) {
    if (error instanceof QuantityError) return false
    throw error
  }
}

export const compareQuantities = (left: QuantityLike, right: QuantityLike): -1 | 0 | 1 => compareAmounts(asQuantity(left), asQuantity(right))
export const isZero = (value: QuantityLike): boolean => asQuantity(value).mantissa === 0n
export const signOf = (value: QuantityLike): -1 | 0 | 1 => compareAmounts(asQuantity(value), { mantissa: 0n, exponent: 0 })

/** left + right, in left's format (right's where left is zero, as upstream). */
export const addQuantities = (left: QuantityLike, right: QuantityLike): Quantity => {
  const [a, b] = [asQuantity(left), asQuantity(right)]
  const [x, y, exponent] = aligned(a, b)
  return { mantissa: x + y, exponent, format: a.mantissa === 0n ? b.format : a.format }
}

export const negate = (value: QuantityLike): Quantity => {
  const quantity = asQuantity(value)
  return { mantissa: -quantity.mantissa, exponent: quantity.exponent, format: quantity.format }
}

export const subtractQuantities = (left: QuantityLike, right: QuantityLike): Quantity => addQuantities(left, negate(right))
export const maxQuantity = (left: QuantityLike, right: QuantityLike): Quantity => asQuantity(compareQuantities(left, right) < 0 ? right : left)

/** The value in units of 10^`scale`, rounded away from zero: upstream's ScaledValue. */
export const scaledValue = (value: QuantityLike, scale: number): bigint => {
  const { mantissa, exponent } = asQuantity(value)
  return exponent >= scale ? mantissa * tenTo(exponent - scale) : divideUp(mantissa, tenTo(scale - exponent))
}

/** Thousandths, rounded up: `MilliValue()`. */
export const toMilli = (value: QuantityLike): bigint => scaledValue(value, -3)
/** Whole units, rounded up: `Value()`. */
export const toWhole = (value: QuantityLike): bigint => scaledValue(value, 0)
/** Whole units, rounded up, as a number: exact below 2^53. */
export const toNumber = (value: QuantityLike): number => Number(scaledValue(value, 0))

/** A quantity from a number of units of 10^`scale`: upstream's NewQuantity, NewMilliQuantity, NewScaledQuantity. */
export const quantityOf = (value: bigint | number, format: QuantityFormat = 'DecimalSI', scale = 0): Quantity => ({ mantissa: BigInt(value), exponent: scale, format })

/** `value` rounded up to a multiple of 10^`scale`, so that its text is canonical: upstream's RoundUp. */
export const roundUp = (value: QuantityLike, scale: number): Quantity => {
  const quantity = asQuantity(value)
  return quantity.exponent >= scale ? { mantissa: quantity.mantissa, exponent: quantity.exponent, format: quantity.format }
    : { mantissa: divideUp(quantity.mantissa, tenTo(scale - quantity.exponent)), exponent: scale, format: quantity.format }
}

const decimalText = (quantity: Quantity, format: QuantityFormat): string => {
  let { mantissa, exponent } = quantity
  while (mantissa % 10n === 0n) {
    mantissa /= 10n
    exponent++
  }
  const surplus = ((exponent % 3) + 3) % 3
  mantissa *= tenTo(surplus)
  exponent -= surplus
  const suffix = format === 'DecimalSI' ? [...decimalSuffixes].find(([, each]) => each === exponent)?.[0] : undefined
  return `${mantissa}${suffix ?? (exponent === 0 ? '' : `e${exponent}`)}`
}

/** The canonical text: no fraction, the largest suffix that loses nothing, in the format that was parsed. */
export const formatQuantity = (value: QuantityLike): string => {
  const quantity = asQuantity(value)
  if (quantity.text !== undefined) return quantity.text
  if (quantity.mantissa === 0n) return '0'
  if (quantity.format !== 'BinarySI') return decimalText(quantity, quantity.format)
  const whole = scaledValue(quantity, 0)
  const exact = compareAmounts({ mantissa: whole, exponent: 0 }, quantity) === 0
  if (!exact || (whole > -1024n && whole < 1024n)) return decimalText(quantity, 'DecimalSI')
  let mantissa = whole
  let suffix = ''
  for (const next of binarySuffixes.keys()) {
    if (mantissa % 1024n !== 0n) break
    mantissa /= 1024n
    suffix = next
  }
  return `${mantissa}${suffix}`
}
