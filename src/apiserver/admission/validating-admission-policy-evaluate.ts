/** What one policy decides for one request and one parameter. Mirrors Validate of apiserver's `plugin/policy/validating/validator.go`. */
import { type AdmissionInput, admissionVariables } from '../cel/admission-variables.ts'
import { runtimeCostBudget } from '../cel/cost.ts'
import { ExpressionRun, type Outcome, OutOfBudgetError } from '../cel/expression-run.ts'
import { evaluateMatchConditions } from '../cel/match-conditions.ts'
import { runtimeTypeName } from '../cel/values.ts'
import type { CompiledPolicy, CompiledValidation } from './validating-admission-policy-compile.ts'

/** Something that speaks against the request: a validation that is false, or an error that the failure policy makes one. */
export interface Objection {
  /** Of the validation in the list; 0 for what concerns the policy as a whole. */
  index: number
  message: string
  /** '' for errors. */
  reason: string
}

export interface PolicyVerdict {
  objections: readonly Objection[]
  /** To publish with the request's audit event. */
  annotations: readonly { key: string; value: string }[]
  /** What went wrong with annotations: refuses the request, whatever the binding's actions are. */
  annotationErrors: readonly string[]
}

const maxMessageBytes = 5 * 1024
const nothing: PolicyVerdict = { objections: [], annotations: [], annotationErrors: [] }

/** The text that messageExpression gives, or '' where it is of no use. */
const evaluatedMessage = (outcome: Outcome | undefined): string => {
  const text = typeof outcome?.value === 'string' ? outcome.value.trim() : ''
  return Buffer.byteLength(text) > maxMessageBytes || text.includes('\n') ? '' : text
}

const denial = ({ validation }: CompiledValidation, index: number, message: Outcome | undefined): Objection => ({
  index, reason: validation.reason ?? 'Invalid', message: evaluatedMessage(message) || (validation.message ?? '').trim() || `failed expression: ${validation.expression.trim()}`,
})

const validate = async (policy: CompiledPolicy, input: AdmissionInput, fails: boolean): Promise<Objection[]> => {
  const { composition } = policy
  const run = new ExpressionRun(admissionVariables(input), { budget: runtimeCostBudget, composition })
  const outcomes: Outcome[] = []
  for (const { expression } of policy.validations) outcomes.push(await run.evaluate(expression))
  // Messages cannot ask the authorizer.
  const messages = run.with(admissionVariables({ ...input, authorization: undefined }))
  const objections: Objection[] = []
  let spent: OutOfBudgetError | undefined
  for (const [index, validation] of policy.validations.entries()) {
    const outcome = outcomes[index]
    if (outcome?.error !== undefined) {
      if (fails) objections.push({ index, message: outcome.error, reason: '' })
      continue
    }
    if (outcome?.value === true) continue
    const message = validation.message && !spent ? await messages.evaluate(validation.message).catch((error: unknown) => {
      if (!(error instanceof OutOfBudgetError)) throw error
      spent = error
      return undefined
    }) : undefined
    if (!spent) objections.push(denial(validation, index, message))
    else if (fails) objections.push({ index, message: `failed messageExpression: ${spent.message}`, reason: '' })
  }
  return objections
}

const annotate = async (policy: CompiledPolicy, input: AdmissionInput, fails: boolean): Promise<Pick<PolicyVerdict, 'annotations' | 'annotationErrors'>> => {
  const run = new ExpressionRun(admissionVariables(input), { budget: runtimeCostBudget, composition: policy.composition })
  const annotations: { key: string; value: string }[] = []
  const annotationErrors: string[] = []
  for (const { key, valueExpression, value: expression } of policy.annotations) {
    const { value, error } = await run.evaluate(expression)
    if (error !== undefined) { if (fails) annotationErrors.push(error) }
    else if (typeof value === 'string') { if (value.trim() !== '') annotations.push({ key, value: value.trim() }) }
    else if (value !== null) annotationErrors.push(`valueExpression '${valueExpression}' resulted in unsupported return type: ${runtimeTypeName(value)}. Return type must be either string or null.`)
  }
  return { annotations, annotationErrors }
}

export const evaluatePolicy = async (policy: CompiledPolicy, input: AdmissionInput, failurePolicy: string | undefined): Promise<PolicyVerdict> => {
  const fails = failurePolicy !== 'Ignore'
  const failed = (message: string): PolicyVerdict => (fails ? { ...nothing, objections: [{ index: 0, message, reason: '' }] } : nothing)
  if (policy.conditions.length > 0) {
    const { matches, error } = await evaluateMatchConditions(policy.conditions, input, failurePolicy)
    if (error !== undefined) return failed(error)
    if (!matches) return nothing
  }
  try {
    const objections = await validate(policy, input, fails)
    return { objections, ...await annotate(policy, input, fails) }
  } catch (error) {
    if (error instanceof OutOfBudgetError) return failed(error.message)
    throw error
  }
}
