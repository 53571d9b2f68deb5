/** Calls that are macros become nodes of their own. Mirrors cel-go's `parser/macro.go`, `cel/library.go` (optionals), `ext/comprehensions.go`. */
import type { Call, Comprehension, MacroName, Node } from './ast.ts'
import { SyntaxFailure } from './tokens.ts'

const variable = (node: Node | undefined, message = 'argument must be a simple name'): string => {
  if (node?.op === 'identifier' && !node.name.startsWith('.')) return node.name
  throw new SyntaxFailure({ offset: node?.offset ?? 0, message })
}

const one: Readonly<Record<string, MacroName>> = { all: 'all', exists: 'exists', exists_one: 'exists_one', existsOne: 'exists_one' }
const transforms: Readonly<Record<string, MacroName>> = { transformList: 'transformList', transformMap: 'transformMap', transformMapEntry: 'transformMapEntry' }

interface Shape { macro: MacroName; names: number; filtered: boolean; bodied: boolean }

/** Which macro over a list or map the call is, by its name and its number of arguments. */
const shapeOf = (name: string, count: number): Shape | undefined => {
  if (Object.hasOwn(one, name) && (count === 2 || count === 3)) return { macro: one[name] ?? 'all', names: count - 1, filtered: false, bodied: true }
  if (Object.hasOwn(transforms, name) && (count === 3 || count === 4)) return { macro: transforms[name] ?? 'map', names: 2, filtered: count === 4, bodied: true }
  if (name === 'map' && (count === 2 || count === 3)) return { macro: 'map', names: 1, filtered: count === 3, bodied: true }
  if (name === 'filter' && count === 2) return { macro: 'filter', names: 1, filtered: true, bodied: false }
  return undefined
}

const comprehension = (call: Call, { macro, names, filtered, bodied }: Shape, range: Node): Comprehension => {
  const variables = call.args.slice(0, names).map((node) => variable(node))
  if (variables.length === 2 && variables[0] === variables[1]) throw new SyntaxFailure({ offset: call.args[1]?.offset ?? call.offset, message: `duplicate variable name: ${variables[0]}` })
  const rest = call.args.slice(names)
  return { op: 'comprehension', offset: call.offset, macro, range, variables, filter: filtered ? rest[0] : undefined, body: bodied ? rest.at(-1) : undefined }
}

export const expandMacro = (call: Call): Node => {
  const { name, target, args, offset } = call
  const [first, second] = args
  if (!target) {
    if (name !== 'has' || args.length !== 1) return call
    if (first?.op === 'select') return { ...first, test: true }
    throw new SyntaxFailure({ offset, message: 'invalid argument to has() macro' })
  }
  if ((name === 'optMap' || name === 'optFlatMap') && args.length === 2 && second) {
    return { op: 'optionalMap', offset, target, variable: variable(first, `${name}() variable name must be a simple identifier`), body: second, flat: name === 'optFlatMap' }
  }
  const shape = shapeOf(name, args.length)
  return shape ? comprehension(call, shape, target) : call
}
