/** Judges objects by the rules of their schema, within one budget. Mirrors apiextensions-apiserver's `pkg/apiserver/schema/cel/validation.go`. */
import { deepEqual } from '../../../api/equal.ts'
import type { JsonValue } from '../../../api/meta.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ValidationRule } from '../../../api/types.ts'
import { CostMeter, perCallLimit, runtimeCostBudget } from '../../cel/cost.ts'
import { CelCostError, CelEvaluationError } from '../../cel/errors.ts'
import { toCel } from '../../cel/json-value.ts'
import type { CelProgram } from '../../cel/program.ts'
import type { CelSchema } from '../../cel/schema.ts'
import { CelOptional, type CelValue, noOptional } from '../../cel/values.ts'
import type { CheckRules } from '../custom-strategy.ts'
import { type OldValue, oldItem, oldMember } from '../schema/correlate.ts'
import { additionalSchema, isObject, type Structural } from '../schema/structural.ts'
import { celSchemaOf, type CompiledRule, compileRule } from './compile-rule.ts'

/** The rules of a schema, and of what is below it; undefined where there are none at all. */
interface RuleTree {
  schema: Structural
  celSchema: CelSchema
  rules: readonly CompiledRule[]
  items: RuleTree | undefined
  properties: ReadonlyMap<string, RuleTree>
  additional: RuleTree | undefined
}

const treeOf = (schema: Structural, isResource: boolean): RuleTree | undefined => {
  const items = schema.items && treeOf(schema.items, false)
  const additional = additionalSchema(schema)
  const more = additional && treeOf(additional, false)
  const properties = new Map([...schema.properties].flatMap(([name, each]): [string, RuleTree][] => { const tree = treeOf(each, false); return tree ? [[name, tree]] : [] }))
  if (schema.validations.length === 0 && !items && !more && properties.size === 0) return undefined
  const celSchema = celSchemaOf(schema, isResource || schema.embeddedResource)
  // Rules that no longer compile restrict nothing: they were refused when they were written.
  return { schema, celSchema, items, properties, additional: more, rules: schema.validations.flatMap((rule) => compileRule(rule, celSchema).compiled ?? []) }
}

const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run'
class BudgetSpent extends Error {}

const textOf = ({ rule }: ValidationRule): string => (rule ?? '').trim()
const usualMessage = (rule: ValidationRule): string => (rule.message ? rule.message.trim() : `failed rule: ${textOf(rule)}`)

/** `.spec.name` and `['a.b']` as a path below another. */
const belowPath = (path: string, fieldPath: string): string => {
  const normal = fieldPath.trim().replaceAll(/\['((?:\\.|[^'\\])*)'\]/g, '[$1]')
  return path === '' ? normal.replace(/^\./, '') : `${path}${normal}`
}

const errorFor = (rule: ValidationRule, path: string, { type, detail }: { type: string; detail: string }): FieldError => {
  const at = path === '' ? '<nil>' : path
  switch (rule.reason) {
    case 'FieldValueForbidden': return fieldError.forbidden(at, detail)
    case 'FieldValueRequired': return fieldError.required(at, detail)
    case 'FieldValueDuplicate': return fieldError.duplicate(at, type)
    default: return fieldError.invalid(at, type, detail)
  }
}

class Judge {
  readonly errors: FieldError[] = []
  private budget = runtimeCostBudget

  private evaluate(program: CelProgram, variables: ReadonlyMap<string, CelValue>): CelValue {
    const meter = new CostMeter(perCallLimit)
    try {
      return program.evaluate(variables, meter)
    } finally {
      this.budget -= meter.spent
    }
  }

  private messageOf({ rule, message }: CompiledRule, variables: ReadonlyMap<string, CelValue>): string {
    if (!message) return usualMessage(rule)
    try {
      const told = this.evaluate(message, variables)
      const text = typeof told === 'string' ? told.trim() : ''
      return text === '' || /[\n\r]/.test(text) || text.length > 5000 ? usualMessage(rule) : text
    } catch (error) {
      if (error instanceof CelEvaluationError || error instanceof CelCostError) return usualMessage(rule)
      throw error
    }
  }

