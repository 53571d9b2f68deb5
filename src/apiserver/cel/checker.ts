/** Finds the type of an expression, and what its names mean. Mirrors cel-go's `checker/checker.go`. */
import { type Call, type Comprehension, type Node, type OptionalMap, qualifiedName, type Select, type StructLiteral } from './ast.ts'
import { type CelIssue, compileError } from './errors.ts'
import type { CelEnvironment } from './environment.ts'
import type { Overload } from './signature.ts'
import { mostGeneral, sameType, Substitution } from './substitution.ts'
import * as t from './types.ts'
import { type CelType, formatType } from './types.ts'
import type { CelValue } from './values.ts'
import { runtimeTypeName } from './values.ts'

/** What the checker found out for the evaluation. */
export interface Checked {
  type: CelType
  /** Selects and identifiers that name a variable or a type as a whole. */
  names: ReadonlyMap<Node, { variable: string } | { type: string }>
  /** The overloads that a call may mean, and whether its receiver was but a namespace. */
  calls: ReadonlyMap<Node, { overloads: readonly Overload[]; global: boolean }>
}

const literalTypes: Readonly<Record<string, CelType>> = { null_type: t.nullType, bool: t.bool, int: t.int, uint: t.uint, double: t.double, string: t.string, bytes: t.bytes }
const typeNames: Readonly<Record<string, CelType>> = {
  bool: t.bool, int: t.int, uint: t.uint, double: t.double, string: t.string, bytes: t.bytes, null_type: t.nullType, list: t.listOf(t.dyn), map: t.mapOf(t.dyn, t.dyn), type: t.typeOf(undefined),
  dyn: t.dyn, 'google.protobuf.Timestamp': t.timestamp, 'google.protobuf.Duration': t.duration, optional_type: t.optionalOf(t.dyn),
}
const literalType = (value: CelValue): CelType => literalTypes[runtimeTypeName(value)] ?? t.dyn

type Scope = ReadonlyMap<string, CelType>

class Checker {
  readonly issues: CelIssue[] = []
  readonly names = new Map<Node, { variable: string } | { type: string }>()
  readonly calls = new Map<Node, { overloads: readonly Overload[]; global: boolean }>()
  readonly substitution = new Substitution()
  private readonly environment: CelEnvironment
  /** Of every part of the expression; undefined: nobody wants to know. */
  private readonly found: Map<Node, CelType> | undefined

  constructor(environment: CelEnvironment, found: Map<Node, CelType> | undefined) {
    this.environment = environment
    this.found = found
  }

  check(node: Node, scope: Scope): CelType {
    const type = this.find(node, scope)
    this.found?.set(node, type)
    return type
  }

  private find(node: Node, scope: Scope): CelType {
    switch (node.op) {
      case 'literal': return literalType(node.value)
      case 'identifier': return this.named(node, node.name, scope) ?? this.undeclared(node.offset, node.name)
      case 'select': return this.select(node, scope)
      case 'call': return this.call(node, scope)
      case 'list': {
        let type: CelType | undefined
        for (const { value, optional } of node.elements) type = this.join(type, this.unwrapped(this.check(value, scope), optional, value.offset), value.offset)
        return t.listOf(type ?? this.substitution.newVariable())
      }
      case 'map': {
        let key: CelType | undefined
        let value: CelType | undefined
        for (const entry of node.entries) {
          key = this.join(key, this.check(entry.key, scope), entry.key.offset)
          value = this.join(value, this.unwrapped(this.check(entry.value, scope), entry.optional, entry.value.offset), entry.value.offset)
        }
        return t.mapOf(key ?? this.substitution.newVariable(), value ?? this.substitution.newVariable())
      }
      case 'struct': return this.struct(node, scope)
      case 'comprehension': return this.comprehension(node, scope)
      case 'optionalMap': return this.optionalMap(node, scope)
    }
  }

