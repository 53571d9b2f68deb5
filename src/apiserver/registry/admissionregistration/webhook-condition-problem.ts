/** What is wrong with the expression of a webhook's match condition. Mirrors validateMatchConditionsExpression of upstream's `pkg/apis/admissionregistration/validation`. */
import { compileMatchCondition } from '../../cel/match-conditions.ts'

export const webhookConditionProblem = (expression: string): string | undefined => compileMatchCondition(expression).problem