  private judge(compiled: CompiledRule, { schema: { type } }: RuleTree, at: { path: string; variables: ReadonlyMap<string, CelValue> }): void {
    const { rule } = compiled
    const problem = (detail: string): void => { this.errors.push(fieldError.invalid(at.path === '' ? '<nil>' : at.path, type, detail)) }
    try {
      if (this.evaluate(compiled.program, at.variables) !== true) this.errors.push(errorFor(rule, belowPath(at.path, rule.fieldPath ?? ''), { type, detail: this.messageOf(compiled, at.variables) }))
    } catch (error) {
      if (error instanceof CelCostError) {
        problem(`'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${textOf(rule)}`)
        throw new BudgetSpent()
      }
      if (!(error instanceof CelEvaluationError)) throw error
      problem(error.message.startsWith('no such overload') ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${textOf(rule)}` : `${error.message} evaluating rule: ${textOf(rule)}`)
    }
    if (this.budget < 0) {
      problem(outOfBudget)
      throw new BudgetSpent()
    }
  }

  private own(value: JsonValue, tree: RuleTree, { path, old }: { path: string; old: OldValue }): void {
    if (tree.rules.length === 0 || (value === null && tree.schema.nullable)) return
    const hadValue = old !== undefined && old.value !== null
    const self = toCel(value, tree.celSchema)
    const oldSelf = hadValue ? toCel(old.value, tree.celSchema) : undefined
    const unchanged = hadValue && deepEqual(value, old.value)
    for (const compiled of tree.rules) {
      const optional = compiled.rule.optionalOldSelf === true
      // What was wrong before may stay as it is; and without a former value there is no transition.
      if (compiled.usesOldSelf ? !hadValue && !optional : unchanged) continue
      const before: CelValue | undefined = optional ? (oldSelf === undefined ? noOptional : new CelOptional(oldSelf)) : oldSelf
      this.judge(compiled, tree, { path, variables: new Map<string, CelValue>([['self', self], ...(before === undefined ? [] : [['oldSelf', before] as const])]) })
    }
  }

  visit(value: JsonValue, tree: RuleTree, at: { path: string; old: OldValue }): void {
    this.own(value, tree, at)
    const { path, old } = at
    if (Array.isArray(value)) {
      const { items } = tree
      if (items) for (const [index, item] of value.entries()) this.visit(item, items, { path: `${path}[${index}]`, old: oldItem(old, item, tree.schema) })
    } else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        const property = tree.properties.get(key)
        const below = property ?? (tree.schema.properties.has(key) ? undefined : tree.additional)
        if (below) this.visit(value[key] ?? null, below, { path: property ? (path === '' ? key : `${path}.${key}`) : `${path}[${key}]`, old: oldMember(old, key) })
      }
    }
  }
}

const hasRules = (schema: Structural): boolean => {
  const additional = additionalSchema(schema)
  return schema.validations.length > 0 || (schema.items !== undefined && hasRules(schema.items)) || (additional !== undefined && hasRules(additional)) || [...schema.properties.values()].some(hasRules)
}

/** Undefined: there are no rules. They are compiled when they are first asked for. */
export const ruleChecker = (schema: Structural): CheckRules | undefined => {
  if (!hasRules(schema)) return undefined
  let tree: RuleTree | undefined | null = null
  return (object, old) => {
    if (tree === null) tree = treeOf(schema, true)
    if (!tree) return []
    const judge = new Judge()
    try {
      judge.visit(object, tree, { path: '', old: old === undefined ? undefined : { value: old } })
    } catch (error) {
      if (!(error instanceof BudgetSpent)) throw error
    }
    return judge.errors
  }
}