  private issue(offset: number, message: string): CelType {
    this.issues.push({ offset, message })
    return t.errorType
  }
  private undeclared(offset: number, name: string): CelType { return this.issue(offset, `undeclared reference to '${name.replace(/^\./, '')}' (in container '')`) }
  private known(type: CelType): CelType { return this.substitution.apply(type, false) }
  private shown(type: CelType): string { return formatType(this.substitution.apply(type, true)) }

  private join(before: CelType | undefined, now: CelType, offset: number): CelType {
    if (!before) return now
    if (this.substitution.assign(before, now)) return mostGeneral(before, now)
    return this.issue(offset, `expected type '${this.shown(before)}' but found '${this.shown(now)}'`)
  }

  private unwrapped(type: CelType, optional: boolean, offset: number): CelType {
    if (!optional) return type
    const known = this.known(type)
    if (known.kind === 'optional') return known.of
    return t.isDynamic(known) ? t.dyn : this.issue(offset, `expected type 'optional_type(${this.shown(known)})' but found '${this.shown(known)}'`)
  }

  /** The type of a variable or of a type's name. */
  private named(node: Node, name: string, scope: Scope): CelType | undefined {
    const local = scope.get(name)
    if (local) return local
    const global = name.replace(/^\./, '')
    const variable = this.environment.variables.get(global)
    if (variable) {
      this.names.set(node, { variable: global })
      return variable
    }
    const type = Object.hasOwn(typeNames, global) ? typeNames[global] : this.environment.opaqueTypes.has(global) ? t.opaque(global) : undefined
    if (!type) return undefined
    this.names.set(node, { type: global })
    return t.typeOf(type)
  }

  private select(node: Select, scope: Scope): CelType {
    const path = node.test ? undefined : qualifiedName(node)
    const whole = path !== undefined && !scope.has(path.split('.')[0] ?? '') ? this.named(node, path, scope) : undefined
    if (whole) return whole
    const field = this.field(this.known(this.check(node.operand, scope)), node)
    return node.test ? t.bool : field
  }

  private field(operand: CelType, node: { field: string; offset: number }): CelType {
    switch (operand.kind) {
      case 'dyn': case 'error': case 'param': return t.dyn
      case 'map': return this.known(operand.value)
      case 'optional': {
        const field = this.field(this.known(operand.of), node)
        return field.kind === 'optional' ? field : t.optionalOf(field)
      }
      case 'object': return operand.field(node.field) ?? this.issue(node.offset, `undefined field '${node.field}'`)
      default: return this.issue(node.offset, `type '${this.shown(operand)}' does not support field selection`)
    }
  }

  private call(node: Call, scope: Scope): CelType {
    const [operand, key] = node.args
    if (node.name === '_?._' && operand && key?.op === 'literal') {
      const field = this.field(this.known(this.check(operand, scope)), { field: String(key.value), offset: node.offset })
      return field.kind === 'optional' ? field : t.optionalOf(field)
    }
    const path = node.target && qualifiedName(node.target)
    const qualified = path === undefined ? undefined : `${path.replace(/^\./, '')}.${node.name}`
    const global = !node.target || (qualified !== undefined && !scope.has((path ?? '').split('.')[0] ?? '') && this.environment.functions.has(qualified))
    const name = global && qualified !== undefined ? qualified : node.name.replace(/^\./, '')
    const args = [...(node.target && !global ? [node.target] : []), ...node.args].map((arg) => this.check(arg, scope))
    const overloads = this.environment.functions.get(name)
    if (!overloads) return this.undeclared(node.offset, name)
    const { type, matching } = this.resolve(node.offset, { name, args, global, overloads: overloads.filter(({ member }) => member === !global) })
    this.calls.set(node, { overloads: matching, global })
    return type
  }

  private resolve(offset: number, { name, args, global, overloads }: { name: string; args: readonly CelType[]; global: boolean; overloads: readonly Overload[] }): { type: CelType; matching: readonly Overload[] } {
    let result: CelType | undefined
    const matching: Overload[] = []
    for (const overload of overloads) {
      const [own = t.dyn, ...params] = this.substitution.instantiate([overload.result, ...overload.params])
      if (!this.substitution.assignAll(params, args)) continue
      matching.push(overload)
      const type = this.known(own)
      result = !result ? type : sameType(result, type) ? result : t.dyn
    }
    if (result) return { type: result, matching }
    const [receiver = '', ...rest] = args.map((arg) => this.shown(arg))
    const applied = global ? `(${args.length === 0 ? '' : [receiver, ...rest].join(', ')})` : `${receiver}.(${rest.join(', ')})`
    return { type: this.issue(offset, `found no matching overload for '${name}' applied to '${applied}'`), matching }
  }

