/** Functions on lists and sets, and on optional values. Mirrors `k8s.io/apiserver/pkg/cel/library/lists.go`, cel-go's `ext/sets.go` and `cel/library.go`. */
import { compareValues, equals } from '../compare.ts'
import { celError, noSuchOverload } from '../errors.ts'
import { type CallContext, type Overload, overload, overloads } from '../signature.ts'
import { CelDuration, CelMap, CelOptional, CelTimestamp, CelUint, type CelList, type CelValue, isList, noOptional } from '../values.ts'
import { calculate } from './numbers.ts'
import { addTimes } from './time.ts'

const summable = ['int', 'uint', 'double', 'duration']
const comparable = [...summable, 'timestamp', 'string', 'bool', 'bytes']
const listOf = (value: CelValue | undefined): CelList => (value !== undefined && isList(value) ? value : [])

const zeros: Readonly<Record<string, CelValue>> = { int: 0n, uint: new CelUint(0n), double: 0, duration: new CelDuration(0n) }
const isSummable = (value: CelValue): boolean => typeof value === 'bigint' || typeof value === 'number' || value instanceof CelUint || value instanceof CelDuration

const sum = (list: CelList, zero: CelValue): CelValue => {
  const [first = zero, ...rest] = list
  if (!isSummable(first)) throw noSuchOverload()
  return rest.reduce((total, value) => addTimes(total, value) ?? calculate('_+_', total, value), first)
}

const extreme = (name: string, list: CelList, sign: number): CelValue => {
  const [first, ...rest] = list
  if (first === undefined) throw celError(`${name} called on empty list`)
  return rest.reduce((best, value) => (compareValues(value, best) * sign > 0 ? value : best), first)
}

const isSorted = (list: CelList): boolean => list.every((value, index) => index === 0 || compareValues(list[index - 1] ?? value, value) <= 0)

const holds = (list: CelList, value: CelValue, { charge }: CallContext): boolean => list.some((element) => equals(element, value, charge))

const isZeroValue = (value: CelValue): boolean => {
  if (value === null || value === false || value === 0n || value === 0 || value === '') return true
  if (isList(value) || value instanceof Uint8Array) return value.length === 0
  if (value instanceof CelMap) return value.size === 0
  if (value instanceof CelUint) return value.value === 0n
  return (value instanceof CelDuration || value instanceof CelTimestamp) && value.nanoseconds === 0n
}

const optionalOf = (value: CelValue | undefined): CelOptional => (value instanceof CelOptional ? value : noOptional)

export const listFunctions: readonly Overload[] = [
  ...summable.map((type) => overload(`list<${type}>.sum(): ${type}`, ([list]) => sum(listOf(list), zeros[type] ?? null))),
  ...comparable.flatMap((type) => [
    overload(`list<${type}>.isSorted(): bool`, ([list]) => isSorted(listOf(list))),
    overload(`list<${type}>.min(): ${type}`, ([list]) => extreme('min', listOf(list), -1)),
    overload(`list<${type}>.max(): ${type}`, ([list]) => extreme('max', listOf(list), 1)),
  ]),
  overload('list<A>.indexOf(A): int', ([list, wanted = null], { charge }) => BigInt(listOf(list).findIndex((value) => equals(value, wanted, charge)))),
  overload('list<A>.lastIndexOf(A): int', ([list, wanted = null], { charge }) => BigInt(listOf(list).findLastIndex((value) => equals(value, wanted, charge)))),
  overload('sets.contains(list<A>, list<A>): bool', ([list, part], context) => listOf(part).every((value) => holds(listOf(list), value, context))),
  overload('sets.equivalent(list<A>, list<A>): bool', ([a, b], context) => listOf(a).every((value) => holds(listOf(b), value, context)) && listOf(b).every((value) => holds(listOf(a), value, context))),
  overload('sets.intersects(list<A>, list<A>): bool', ([a, b], context) => listOf(a).some((value) => holds(listOf(b), value, context))),
]

export const optionalFunctions: readonly Overload[] = [
  overload('optional.of(A): optional<A>', ([value]) => new CelOptional(value)),
  overload('optional.ofNonZeroValue(A): optional<A>', ([value = null]) => (isZeroValue(value) ? noOptional : new CelOptional(value))),
  overload('optional.none(): optional<A>', () => noOptional),
  overload('optional<A>.hasValue(): bool', ([optional]) => optionalOf(optional).value !== undefined),
  overload('optional<A>.value(): A', ([optional]) => {
    const { value } = optionalOf(optional)
    if (value === undefined) throw celError('optional.none() dereference')
    return value
  }),
  ...overloads(['optional<A>.or(optional<A>): optional<A>', 'optional<A>.orValue(A): A'], ([value = null]) => value),
]
