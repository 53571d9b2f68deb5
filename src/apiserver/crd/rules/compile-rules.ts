/** Whether the rules of a schema compile, may be paid for, and use the old value only where it can be told what it was. Mirrors the CEL part of apiextensions-apiserver's validation.go. */
import type { JsonObject } from '../../../api/meta.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { JSONSchemaProps, ValidationRule } from '../../../api/types.ts'
import { structuralOf } from '../schema/build.ts'
import { times } from '../../cel/estimate-calls.ts'
import { additionalSchema, type Structural } from '../schema/structural.ts'
import { type CelSchema } from '../../cel/schema.ts'
import { celSchemaOf, type CompiledRule, compileRule, ruleCost } from './compile-rule.ts'
import { CostSum, oftenBelow } from './rule-costs.ts'
import { mostOften, sizesBelow, valueSize } from './value-sizes.ts'

interface Place {
  path: string
  isResource: boolean
  /** The first schema on the way here whose parts cannot be told apart over time. */
  uncorrelatable: string | undefined
  /** How many values there can be; undefined: without a limit. */
  often: number | undefined
  costs: CostSum
}

/** As upstream prints a rule of its internal version. */
const shown = ({ rule, message = '', messageExpression = '', reason, fieldPath = '', optionalOldSelf }: ValidationRule): JsonObject =>
  ({ Rule: rule, Message: message, MessageExpression: messageExpression, Reason: reason ?? null, FieldPath: fieldPath, OptionalOldSelf: optionalOldSelf ?? null })

const checkCost = (schema: Structural, celSchema: CelSchema, compiled: CompiledRule, { at, isResource, often, costs }: Place & { at: string }): FieldError[] => {
  const size = valueSize(schema, isResource || schema.embeddedResource)
  const cost = ruleCost(compiled, celSchema, sizesBelow(size))
  return [
    ...costs.add('rule', `${at}.rule`, times(cost.rule, often ?? (size ? mostOften(size) : Infinity))),
    ...(cost.message === undefined ? [] : costs.add('messageExpression', `${at}.messageExpression`, cost.message)),
  ]
}

const checkOwn = (schema: Structural, place: Place): FieldError[] => {
  const { path, isResource, uncorrelatable } = place
  if (schema.validations.length === 0) return []
  const celSchema = celSchemaOf(schema, isResource)
  return schema.validations.flatMap((rule, index) => {
    const at = `${path}.x-kubernetes-validations[${index}]`
    const { compiled, ruleProblem, messageProblem } = compileRule(rule, celSchema)
    return [
      ...(compiled ? checkCost(schema, celSchema, compiled, { ...place, at }) : []),
      ...(ruleProblem === undefined ? [] : [fieldError.invalid(`${at}.rule`, shown(rule), ruleProblem)]),
      ...(messageProblem === undefined ? [] : [fieldError.invalid(`${at}.messageExpression`, shown(rule), messageProblem)]),
      ...(compiled?.usesOldSelf && uncorrelatable !== undefined ? [fieldError.invalid(`${at}.rule`, rule.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`)] : []),
      ...(compiled && !compiled.usesOldSelf && rule.optionalOldSelf !== undefined ? [fieldError.invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule')] : []),
    ]
  })
}

const check = (schema: Structural, place: Place): FieldError[] => {
  const { path, uncorrelatable, costs } = place
  const often = oftenBelow(place.often, schema)
  const additional = additionalSchema(schema)
  const below = (name: string, blocked: boolean): Place => ({ path: `${path}.${name}`, isResource: false, often, costs, uncorrelatable: uncorrelatable ?? (blocked ? path : undefined) })
  return [
    ...(additional ? check(additional, below('additionalProperties', false)) : []),
    ...[...schema.properties].flatMap(([name, each]) => check(each, below(`properties[${name}]`, schema.mapType === 'atomic'))),
    ...(schema.items ? check(schema.items, below('items', schema.listType !== 'map')) : []),
    ...checkOwn(schema, place),
  ]
}

/** `schema` must be in order otherwise; `path` is its own. */
export const checkSchemaRules = (schema: JSONSchemaProps, path: string): FieldError[] => {
  const costs = new CostSum()
  const errors = check(structuralOf(schema), { path, isResource: true, uncorrelatable: undefined, often: 1, costs })
  return [...errors, ...costs.problems(path)]
}