  private struct(node: StructLiteral, scope: Scope): CelType {
    const type = this.environment.structType?.(node.typeName)
    if (!type) {
      for (const { value } of node.fields) this.check(value, scope)
      return this.undeclared(node.offset, node.typeName)
    }
    for (const { name, value, optional, offset } of node.fields) {
      const given = this.unwrapped(this.check(value, scope), optional, value.offset)
      const wanted = type.field(name)
      if (!wanted) this.issue(offset, `undefined field '${name}'`)
      else if (!this.substitution.assign(wanted, given)) this.issue(offset, `expected type of field '${name}' is '${this.shown(wanted)}' but provided type is '${this.shown(given)}'`)
    }
    return type
  }

  /** The types of index or key, and of element or value. */
  private rangeOf(node: Node, scope: Scope): { key: CelType; element: CelType; isMap: boolean } {
    const range = this.known(this.check(node, scope))
    switch (range.kind) {
      case 'list': return { key: t.int, element: this.known(range.of), isMap: false }
      case 'map': return { key: this.known(range.key), element: this.known(range.value), isMap: true }
      case 'dyn': case 'error': case 'param': return { key: t.dyn, element: t.dyn, isMap: false }
      default: return { key: t.dyn, isMap: false, element: this.issue(node.offset, `expression of type '${this.shown(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`) }
    }
  }

  private comprehension(node: Comprehension, scope: Scope): CelType {
    const { key, element, isMap } = this.rangeOf(node.range, scope)
    const [first = '', second] = node.variables
    const within: Scope = new Map([...scope, ...(second === undefined ? [[first, isMap ? key : element] as const] : [[first, key] as const, [second, element] as const])])
    const predicate = (test: Node): void => { this.resolve(test.offset, { name: '_&&_', args: [t.bool, this.check(test, within)], global: true, overloads: this.environment.functions.get('_&&_') ?? [] }) }
    if (node.filter) predicate(node.filter)
    if (!node.body) return t.listOf(isMap ? key : element)
    if (node.macro === 'all' || node.macro === 'exists' || node.macro === 'exists_one') {
      predicate(node.body)
      return t.bool
    }
    const body = this.check(node.body, within)
    switch (node.macro) {
      case 'transformMap': return t.mapOf(key, body)
      case 'transformMapEntry': return this.known(body).kind === 'map' || t.isDynamic(this.known(body)) ? body : this.issue(node.offset, `expected type 'map' but found '${this.shown(body)}'`)
      default: return t.listOf(body)
    }
  }

  private optionalMap(node: OptionalMap, scope: Scope): CelType {
    const target = this.known(this.check(node.target, scope))
    const of = target.kind === 'optional' ? target.of : t.isDynamic(target) ? t.dyn : this.issue(node.offset, `found no matching overload for '${node.flat ? 'optFlatMap' : 'optMap'}' applied to '${this.shown(target)}'`)
    const body = this.check(node.body, new Map([...scope, [node.variable, of]]))
    return node.flat ? body : t.optionalOf(body)
  }
}

/** Throws a CelCompileError. `types` is filled with the type of each part. */
export const checkExpression = (source: string, node: Node, environment: CelEnvironment & { types?: Map<Node, CelType> }): Checked => {
  const { types } = environment
  const checker = new Checker(environment, types)
  const type = checker.check(node, new Map())
  if (checker.issues.length > 0) throw compileError(source, checker.issues)
  for (const [part, found] of types ?? []) types?.set(part, checker.substitution.apply(found, true))
  return { type: checker.substitution.apply(type, true), names: checker.names, calls: checker.calls }
}
