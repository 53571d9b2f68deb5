/** What an expression costs at most, told before it runs from the largest sizes of what it reads. Mirrors cel-go's `checker/cost.go`, macros expanded; presence tests cost nothing, as Kubernetes has it. Pure. */
import type { Call, Comprehension, Node, OptionalMap } from './ast.ts'
import type { Checked } from './checker.ts'
import { addSizes, eitherSize, estimateCall, type Size, times, unknownSize } from './estimate-calls.ts'
import { type CelType, dyn } from './types.ts'
import { isList } from './values.ts'

/** How large that is which lies at a path: a variable, then names of fields, `@items`, `@keys`, `@values`; undefined: nobody knows. */
export type SizeOf = (path: readonly string[]) => number | undefined

interface Found {
  cost: number
  /** Where in the variables the value lies; [] is nowhere. */
  path: readonly string[]
  /** Undefined: as its path or type says. */
  size?: Size | undefined
  /** Of the elements, or of keys and values, of what the expression makes. */
  entry?: { container: 'list' | 'map'; key: Size; value: Size } | undefined
  type: CelType
}

interface Local { path: readonly string[]; size: Size | undefined; entry: Found['entry']; type: CelType }
type Scope = ReadonlyMap<string, Local>

const one: Size = { min: 1, max: 1 }
const none: Size = { min: 0, max: 0 }
const scalars: ReadonlySet<CelType['kind']> = new Set(['bool', 'int', 'uint', 'double', 'timestamp', 'duration'])
const isScalar = (type: CelType): boolean => scalars.has(type.kind) || (type.kind === 'optional' && isScalar(type.of))
const listBase = 10
const mapBase = 30
const structBase = 40

class Estimator {
  private readonly checked: Checked
  private readonly types: ReadonlyMap<Node, CelType>
  private readonly sizeOf: SizeOf

  constructor(checked: Checked, types: ReadonlyMap<Node, CelType>, sizeOf: SizeOf) {
    this.checked = checked
    this.types = types
    this.sizeOf = sizeOf
  }

  private typeOf(node: Node): CelType { return this.types.get(node) ?? dyn }

  private size({ size, path, type }: Pick<Found, 'size' | 'path' | 'type'>): Size {
    if (size) return size
    const max = path.length === 0 ? undefined : this.sizeOf(path)
    return max !== undefined ? { min: 0, max } : isScalar(type) ? one : unknownSize
  }

  estimate(node: Node, scope: Scope): Found {
    const type = this.typeOf(node)
    const whole = this.checked.names.get(node)
    if (whole) return { cost: 1, path: ['variable' in whole ? whole.variable : whole.type], type }
    switch (node.op) {
      case 'literal': {
        const { value } = node
        const length = typeof value === 'string' ? [...value].length : value instanceof Uint8Array || isList(value) ? value.length : 1
        return { cost: 0, path: [], size: { min: length, max: length }, type }
      }
      case 'identifier': {
        const local = scope.get(node.name)
        return local ? { ...local, cost: 1 } : { cost: 1, path: [node.name], type }
      }
      case 'select': {
        const operand = this.estimate(node.operand, scope)
        if (node.test) return { cost: operand.cost, path: [], type }
        return { cost: operand.cost + (['map', 'object', 'param'].includes(operand.type.kind) ? 1 : 0), path: [...operand.path, node.field], type }
      }
      case 'call': return this.call(node, scope, type)
      case 'list': {
        const values = node.elements.map(({ value }) => this.estimate(value, scope))
        const size = { min: values.length, max: values.length }
        return { cost: listBase + costs(values), path: [], size, entry: { container: 'list', key: one, value: this.either(values) }, type }
      }
      case 'map': {
        const [keys, values] = [node.entries.map(({ key }) => this.estimate(key, scope)), node.entries.map(({ value }) => this.estimate(value, scope))]
        return { cost: mapBase + costs(keys) + costs(values), path: [], size: { min: keys.length, max: keys.length }, entry: { container: 'map', key: this.either(keys), value: this.either(values) }, type }
      }
      case 'struct': return { cost: structBase + costs(node.fields.map(({ value }) => this.estimate(value, scope))), path: [], type }
      case 'comprehension': return this.comprehension(node, scope, type)
      case 'optionalMap': return this.optionalMap(node, scope, type)
    }
  }

  private either(values: readonly Found[]): Size { return values.map((value) => this.size(value)).reduce(eitherSize, values.length === 0 ? none : { min: Infinity, max: 0 }) }

