/** Rules that might cost too much are refused before they are ever run. Mirrors the cost part of apiextensions-apiserver's `pkg/apis/apiextensions/validation/{validation,cel_validation}.go`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import { additionalSchema, type Structural } from '../schema/structural.ts'
import { times } from '../../cel/estimate-calls.ts'

/** Of one rule, for all values that it may be asked for in one request. */
export const ruleCostLimit = 10_000_000
/** Of all rules of a schema. */
export const schemaCostLimit = 100_000_000
const told = 4

const factorText = (factor: number): string => {
  if (factor > 100) return 'more than 100x'
  return factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`
}

const exceeds = (what: string, cost: number, limit: number): string =>
  `${what} exceeds budget by factor of ${factorText(cost / limit)} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`

/** By how much a schema multiplies what is below it; undefined: without a limit. */
export const mostChildren = (schema: Structural): number | undefined => {
  if (schema.type === 'array') return schema.maxItems
  return schema.type === 'object' && (additionalSchema(schema) || schema.additionalProperties === true) ? schema.maxProperties : 1
}

/** How often values of a schema can be there whose parents' are there `parents` times; undefined: without a limit. */
export const oftenBelow = (parents: number | undefined, schema: Structural): number | undefined => {
  const children = mostChildren(schema)
  return parents === undefined || children === undefined ? undefined : times(parents, children)
}

/** Adds up what the rules of a schema cost. */
export class CostSum {
  private total = 0
  private readonly dear: { path: string; cost: number }[] = []

  /** What is wrong with this expression alone. */
  add(what: 'rule' | 'messageExpression', path: string, cost: number): FieldError[] {
    this.total += cost
    if (cost >= schemaCostLimit / 100) this.dear.push({ path, cost })
    return cost > ruleCostLimit ? [fieldError.forbidden(path, exceeds(`estimated ${what} cost`, cost, ruleCostLimit))] : []
  }

  /** What is wrong with all of them together; `path` is the schema's. */
  problems(path: string): FieldError[] {
    if (this.total <= schemaCostLimit) return []
    const most = this.dear.toSorted((left, right) => (left.cost === right.cost ? 0 : right.cost - left.cost)).slice(0, told)
    return [
      ...most.map((each) => fieldError.forbidden(each.path, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema')),
      fieldError.forbidden(path, exceeds('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', this.total, schemaCostLimit)),
    ]
  }
}
