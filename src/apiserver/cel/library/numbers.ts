/** Arithmetic with overflow as an error, and numbers as Go prints them. */
import { celError, noSuchOverload } from '../errors.ts'
import { maxInt, maxUint, minInt } from '../literals.ts'
import { CelUint, type CelValue } from '../values.ts'

export const checkedInt = (value: bigint): bigint => {
  if (value < minInt || value > maxInt) throw celError('integer overflow')
  return value
}
export const checkedUint = (value: bigint): CelUint => {
  if (value < 0n || value > maxUint) throw celError('unsigned integer overflow')
  return new CelUint(value)
}

const operations: Readonly<Record<string, { whole(a: bigint, b: bigint): bigint; real(a: number, b: number): number }>> = {
  '_+_': { whole: (a, b) => a + b, real: (a, b) => a + b },
  '_-_': { whole: (a, b) => a - b, real: (a, b) => a - b },
  '_*_': { whole: (a, b) => a * b, real: (a, b) => a * b },
  '_/_': { whole: (a, b) => { if (b === 0n) throw celError('division by zero'); return a / b }, real: (a, b) => a / b },
  '_%_': { whole: (a, b) => { if (b === 0n) throw celError('modulus by zero'); return a % b }, real: () => { throw noSuchOverload() } },
}

/** `a operator b` for two numbers of one type. */
export const calculate = (operator: string, a: CelValue | undefined, b: CelValue | undefined): CelValue => {
  const operation = operations[operator]
  if (!operation) throw noSuchOverload()
  if (typeof a === 'bigint' && typeof b === 'bigint') return checkedInt(operation.whole(a, b))
  if (typeof a === 'number' && typeof b === 'number') return operation.real(a, b)
  if (a instanceof CelUint && b instanceof CelUint) return checkedUint(operation.whole(a.value, b.value))
  throw noSuchOverload()
}

const special = (value: number): string | undefined => (Number.isNaN(value) ? 'NaN' : value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : undefined)

const goExponent = (text: string): string => text.replace(/e([+-])(\d)$/, 'e$10$2')

/** strconv.FormatFloat(value, 'g', -1, 64). */
export const formatDouble = (value: number): string => {
  const known = special(value)
  if (known !== undefined) return known
  const scientific = value.toExponential()
  const exponent = Number(scientific.slice(scientific.indexOf('e') + 1))
  if (value !== 0 && (exponent < -4 || exponent >= 6)) return goExponent(scientific)
  return Object.is(value, -0) ? '-0' : value.toString()
}
