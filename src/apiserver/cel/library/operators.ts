/** The operators. Signatures as in cel-go's `common/stdlib/standard.go`. */
import { compareValues, equals } from '../compare.ts'
import { celError, noSuchOverload } from '../errors.ts'
import { listIdentity, mergeLists } from '../list-kind.ts'
import { type CallContext, type Implementation, type Overload, overload, overloads } from '../signature.ts'
import { CelMap, CelOptional, CelUint, type CelValue, isList, noOptional } from '../values.ts'
import { optionalField } from '../optional-field.ts'
import { calculate, checkedInt } from './numbers.ts'
import { addTimes, subtractTimes } from './time.ts'

const joinBytes = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}

const add: Implementation = ([a = null, b = null], context) => {
  if (typeof a === 'string' && typeof b === 'string') return a + b
  if (a instanceof Uint8Array && b instanceof Uint8Array) return joinBytes(a, b)
  if (isList(a) && isList(b)) {
    if (!listIdentity(a)) return [...a, ...b]
    context.charge(a.length * b.length)
    return mergeLists(a, b, (left, right) => left !== undefined && right !== undefined && equals(left, right, context.charge))
  }
  return addTimes(a, b) ?? calculate('_+_', a, b)
}

const subtract: Implementation = ([a = null, b = null]) => subtractTimes(a, b) ?? calculate('_-_', a, b)

const numeric = ['int', 'uint', 'double']
const ordered = ['bool', 'string', 'bytes', 'timestamp', 'duration']
const comparisons: Readonly<Record<string, (order: number) => boolean>> = { '_<_': (order) => order < 0, '_<=_': (order) => order <= 0, '_>_': (order) => order > 0, '_>=_': (order) => order >= 0 }

const contains = (value: CelValue, container: CelValue, context: CallContext): boolean => {
  if (isList(container)) return container.some((element) => equals(element, value, context.charge))
  if (container instanceof CelMap) return container.get(value) !== undefined
  throw noSuchOverload()
}

/** The position in a list that a number means. */
const indexOf = (index: CelValue): number => {
  if (typeof index === 'bigint') return Number(index)
  if (index instanceof CelUint) return Number(index.value)
  if (typeof index === 'number' && Number.isInteger(index)) return index
  throw celError(typeof index === 'number' ? `unsupported index value: ${index}` : 'unsupported index type in list')
}

const keyShown = (key: CelValue): string => (key instanceof CelUint ? String(key.value) : typeof key === 'object' ? 'of unsupported type' : String(key))

const element = (container: CelValue, key: CelValue): CelValue => {
  if (isList(container)) {
    const found = container[indexOf(key)]
    if (found === undefined) throw celError(`index out of bounds: ${keyShown(key)}`)
    return found
  }
  const found = container instanceof CelMap ? container.get(key) : undefined
  if (found === undefined) throw celError(`no such key: ${keyShown(key)}`)
  return found
}

const optionalElement = (container: CelValue, key: CelValue): CelOptional => {
  const inner = container instanceof CelOptional ? container.value : container
  if (inner === undefined) return noOptional
  if (typeof key === 'string' && !isList(inner)) return optionalField(inner, key)
  const found = isList(inner) ? inner[indexOf(key)] : inner instanceof CelMap ? inner.get(key) : undefined
  return found === undefined ? noOptional : new CelOptional(found)
}

const same = (types: readonly string[], operator: string, result?: string): string[] => types.map((type) => `${operator}(${type}, ${type}): ${result ?? type}`)
const never: Implementation = () => { throw noSuchOverload() }

export const operators: readonly Overload[] = [
  // Computed lazily by the evaluator.
  overload('_&&_(bool, bool): bool', never), overload('_||_(bool, bool): bool', never), overload('_?_:_(bool, A, A): A', never),
  overload('!_(bool): bool', ([value]) => value === false),
  overload('-_(int): int', ([value]) => checkedInt(-(value as bigint))), overload('-_(double): double', ([value]) => -(value as number)),
  overload('_==_(A, A): bool', ([a = null, b = null], context) => equals(a, b, context.charge)),
  overload('_!=_(A, A): bool', ([a = null, b = null], context) => !equals(a, b, context.charge)),
  ...Object.entries(comparisons).flatMap(([name, test]) => overloads(
    [...same(ordered, name, 'bool'), ...numeric.flatMap((left) => numeric.map((right) => `${name}(${left}, ${right}): bool`))], ([a = null, b = null]) => test(compareValues(a, b)))),
  ...overloads([...same([...numeric, 'string', 'bytes', 'list<A>', 'duration'], '_+_'), '_+_(timestamp, duration): timestamp', '_+_(duration, timestamp): timestamp'], add),
  ...overloads([...same([...numeric, 'duration'], '_-_'), '_-_(timestamp, timestamp): duration', '_-_(timestamp, duration): timestamp'], subtract),
  ...['_*_', '_/_'].flatMap((name) => overloads(same(numeric, name), ([a, b]) => calculate(name, a, b))),
  ...overloads(same(['int', 'uint'], '_%_'), ([a, b]) => calculate('_%_', a, b)),
  ...overloads(['@in(A, list<A>): bool', '@in(A, map<A, B>): bool'], ([value = null, container = null], context) => contains(value, container, context)),
  ...overloads(['_[_](list<A>, int): A', '_[_](map<A, B>, A): B'], ([container = null, key = null]) => element(container, key)),
  ...overloads(['_[_](optional<list<A>>, int): optional<A>', '_[_](optional<map<A, B>>, A): optional<B>'], ([container = null, key = null]) => optionalElement(container, key)),
  ...overloads(['_[?_](list<A>, int): optional<A>', '_[?_](optional<list<A>>, int): optional<A>', '_[?_](map<A, B>, A): optional<B>', '_[?_](optional<map<A, B>>, A): optional<B>'],
    ([container = null, key = null]) => optionalElement(container, key)),
]
