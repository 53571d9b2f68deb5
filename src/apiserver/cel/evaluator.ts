/** Turns a checked expression into a function. Mirrors cel-go's `interpreter`. */
import type { Call, ListLiteral, MapLiteral, Node, Select, StructLiteral } from './ast.ts'
import type { Checked } from './checker.ts'
import { compileComprehension, compileOptionalMap } from './comprehensions.ts'
import { absorbedErrorCost, callCost, type CostMeter, resultCost } from './cost.ts'
import { celError, CelEvaluationError, noSuchOverload } from './errors.ts'
import { fieldOf, optionalField } from './optional-field.ts'
import type { Overload } from './signature.ts'
import { BuiltMap, CelOptional, CelStruct, CelTypeValue, type CelValue, isOfType } from './values.ts'

/** Where variables come from; a Map is one. */
export interface CelVariables { get(name: string): CelValue | undefined }

export interface Frame {
  variables: CelVariables
  /** Values of the variables of macros, by slot. */
  locals: CelValue[]
  meter: CostMeter
}

export type Code = (frame: Frame) => CelValue

/** Slots of the names that macros around the expression have bound. */
export type Scope = ReadonlyMap<string, number>

export interface Compiler {
  checked: Checked
  compile(node: Node, scope: Scope): Code
  /** A slot that no other name uses. */
  slot(): number
}

const compileSelect = (compiler: Compiler, node: Select, scope: Scope): Code => {
  const operand = compiler.compile(node.operand, scope)
  const { field } = node
  if (node.test) {
    return (frame) => {
      const value = operand(frame)
      if (value instanceof CelOptional) return value.value !== undefined && fieldOf(value.value, field) !== undefined
      return fieldOf(value, field) !== undefined
    }
  }
  return (frame) => {
    const value = operand(frame)
    frame.meter.charge(1)
    if (value instanceof CelOptional) return optionalField(value, field)
    const found = fieldOf(value, field)
    if (found === undefined) throw celError(`no such key: ${field}`)
    return found
  }
}

/** `&&` (decisive false) and `||` (decisive true): a decisive side absorbs the error of the other. */
const logical = (left: Code, right: Code, decisive: boolean): Code => (frame) => {
  let failure: CelEvaluationError | undefined
  try {
    const value = left(frame)
    if (value === decisive) return decisive
    if (typeof value !== 'boolean') failure = noSuchOverload()
  } catch (error) {
    if (!(error instanceof CelEvaluationError)) throw error
    frame.meter.charge(absorbedErrorCost)
    failure = error
  }
  const value = right(frame)
  if (value === decisive) return decisive
  if (failure) throw failure
  if (typeof value !== 'boolean') throw noSuchOverload()
  return !decisive
}

const conditional = (condition: Code, yes: Code, no: Code): Code => (frame) => {
  const value = condition(frame)
  if (typeof value !== 'boolean') throw noSuchOverload()
  return value ? yes(frame) : no(frame)
}

const accepts = ({ params }: Overload, args: readonly CelValue[]): boolean => {
  if (params.length !== args.length) return false
  let index = 0
  for (const type of params) {
    if (!isOfType(args[index] ?? null, type)) return false
    index += 1
  }
  return true
}

/** Operators whose implementation refuses itself what it is not for: all their overloads are one. */
const selfChecking: ReadonlySet<string> = new Set(['_+_', '_-_', '_*_', '_/_', '_%_', '_<_', '_<=_', '_>_', '_>=_', '_==_', '_!=_'])

const choose = (overloads: readonly Overload[], values: readonly CelValue[]): Overload => {
  for (const overload of overloads) if (accepts(overload, values)) return overload
  throw noSuchOverload()
}

