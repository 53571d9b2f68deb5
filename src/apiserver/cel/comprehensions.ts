/** The macros over lists and maps, and those of optionals. Mirrors cel-go's expansions in `parser/macro.go` and `ext/comprehensions.go`. */
import type { Comprehension, OptionalMap } from './ast.ts'
import { absorbedErrorCost } from './cost.ts'
import { celError, CelEvaluationError, noSuchOverload } from './errors.ts'
import type { Code, Compiler, Frame, Scope } from './evaluator.ts'
import { BuiltMap, CelMap, CelOptional, type CelValue, isList, noOptional } from './values.ts'

/** What one round of the loop adds; gives true to end it. */
type Step = (frame: Frame, key: CelValue) => boolean

interface Loop { step: Step; result(): CelValue }

const test = (value: CelValue): boolean => {
  if (typeof value !== 'boolean') throw noSuchOverload()
  return value
}

/** all (decisive false) and exists (decisive true): errors count only when no element decides. */
const quantifier = (body: Code, decisive: boolean): Loop => {
  let failure: CelEvaluationError | undefined
  let decided = false
  return {
    step: (frame) => {
      try {
        decided = test(body(frame)) === decisive
      } catch (error) {
        if (!(error instanceof CelEvaluationError)) throw error
        frame.meter.charge(absorbedErrorCost)
        failure = error
      }
      return decided
    },
    result: () => {
      if (decided) return decisive
      if (failure) throw failure
      return !decisive
    },
  }
}

const counting = (body: Code): Loop => {
  let count = 0
  return { step: (frame) => { if (test(body(frame))) count += 1; return false }, result: () => count === 1 }
}

const listing = (body: Code, filter: Code | undefined): Loop => {
  const list: CelValue[] = []
  return { step: (frame) => { if (!filter || test(filter(frame))) list.push(body(frame)); return false }, result: () => list }
}

const addEntry = (map: BuiltMap, key: CelValue, value: CelValue): void => {
  if (!map.add(key, value)) throw celError(`insert failed: key ${typeof key === 'string' ? key : String(key)} already exists`)
}

const mapping = (body: Code, filter: Code | undefined, entries: boolean): Loop => {
  const map = new BuiltMap()
  return {
    step: (frame, key) => {
      if (filter && !test(filter(frame))) return false
      const value = body(frame)
      if (!entries) addEntry(map, key, value)
      else if (value instanceof CelMap) for (const own of value.keys()) addEntry(map, own, value.get(own) ?? null)
      else throw noSuchOverload()
      return false
    },
    result: () => map,
  }
}

const startLoop = (node: Comprehension, { body, filter, element }: { body: Code | undefined; filter: Code | undefined; element: Code }): Loop => {
  switch (node.macro) {
    case 'all': return quantifier(body ?? element, false)
    case 'exists': return quantifier(body ?? element, true)
    case 'exists_one': return counting(body ?? element)
    case 'transformMap': return mapping(body ?? element, filter, false)
    case 'transformMapEntry': return mapping(body ?? element, filter, true)
    case 'filter': return listing(element, filter)
    default: return listing(body ?? element, filter)
  }
}

type Visit = (key: CelValue, value: CelValue, isMap: boolean) => boolean

/** Until the visit says that it is enough. */
const visitAll = (range: CelValue, visit: Visit, indexed: boolean): void => {
  if (isList(range)) {
    let index = 0
    for (const value of range) {
      if (visit(indexed ? BigInt(index) : null, value, false)) return
      index += 1
    }
  } else if (range instanceof CelMap) {
    for (const key of range.keys()) if (visit(key, indexed ? range.get(key) ?? null : null, true)) return
  } else {
    throw noSuchOverload()
  }
}

export const compileComprehension = (compiler: Compiler, node: Comprehension, scope: Scope): Code => {
  const range = compiler.compile(node.range, scope)
  const [first = '', second] = node.variables
  const slot = compiler.slot()
  const secondSlot = second === undefined ? slot : compiler.slot()
  const within: Scope = new Map([...scope, [first, slot], ...(second === undefined ? [] : [[second, secondSlot] as const])])
  const codes = {
    body: node.body && compiler.compile(node.body, within), filter: node.filter && compiler.compile(node.filter, within), element: (frame: Frame) => frame.locals[secondSlot] ?? null,
  }
  return (frame) => {
    const value = range(frame)
    const loop = startLoop(node, codes)
    const { locals, meter } = frame
    visitAll(value instanceof CelOptional ? value.value ?? null : value, (key, element, isMap) => {
      meter.charge(3)
      locals[slot] = second === undefined && !isMap ? element : key
      if (second !== undefined) locals[secondSlot] = element
      return loop.step(frame, key)
    }, second !== undefined)
    return loop.result()
  }
}

export const compileOptionalMap = (compiler: Compiler, node: OptionalMap, scope: Scope): Code => {
  const target = compiler.compile(node.target, scope)
  const slot = compiler.slot()
  const body = compiler.compile(node.body, new Map([...scope, [node.variable, slot]]))
  return (frame) => {
    const value = target(frame)
    frame.meter.charge(1)
    if (!(value instanceof CelOptional)) throw noSuchOverload()
    if (value.value === undefined) return noOptional
    frame.locals[slot] = value.value
    const result = body(frame)
    return node.flat ? result : new CelOptional(result)
  }
}
