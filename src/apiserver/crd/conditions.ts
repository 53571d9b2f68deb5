/** Conditions of a definition. Mirrors apiextensions-apiserver's `pkg/apihelpers/helpers.go`. */
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../../api/types.ts'

export type ConditionType = 'Established' | 'NamesAccepted' | 'Terminating' | 'KubernetesAPIApprovalPolicyConformant'
export interface NewCondition { type: ConditionType; status: 'True' | 'False'; reason: string; message: string }

type Conditions = readonly CustomResourceDefinitionCondition[]

export const conditionOf = ({ status }: Pick<CustomResourceDefinition, 'status'>, type: ConditionType): CustomResourceDefinitionCondition | undefined => status.conditions?.find((each) => each.type === type)
export const isTrue = (definition: Pick<CustomResourceDefinition, 'status'>, type: ConditionType): boolean => conditionOf(definition, type)?.status === 'True'

/** The conditions with one set; the time changes only with its status. */
export const withCondition = (conditions: Conditions | undefined, { type, status, reason, message }: NewCondition, now: string): CustomResourceDefinitionCondition[] => {
  const old = conditions?.find((each) => each.type === type)
  const lastTransitionTime = old?.status === status && old.lastTransitionTime ? old.lastTransitionTime : now
  const next: CustomResourceDefinitionCondition = { type, status, lastTransitionTime, reason, message }
  return old ? (conditions ?? []).map((each) => (each === old ? next : each)) : [...(conditions ?? []), next]
}
