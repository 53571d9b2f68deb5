/** Parsed expressions. Calls carry cel-go's names of operators (`_+_`, `@in`, `_?._`). */
import type { CelValue } from './values.ts'

interface Located {
  /** Where cel-go says that the expression is: at its operator, its dot, its opening bracket. */
  offset: number
}

export interface Literal extends Located { op: 'literal'; value: CelValue }
/** `name` begins with a dot when the expression said so. */
export interface Identifier extends Located { op: 'identifier'; name: string }
/** `has(a.b)` is a select that only tests. */
export interface Select extends Located { op: 'select'; operand: Node; field: string; test: boolean }
export interface Call extends Located { op: 'call'; name: string; target: Node | undefined; args: readonly Node[] }
/** `optional`: `[?x]`, which leaves the element away when it has no value. */
export interface ListLiteral extends Located { op: 'list'; elements: readonly { value: Node; optional: boolean }[] }
export interface MapLiteral extends Located { op: 'map'; entries: readonly { key: Node; value: Node; optional: boolean; offset: number }[] }
export interface StructLiteral extends Located { op: 'struct'; typeName: string; fields: readonly { name: string; value: Node; optional: boolean; offset: number }[] }

export type MacroName = 'all' | 'exists' | 'exists_one' | 'map' | 'filter' | 'transformList' | 'transformMap' | 'transformMapEntry'
/** One of the macros over a list or map. */
export interface Comprehension extends Located {
  op: 'comprehension'
  macro: MacroName
  range: Node
  /** One name, or two (index or key, then value). */
  variables: readonly string[]
  filter: Node | undefined
  /** The predicate of all, exists, exists_one; what map and transform… yield; undefined for filter. */
  body: Node | undefined
}
/** `optMap` and `optFlatMap`: `body` with the value of `target` under a name. */
export interface OptionalMap extends Located { op: 'optionalMap'; target: Node; variable: string; body: Node; flat: boolean }

export type Node = Literal | Identifier | Select | Call | ListLiteral | MapLiteral | StructLiteral | Comprehension | OptionalMap

/** The expressions that an expression is made of. */
export const childrenOf = (node: Node): readonly (Node | undefined)[] => {
  switch (node.op) {
    case 'literal': case 'identifier': return []
    case 'select': return [node.operand]
    case 'call': return [node.target, ...node.args]
    case 'list': return node.elements.map(({ value }) => value)
    case 'map': return node.entries.flatMap(({ key, value }) => [key, value])
    case 'struct': return node.fields.map(({ value }) => value)
    case 'comprehension': return [node.range, node.filter, node.body]
    case 'optionalMap': return [node.target, node.body]
  }
}

/** Whether expressions lie in one another more than `limit` deep. Does not recurse itself. */
export const isDeeperThan = (root: Node, limit: number): boolean => {
  let level: readonly Node[] = [root]
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > limit) return true
    level = level.flatMap((node) => childrenOf(node).filter((child) => child !== undefined))
  }
  return false
}

/** `a.b.c` as text, when the expression is nothing but names; undefined otherwise. */
export const qualifiedName = (node: Node): string | undefined => {
  if (node.op === 'identifier') return node.name
  if (node.op !== 'select' || node.test) return undefined
  const operand = qualifiedName(node.operand)
  return operand === undefined ? undefined : `${operand}.${node.field}`
}
