/** Equality and order of values. Mirrors `Equal` and `Compare` of cel-go's `common/types`. */
import { noSuchOverload } from './errors.ts'
import { listIdentity } from './list-kind.ts'
import { CelDuration, type CelList, CelMap, CelOpaque, CelOptional, CelStruct, CelTimestamp, CelTypeValue, CelUint, type CelValue, isList } from './values.ts'

export type Charge = (cost: number) => void

const isNumeric = (value: CelValue): value is bigint | number | CelUint => typeof value === 'bigint' || typeof value === 'number' || value instanceof CelUint
const plain = (value: bigint | number | CelUint): bigint | number => (value instanceof CelUint ? value.value : value)

const equalMaps = (a: CelMap, b: CelMap, charge: Charge): boolean => {
  if (a.size !== b.size) return false
  for (const key of a.keys()) {
    const other = b.get(key)
    const own = a.get(key)
    if (other === undefined || own === undefined || !equals(own, other, charge)) return false
  }
  return true
}

/** Lists of type set or map are equal when they hold the same, in whatever order. */
const equalUnordered = (a: CelList, b: CelList, charge: Charge): boolean =>
  a.every((left) => b.some((right) => equals(left, right, charge))) && b.every((right) => a.some((left) => equals(left, right, charge)))

const equalLists = (a: CelList, b: CelList, charge: Charge): boolean => {
  if (a.length !== b.length) return false
  if (listIdentity(a) ?? listIdentity(b)) return equalUnordered(a, b, charge)
  return a.every((left, index) => equals(left, b[index] ?? null, charge))
}

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, index) => byte === b[index])

/** Values of different types are not equal; numbers are compared across their types. */
export const equals = (a: CelValue, b: CelValue, charge: Charge): boolean => {
  charge(0.3)
  if (typeof a === 'string') {
    charge(Math.min(a.length, typeof b === 'string' ? b.length : 0) / 10)
    return a === b
  }
  if (a === null || typeof a === 'boolean') return a === b
  // Two of JavaScript's operators compare bigint with number exactly.
  // oxlint-disable-next-line eqeqeq
  if (isNumeric(a)) return isNumeric(b) && plain(a) == plain(b)
  if (isList(a)) return isList(b) && equalLists(a, b, charge)
  if (a instanceof CelMap) return b instanceof CelMap && equalMaps(a, b, charge)
  if (a instanceof Uint8Array) return b instanceof Uint8Array && equalBytes(a, b)
  if (a instanceof CelTimestamp) return b instanceof CelTimestamp && a.nanoseconds === b.nanoseconds
  if (a instanceof CelDuration) return b instanceof CelDuration && a.nanoseconds === b.nanoseconds
  if (a instanceof CelTypeValue) return b instanceof CelTypeValue && a.name === b.name
  if (a instanceof CelOpaque) return a.equals(b)
  if (a instanceof CelOptional) return b instanceof CelOptional && (a.value === undefined || b.value === undefined ? a.value === b.value : equals(a.value, b.value, charge))
  return b instanceof CelStruct && a.typeName === b.typeName && a.fields.size === b.fields.size
    && [...a.fields].every(([name, value]) => { const other = b.fields.get(name); return other !== undefined && equals(value, other, charge) })
}

const surrogate = /[\ud800-\udfff]/

/** By code points, as Go orders the UTF-8 bytes. */
export const compareStrings = (a: string, b: string): number => {
  if (!surrogate.test(a) && !surrogate.test(b)) return a < b ? -1 : a > b ? 1 : 0
  const left = [...a]
  const right = [...b]
  for (const [index, letter] of left.entries()) {
    const difference = (letter.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? -1)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

const sign = (a: bigint | number, b: bigint | number): number => (a < b ? -1 : a > b ? 1 : 0)

const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  for (const [index, byte] of a.entries()) {
    const other = b[index]
    if (other === undefined) return 1
    if (byte !== other) return byte - other
  }
  return a.length - b.length
}

/** Negative, 0 or positive; NaN where a double is no number. Throws where there is no order. */
export const compareValues = (a: CelValue, b: CelValue): number => {
  if (isNumeric(a) && isNumeric(b)) {
    const left = plain(a)
    const right = plain(b)
    return Number.isNaN(left) || Number.isNaN(right) ? Number.NaN : sign(left, right)
  }
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if ((a instanceof CelTimestamp && b instanceof CelTimestamp) || (a instanceof CelDuration && b instanceof CelDuration)) return sign(a.nanoseconds, b.nanoseconds)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b)
  throw noSuchOverload()
}
