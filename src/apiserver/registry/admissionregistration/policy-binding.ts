/** What the bindings of both kinds of admission policies share. Mirrors upstream's `pkg/registry/admissionregistration/{mutating,validating}admissionpolicybinding`. */
import { isDns1123Subdomain } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { LabelSelector, MutatingAdmissionPolicyBinding, ParamRef, ValidatingAdmissionPolicyBinding } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { invalids } from '../field-checks.ts'
import type { Strategy } from '../strategy.ts'
import { checkMatchResources, checkParamRef, setMatchDefaults } from './policy-match-resources.ts'

type Binding = MutatingAdmissionPolicyBinding | ValidatingAdmissionPolicyBinding

const checkBinding = ({ spec }: Binding): FieldError[] => [
  ...(spec.policyName ? invalids('spec.policyName', spec.policyName, isDns1123Subdomain(spec.policyName)) : [fieldError.required('spec.policyName')]),
  ...checkParamRef('spec.paramRef', spec.paramRef),
  // Spelled as upstream does.
  ...checkMatchResources('spec.matchResouces', spec.matchResources),
]

/** As Go prints the struct. */
const selectorText = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string => {
  const labels = Object.keys(matchLabels).sort().map((key) => `${key}: ${matchLabels[key]},`).join('')
  const requirements = matchExpressions.map(({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`).join('')
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${requirements}},}`
}

/** Whether parameters are cluster-scoped cannot be told from a binding. */
const paramRefText = (paramRef: ParamRef | undefined): string => {
  if (paramRef?.name) return paramRef.namespace ? `${paramRef.namespace}/${paramRef.name}` : `*/${paramRef.name}`
  return paramRef?.selector ? selectorText(paramRef.selector) : '<unset>'
}

/** `checkMore`: what one of the two kinds has besides. */
export const policyBindingStrategy = <T extends Binding>(kind: Strategy<T>['kind'], checkMore: (binding: T) => FieldError[] = () => []): Strategy<T> => {
  const check = (binding: T): FieldError[] => [...checkBinding(binding), ...checkMore(binding)]
  return {
    kind,
    setDefaults({ spec }) { setMatchDefaults(spec.matchResources) },
    validate: check,
    validateUpdate: check,
    generationOf: ({ spec }) => spec,
    unconditionalUpdate: false,
    columns: [
      nameColumn,
      { name: 'PolicyName', type: 'string', description: 'PolicyName indicates the policy definition which the policy binding binded to', value: ({ spec }) => spec.policyName ?? '' },
      { name: 'ParamRef', type: 'string', description: 'ParamRef indicates the param resource which sets the configration param', value: ({ spec }) => paramRefText(spec.paramRef) },
      ageColumn,
    ],
  }
}