const compileCall = (compiler: Compiler, node: Call, scope: Scope): Code => {
  const resolved = compiler.checked.calls.get(node)
  const nodes = node.target && resolved?.global !== true ? [node.target, ...node.args] : node.args
  const args = nodes.map((arg) => compiler.compile(arg, scope))
  const [first, second, third] = args
  if (node.name === '_&&_' && first && second) return logical(first, second, false)
  if (node.name === '_||_' && first && second) return logical(first, second, true)
  if (node.name === '_?_:_' && first && second && third) return conditional(first, second, third)
  if (node.name === '_?._' && first) {
    const [, key] = node.args
    const field = key?.op === 'literal' ? String(key.value) : ''
    return (frame) => { frame.meter.charge(1); return optionalField(first(frame), field) }
  }
  // Lazily, so that what stands for nothing is not computed.
  if (node.name === 'orValue' && first && second) return (frame) => { const value = first(frame); if (!(value instanceof CelOptional)) throw noSuchOverload(); return value.value ?? second(frame) }
  if (node.name === 'or' && node.target && first && second) return (frame) => { const value = first(frame); if (!(value instanceof CelOptional)) throw noSuchOverload(); return value.value === undefined ? second(frame) : value }
  const overloads = resolved?.overloads ?? []
  const cost = callCost(node.name)
  const [only] = overloads
  const known = selfChecking.has(node.name) ? only : undefined
  return (frame) => {
    const { meter } = frame
    const values: CelValue[] = []
    for (const arg of args) values.push(arg(frame))
    const chosen = known ?? choose(overloads, values)
    meter.charge(cost(values))
    const result = chosen.call(values, meter)
    if (typeof result === 'string' || typeof result === 'object') meter.charge(resultCost(result))
    return result
  }
}

/** The value of an optional entry of a literal; undefined: leave the entry away. */
const optionalEntry = (value: CelValue): CelValue | undefined => {
  if (!(value instanceof CelOptional)) throw noSuchOverload()
  return value.value
}

const compileList = (compiler: Compiler, node: ListLiteral, scope: Scope): Code => {
  const elements = node.elements.map(({ value, optional }) => ({ code: compiler.compile(value, scope), optional }))
  return (frame) => {
    frame.meter.charge(10)
    const list: CelValue[] = []
    for (const { code, optional } of elements) {
      const value = optional ? optionalEntry(code(frame)) : code(frame)
      if (value !== undefined) list.push(value)
    }
    return list
  }
}

const compileMap = (compiler: Compiler, node: MapLiteral, scope: Scope): Code => {
  const entries = node.entries.map(({ key, value, optional }) => ({ key: compiler.compile(key, scope), value: compiler.compile(value, scope), optional }))
  return (frame) => {
    frame.meter.charge(30)
    const map = new BuiltMap()
    for (const entry of entries) {
      const key = entry.key(frame)
      const value = entry.optional ? optionalEntry(entry.value(frame)) : entry.value(frame)
      if (value === undefined) continue
      if (!map.add(key, value)) throw celError(map.get(key) === undefined ? 'unsupported key type' : 'Failed with repeated key')
    }
    return map
  }
}

const compileStruct = (compiler: Compiler, node: StructLiteral, scope: Scope): Code => {
  const fields = node.fields.map(({ name, value, optional }) => ({ name, code: compiler.compile(value, scope), optional }))
  return (frame) => {
    frame.meter.charge(40)
    const made = new Map<string, CelValue>()
    for (const { name, code, optional } of fields) {
      const value = optional ? optionalEntry(code(frame)) : code(frame)
      if (value !== undefined) made.set(name, value)
    }
    return new CelStruct(node.typeName, made)
  }
}

const compileName = (compiler: Compiler, node: Node, scope: Scope): Code => {
  const meaning = compiler.checked.names.get(node)
  if (meaning && 'type' in meaning) {
    const value = new CelTypeValue(meaning.type)
    return () => value
  }
  const local = node.op === 'identifier' ? scope.get(node.name) : undefined
  if (local !== undefined) return (frame) => { frame.meter.charge(1); return frame.locals[local] ?? null }
  const name = meaning?.variable ?? ''
  return (frame) => {
    frame.meter.charge(1)
    const value = frame.variables.get(name)
    if (value === undefined) throw celError(`no such attribute(s): ${name}`)
    return value
  }
}

export const compileNode = (checked: Checked, root: Node): Code => {
  const compile = (node: Node, scope: Scope): Code => {
    switch (node.op) {
      case 'literal': { const { value } = node; return () => value }
      case 'identifier': return compileName(compiler, node, scope)
      case 'select': return checked.names.has(node) ? compileName(compiler, node, scope) : compileSelect(compiler, node, scope)
      case 'call': return compileCall(compiler, node, scope)
      case 'list': return compileList(compiler, node, scope)
      case 'map': return compileMap(compiler, node, scope)
      case 'struct': return compileStruct(compiler, node, scope)
      case 'comprehension': return compileComprehension(compiler, node, scope)
      case 'optionalMap': return compileOptionalMap(compiler, node, scope)
    }
  }
  // Every name gets a slot of its own: macros inside arguments of one another must not share.
  let slots = 0
  const compiler: Compiler = { checked, compile, slot: () => { slots += 1; return slots - 1 } }
  return compile(root, new Map())
}
