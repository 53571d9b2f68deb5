/** What one call costs at most, its arguments aside, and how large its result is. Mirrors cel-go's functionCost (`checker/cost.go`) and `k8s.io/apiserver/pkg/cel/library/cost.go`. Pure. */
import type { Overload } from './signature.ts'
import type { CelType } from './types.ts'

/** How many letters, bytes, elements or entries. */
export interface Size { min: number; max: number }

export const unknownSize: Size = { min: 0, max: Infinity }
export const addSizes = (left: Size, right: Size): Size => ({ min: left.min + right.min, max: left.max + right.max })
export const eitherSize = (left: Size, right: Size): Size => ({ min: Math.min(left.min, right.min), max: Math.max(left.max, right.max) })

/** Of nothing there is nothing, however often. */
export const times = (left: number, right: number): number => (left === 0 || right === 0 ? 0 : left * right)

const perLetter = 0.1
const perPatternLetter = 0.25
const walk = ({ max }: Size, factor = 1): number => Math.ceil(max * perLetter * factor)

export interface CallEstimate { cost: number; size?: Size }

export interface EstimatedCall {
  name: string
  overload: Overload
  /** Of the receiver; undefined: there is none. */
  target: Size | undefined
  /** Of the receiver's elements, if it is a list. */
  elements: { size: Size; type: CelType } | undefined
  args: readonly Size[]
  /** Of the arguments. */
  types: readonly CelType[]
}

type Estimate = (call: EstimatedCall & { first: Size; second: Size }) => CallEstimate | undefined

const isText = (type: CelType | undefined): boolean => type?.kind === 'string' || type?.kind === 'bytes'

/** Functions that look at each element once. */
const traversal: Estimate = ({ target, elements }) => {
  if (!target) return undefined
  return { cost: elements ? times(target.max, 1 + (isText(elements.type) ? walk(elements.size) : 0)) : walk(target) }
}
const sameLength: Estimate = ({ target }) => target && { cost: walk(target), size: target }
const receiverPart: Estimate = ({ target, first }) => target && { cost: times(Math.ceil((target.max + 1) * perLetter), Math.ceil(first.max * perPatternLetter)), size: { min: 0, max: target.max } }
const argument: Estimate = ({ target, first }) => (target ? { cost: walk(first) } : undefined)
const compared: Estimate = ({ first, second }) => ({ cost: Math.ceil(Math.min(first.max, second.max) * perLetter) })
/** Values of libraries are compared in one step, formats letter by letter. (upstream's EstimateCallCost of `_==_`, which says nothing of `_!=_`) */
const equalAtOnce: ReadonlySet<string> = new Set(['net.IP', 'net.CIDR', 'kubernetes.Quantity', 'kubernetes.Semver', 'kubernetes.URL', 'kubernetes.authorization.Authorizer', 'kubernetes.authorization.PathCheck',
  'kubernetes.authorization.GroupCheck', 'kubernetes.authorization.ResourceCheck', 'kubernetes.authorization.Decision'])
const maxFormatSize = 64
const equal: Estimate = (call) => {
  const [left, right] = call.types
  const name = left && right && 'name' in left && 'name' in right && left.name === right.name ? left.name : undefined
  if (name === 'kubernetes.NamedFormat') return { cost: Math.ceil(maxFormatSize * perLetter) }
  return name !== undefined && equalAtOnce.has(name) ? { cost: 1 } : compared(call)
}
const comparedText: Estimate = (call) => (isText(call.overload.params[0]) ? compared(call) : undefined)
const compareSets = (factor: number): Estimate => ({ first, second }) => ({ cost: 1 + times(first.max, second.max) * factor })

const replaced: Estimate = ({ target, first, second, args }) => {
  if (!target || args.length < 2) return undefined
  let max = Math.ceil(target.max / first.min) * second.max
  if (first.min === 0) max = times(target.max + 1, second.max) + target.max
  else if (second.max <= first.min) max = target.max
  return { cost: walk(target, 2), size: { min: 0, max } }
}

const joined: Estimate = ({ target, elements, args, first }) => {
  if (!target) return undefined
  const own = elements ? times(target.max, elements.size.max) : 0
  const size = { min: 0, max: own + (args.length > 0 ? times(first.max, Math.max(0, target.max - 1)) : 0) }
  return { cost: walk(size), size }
}

const sum: Estimate = ({ first, second, overload }) => {
  const kind = overload.params[0]?.kind
  if (kind !== 'list' && !isText(overload.params[0])) return undefined
  const size = addSizes(first, second)
  return { cost: kind === 'list' ? 1 : walk(size), size }
}

/** Of an address in a network: 4 to 16 bytes are compared; texts are read first. */
const within = (more: number): Estimate => ({ target, first, overload }) => target && { cost: 4 + more + (overload.params[1]?.kind === 'string' ? walk(first) : 0) }

const estimates: Readonly<Record<string, Estimate>> = {
  isSorted: traversal, sum: traversal, max: traversal, min: traversal, indexOf: traversal, lastIndexOf: traversal,
  url: ({ first, args }) => (args.length === 1 ? { cost: walk(first) } : undefined),
  lowerAscii: sameLength, upperAscii: sameLength, substring: sameLength, trim: sameLength, replace: replaced, join: joined,
  split: ({ target }) => target && { cost: walk(target, 2), size: { min: 0, max: target.max } },
  find: receiverPart, findAll: receiverPart, matches: (call) => { const found = receiverPart(call); return found && { cost: found.cost } },
  containsIP: within(0), containsCIDR: within(3),
  'sets.contains': compareSets(1), 'sets.intersects': compareSets(1), 'sets.equivalent': compareSets(2),
  startsWith: argument, endsWith: argument,
  contains: ({ target, first }) => target && { cost: times(walk(target), walk(first)) },
  format: ({ target }) => target && { cost: walk(target) },
  bytes: ({ first, overload }) => (overload.params[0]?.kind === 'string' ? { cost: walk(first), size: { min: first.min, max: first.max * 4 } } : undefined),
  string: ({ first, overload }) => (overload.params[0]?.kind === 'bytes' ? { cost: walk(first), size: { min: Math.floor(first.min / 4), max: first.max } } : undefined),
  '@in': ({ second, overload }) => (overload.params[1]?.kind === 'list' ? { cost: second.max } : undefined),
  '_==_': equal, '_!=_': compared, '_<_': comparedText, '_<=_': comparedText, '_>_': comparedText, '_>=_': comparedText, '_+_': sum,
}

export const estimateCall = (call: EstimatedCall): CallEstimate => {
  const { name, args: [first = unknownSize, second = unknownSize] } = call
  return (Object.hasOwn(estimates, name) ? estimates[name]?.({ ...call, first, second }) : undefined) ?? { cost: 1 }
}
