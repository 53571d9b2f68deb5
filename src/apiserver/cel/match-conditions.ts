/** Conditions under which webhooks and policies care about a request. Mirrors `k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions`. */
import { admissionEnvironment, type Compiled, compileExpression } from './admission-environment.ts'
import { type AdmissionInput, admissionVariables } from './admission-variables.ts'
import { matchConditionsCostBudget } from './cost.ts'
import { ExpressionRun, OutOfBudgetError } from './expression-run.ts'
import { bool, dyn } from './types.ts'

const environments = [false, true].map((params) => admissionEnvironment({ authorizer: true, ...(params && { params: dyn }) }))

/** One condition compiled: with a program, or with what is wrong with it in upstream's words. `params`: whether expressions may name params. */
export const compileMatchCondition = (expression: string, params = false): Compiled => {
  const environment = environments[params ? 1 : 0]
  return environment ? compileExpression(expression, environment, [bool]) : { problem: 'no environment' }
}

export type MatchResult = { matches: boolean; error?: undefined } | { matches?: undefined; error: string }

/**
 * Whether all conditions hold. One that is false decides, whatever is wrong with others; otherwise an error is the failure policy's matter:
 * with Ignore nothing matches, with Fail the error is told.
 */
export const evaluateMatchConditions = async (conditions: readonly Compiled[], input: AdmissionInput, failurePolicy: string | undefined): Promise<MatchResult> => {
  const run = new ExpressionRun(admissionVariables({ ...input, namespaceObject: undefined }), { budget: matchConditionsCostBudget })
  const failed = (error: string): MatchResult => (failurePolicy === 'Ignore' ? { matches: false } : { error })
  const errors: string[] = []
  try {
    for (const condition of conditions) {
      const { value, error } = await run.evaluate(condition)
      if (error !== undefined) errors.push(error)
      else if (value === false) return { matches: false }
    }
  } catch (error) {
    if (!(error instanceof OutOfBudgetError)) throw error
    return failed(error.message)
  }
  const [first = ''] = errors
  if (errors.length === 0) return { matches: true }
  return failed(errors.length === 1 ? first : `[${errors.join(', ')}]`)
}
