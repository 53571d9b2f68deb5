/** One x-kubernetes-validations rule as programs. Mirrors apiextensions-apiserver's `pkg/apiserver/schema/cel/compilation.go`. */
import type { ValidationRule } from '../../../api/types.ts'
import { CelCompileError } from '../../cel/errors.ts'
import { kubernetesEnvironment } from '../../cel/kubernetes-environment.ts'
import type { SizeOf } from '../../cel/estimate.ts'
import { type CelProgram, compile, estimatedCost } from '../../cel/program.ts'
import { type CelSchema, dynSchema, typeOfSchema } from '../../cel/schema.ts'
import { type StructuralSchema, structuralCelSchema } from '../../cel/structural-schema.ts'
import { type CelType, optionalOf } from '../../cel/types.ts'
import type { Structural } from '../schema/structural.ts'

export interface CompiledRule {
  rule: ValidationRule
  program: CelProgram
  /** Whether it compares with what was before: then it runs on updates only, unless it takes the old value as an optional. */
  usesOldSelf: boolean
  message: CelProgram | undefined
}

export interface Compilation {
  compiled: CompiledRule | undefined
  ruleProblem: string | undefined
  messageProblem: string | undefined
}

/** How expressions see values of a schema. */
export const celSchemaOf = (schema: Pick<Structural, 'props'>, isResource: boolean): CelSchema => structuralCelSchema(schema.props as StructuralSchema, 'selfType', isResource) ?? dynSchema

type Attempt = { program: CelProgram; problem?: never } | { problem: string; program?: never }

const attempt = (expression: string, variables: Readonly<Record<string, CelType>>): Attempt => {
  try {
    return { program: compile(expression, kubernetesEnvironment(variables)) }
  } catch (error) {
    if (error instanceof CelCompileError) return { problem: error.message }
    throw error
  }
}

/** A transition rule is one that cannot do without the old value. */
const compileWithOld = (expression: string, self: CelType, oldSelf: CelType): Attempt & { usesOldSelf: boolean } => {
  const alone = attempt(expression, { self })
  if (alone.program) return { ...alone, usesOldSelf: false }
  const both = attempt(expression, { self, oldSelf })
  return { ...both, usesOldSelf: both.program !== undefined }
}

/** What a compiled rule, and its message, cost at most for one value; undefined: there is no message. */
export const ruleCost = ({ rule, message }: CompiledRule, schema: CelSchema, sizeOf: SizeOf): { rule: number; message: number | undefined } => {
  const self = typeOfSchema(schema)
  const environment = kubernetesEnvironment({ self, oldSelf: rule.optionalOldSelf ? optionalOf(self) : self })
  return { rule: estimatedCost((rule.rule ?? '').trim(), environment, sizeOf), message: message && estimatedCost(message.expression, environment, sizeOf) }
}

export const compileRule = (rule: ValidationRule, schema: CelSchema): Compilation => {
  const self = typeOfSchema(schema)
  const oldSelf = rule.optionalOldSelf ? optionalOf(self) : self
  const main = compileWithOld((rule.rule ?? '').trim(), self, oldSelf)
  const told = rule.messageExpression?.trim() ? compileWithOld(rule.messageExpression.trim(), self, oldSelf) : undefined
  const ruleProblem = main.program ? (main.program.resultType.kind === 'bool' ? undefined : 'cel expression must evaluate to a bool') : `compilation failed: ${main.problem}`
  const messageProblem = !told ? undefined : told.program ? (told.program.resultType.kind === 'string' ? undefined : 'messageExpression must evaluate to a string') : `messageExpression compilation failed: ${told.problem}`
  const compiled = main.program && ruleProblem === undefined ? { rule, program: main.program, usesOldSelf: main.usesOldSelf, message: messageProblem === undefined ? told?.program : undefined } : undefined
  return { compiled, ruleProblem, messageProblem }
}
