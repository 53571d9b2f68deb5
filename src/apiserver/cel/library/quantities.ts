/** Quantities. Mirrors `k8s.io/apiserver/pkg/cel/library/quantity.go`. */
import { addQuantities, compareQuantities, isValidQuantity, parseQuantity, type Quantity, QuantityError, quantityOf, scaledValue, signOf, subtractQuantities } from '../../../api/quantity.ts'
import { celError } from '../errors.ts'
import { maxInt, minInt } from '../literals.ts'
import { type Overload, overload, overloads } from '../signature.ts'
import { CelOpaque, type CelValue } from '../values.ts'

const name = 'kubernetes.Quantity'

export class CelQuantity extends CelOpaque {
  readonly typeName = name
  readonly quantity: Quantity
  constructor(quantity: Quantity) {
    super()
    this.quantity = quantity
  }
  equals(other: CelValue): boolean { return other instanceof CelQuantity && compareQuantities(this.quantity, other.quantity) === 0 }
}

const parse = (text: string): CelQuantity => {
  try {
    return new CelQuantity(parseQuantity(text))
  } catch (error) {
    throw error instanceof QuantityError ? celError(error.message) : error
  }
}

const quantityFrom = (value: CelValue | undefined): Quantity => (value instanceof CelQuantity ? value.quantity : quantityOf(typeof value === 'bigint' ? value : 0n))

/** The quantity as an int, if it is one. */
const integerOf = (value: CelValue | undefined): bigint | undefined => {
  const quantity = quantityFrom(value)
  const whole = scaledValue(quantity, 0)
  return compareQuantities(quantityOf(whole), quantity) === 0 && whole >= minInt && whole <= maxInt ? whole : undefined
}

const method = (signature: string): string => `(${name}).${signature}`
const calculation = (signature: string, calculate: (a: Quantity, b: Quantity) => Quantity): Overload[] =>
  overloads([method(`${signature}(${name}): ${name}`), method(`${signature}(int): ${name}`)], ([a, b]) => new CelQuantity(calculate(quantityFrom(a), quantityFrom(b))))

export const quantityFunctions: readonly Overload[] = [
  overload(`quantity(string): ${name}`, ([text]) => parse(String(text))),
  overload('isQuantity(string): bool', ([text]) => isValidQuantity(String(text))),
  overload(method('isInteger(): bool'), ([value]) => integerOf(value) !== undefined),
  overload(method('asInteger(): int'), ([value]) => {
    const integer = integerOf(value)
    if (integer === undefined) throw celError('cannot convert value to integer')
    return integer
  }),
  overload(method('asApproximateFloat(): double'), ([value]) => { const { mantissa, exponent } = quantityFrom(value); return Number(`${mantissa}e${exponent}`) }),
  overload(method('sign(): int'), ([value]) => BigInt(signOf(quantityFrom(value)))),
  ...calculation('add', addQuantities),
  ...calculation('sub', subtractQuantities),
  overload(method(`isLessThan(${name}): bool`), ([a, b]) => compareQuantities(quantityFrom(a), quantityFrom(b)) < 0),
  overload(method(`isGreaterThan(${name}): bool`), ([a, b]) => compareQuantities(quantityFrom(a), quantityFrom(b)) > 0),
  overload(method(`compareTo(${name}): int`), ([a, b]) => BigInt(compareQuantities(quantityFrom(a), quantityFrom(b)))),
]
