/** CEL conditions of webhooks. Mirrors apiserver's `plugin/webhook/matchconditions`. */
import type { MatchCondition } from '../../api/types.ts'
import type { Compiled } from '../cel/admission-environment.ts'
import type { DecisionCache } from '../cel/library/authorization.ts'
import { compileMatchCondition, evaluateMatchConditions, type MatchResult } from '../cel/match-conditions.ts'
import { admissionInput } from './admission-policy-input.ts'
import type { AdmissionAttributes, AdmissionContext } from './plugin.ts'
import type { Hook } from './webhook-hooks.ts'
import type { Version } from './webhook-versions.ts'

/** Made once for each stored version of a webhook. */
const compiled = new WeakMap<readonly MatchCondition[], readonly Compiled[]>()

const compiledConditions = (conditions: readonly MatchCondition[]): readonly Compiled[] => {
  const known = compiled.get(conditions) ?? conditions.map(({ expression }) => compileMatchCondition(expression))
  compiled.set(conditions, known)
  return known
}

export interface ConditionQuestion { attributes: AdmissionAttributes; context: AdmissionContext; decisions: DecisionCache }

/** Whether all conditions of the webhook hold for the request, shown in that version. */
export const matchConditionsHold = async ({ webhook: { matchConditions = [], failurePolicy } }: Hook, version: Version, question: ConditionQuestion): Promise<MatchResult> =>
  (matchConditions.length === 0 ? { matches: true } : evaluateMatchConditions(compiledConditions(matchConditions), await admissionInput({ ...question, version, params: undefined }), failurePolicy))