  private call(node: Call, scope: Scope, type: CelType): Found {
    const call = this.checked.calls.get(node)
    const args = node.args.map((arg) => this.estimate(arg, scope))
    const [first, second, third] = args
    const sum = costs(args)
    if (node.name === 'dyn' && first) return { ...first, cost: 1 + sum, type }
    if (node.name === '_&&_' || node.name === '_||_') return { cost: sum, path: [], type }
    if (node.name === '_?_:_' && first && second && third) {
      const entry = second.entry && third.entry && { container: second.entry.container, key: eitherSize(second.entry.key, third.entry.key), value: eitherSize(second.entry.value, third.entry.value) }
      return { cost: first.cost + Math.max(second.cost, third.cost), path: [], size: eitherSize(this.size(second), this.size(third)), entry, type }
    }
    if (node.name === '_[_]' && first) return { cost: 1 + sum, path: [...first.path, first.type.kind === 'map' ? '@values' : '@items'], size: first.entry?.value, type }
    const target = node.target && !call?.global ? this.estimate(node.target, scope) : undefined
    const name = node.target && call?.global ? (call.overloads[0]?.name ?? node.name) : node.name
    const found = (call?.overloads ?? []).map((overload) => estimateCall({ name, overload, target: target && this.size(target), elements: target && this.elements(target), args: args.map((arg) => this.size(arg)), types: args.map((arg) => arg.type) }))
    const sizes = found.flatMap(({ size }) => size ?? [])
    const entry = name === '_+_' && first?.entry && second?.entry ? { container: first.entry.container, key: eitherSize(first.entry.key, second.entry.key), value: eitherSize(first.entry.value, second.entry.value) } : undefined
    return { cost: sum + (target?.cost ?? 0) + Math.max(node.name === '_?._' ? 1 : 0, ...found.map(({ cost }) => cost)), path: [], size: sizes.length > 0 ? sizes.reduce(eitherSize) : undefined, entry, type }
  }

  private elements({ type, path }: Found): { size: Size; type: CelType } | undefined {
    return type.kind === 'list' ? { type: type.of, size: this.size({ path: path.length === 0 ? [] : [...path, '@items'], size: undefined, type: dyn }) } : undefined
  }

  /** The names that stand for what is walked over. */
  private within({ variables }: Comprehension, { path, entry, type }: Found, scope: Scope): Scope {
    const isMap = (entry?.container ?? (type.kind === 'map' ? 'map' : 'list')) === 'map'
    const [keyType, valueType] = type.kind === 'map' ? [type.key, type.value] : [dyn, type.kind === 'list' ? type.of : dyn]
    const key: Local = { path: [...path, isMap ? '@keys' : '@indices'], size: entry?.key, entry: undefined, type: isMap ? keyType : { kind: 'int' } }
    const value: Local = { path: [...path, isMap ? '@values' : '@items'], size: entry?.value, entry: undefined, type: valueType }
    const [first = '', second] = variables
    return new Map([...scope, ...(second === undefined ? [[first, isMap ? key : value] as const] : [[first, key] as const, [second, value] as const])])
  }

  private comprehension(node: Comprehension, scope: Scope, type: CelType): Found {
    const range = this.estimate(node.range, scope)
    const inside = this.within(node, range, scope)
    const count = this.size(range)
    const filter = node.filter && this.estimate(node.filter, inside)
    const body = node.body ? this.estimate(node.body, inside) : { cost: 1, path: [], size: undefined, type: dyn }
    const total = (before: number, step: number, after: number): number => range.cost + before + times(count.max, step) + after
    switch (node.macro) {
      // The accumulator is asked whether to go on, and is read again for each step.
      case 'all': return { cost: total(0, 3 + body.cost, 1), path: [], size: one, type }
      case 'exists': return { cost: total(0, 4 + body.cost, 1), path: [], size: one, type }
      case 'exists_one': return { cost: total(0, 2 + body.cost, 2), path: [], size: one, type }
      case 'transformMap': case 'transformMapEntry':
        return { cost: total(mapBase, (filter?.cost ?? 0) + body.cost + (node.macro === 'transformMap' ? 3 : 2), 1), path: [], size: count, type }
      default: {
        const value = node.body ? this.size(body) : (range.entry?.value ?? this.elements(range)?.size ?? unknownSize)
        return { cost: total(listBase, 2 + listBase + (filter?.cost ?? 0) + body.cost, 1), path: [], size: count, entry: { container: 'list', key: one, value: eitherSize(none, value) }, type }
      }
    }
  }

  /** `target.hasValue() ? optional.of(body with target.value()) : optional.none()` */
  private optionalMap(node: OptionalMap, scope: Scope, type: CelType): Found {
    const target = this.estimate(node.target, scope)
    const value = target.type.kind === 'optional' ? target.type.of : dyn
    const body = this.estimate(node.body, new Map([...scope, [node.variable, { path: [], size: undefined, entry: undefined, type: value }]]))
    return { cost: 2 * (target.cost + 1) + listBase + body.cost + (node.flat ? 0 : 1), path: [], size: addSizes(none, this.size(body)), type }
  }
}

const costs = (parts: readonly Found[]): number => parts.reduce((sum, { cost }) => sum + cost, 0)

/** Infinity: without any limit. `types`: of all parts of the expression. */
export const estimateCost = (node: Node, { checked, types, sizeOf }: { checked: Checked; types: ReadonlyMap<Node, CelType>; sizeOf: SizeOf }): number =>
  new Estimator(checked, types, sizeOf).estimate(node, new Map()).cost
