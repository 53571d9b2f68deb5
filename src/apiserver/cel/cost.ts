/** What evaluation may cost. Mirrors `k8s.io/apiserver/pkg/apis/cel/config.go` and, in its proportions, cel-go's `interpreter/runtimecost.go`. */
import { CelCostError } from './errors.ts'
import { type CelValue, isList } from './values.ts'

/** Of one evaluation of one expression. */
export const perCallLimit = 1_000_000
/** Of all expressions of one policy, or of one custom resource, for one request. */
export const runtimeCostBudget = 10_000_000
/** Of the match conditions of one webhook or policy. */
export const matchConditionsCostBudget = 2_500_000

/** Of an error that another side of `&&` or another element decides over. Ours: making errors takes time. */
export const absorbedErrorCost = 5

/** Counts the cost of one evaluation. */
export class CostMeter {
  spent = 0
  private readonly limit: number
  constructor(limit: number = perCallLimit) { this.limit = limit }

  /** Throws a CelCostError when the limit is passed. */
  readonly charge = (cost: number): void => {
    this.spent += cost
    if (this.spent > this.limit) throw new CelCostError()
  }
}

/** Functions that look at no more than the head of what they get. */
const shallow: ReadonlySet<string> = new Set(['size', '_[_]', '_[?_]', '_?._', 'type', 'dyn', 'orValue', 'or', 'value', 'hasValue', 'optional.of', 'optional.ofNonZeroValue', '_==_', '_!=_', '@in'])

const sizeCost = (value: CelValue): number => {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length / 10
  return isList(value) ? value.length : 0
}

const sumOfSizes = (args: readonly CelValue[]): number => {
  let cost = 1
  for (const arg of args) cost += sizeCost(arg)
  return cost
}

/** Of searches, whose cost is that of both texts multiplied. */
const searchCost = (divisor: number) => (args: readonly CelValue[]): number => {
  const [first, second] = args
  return typeof first === 'string' && typeof second === 'string' ? 1 + Math.ceil((first.length + 1) / 10) * Math.ceil(second.length / divisor) : sumOfSizes(args)
}

const searches: Readonly<Record<string, number>> = { contains: 10, matches: 4, find: 4, findAll: 4 }

/** The cost of a call of the function before it is made. */
export const callCost = (name: string): ((args: readonly CelValue[]) => number) => {
  if (shallow.has(name)) return () => 1
  const divisor = Object.hasOwn(searches, name) ? searches[name] : undefined
  return divisor === undefined ? sumOfSizes : searchCost(divisor)
}

/** The cost of what a call has made. */
export const resultCost = (value: CelValue): number => (typeof value === 'string' || isList(value) ? sizeCost(value) : 0)
