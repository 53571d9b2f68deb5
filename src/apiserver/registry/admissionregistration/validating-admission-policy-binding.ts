/** ValidatingAdmissionPolicyBindings. Mirrors upstream's `pkg/registry/admissionregistration/validatingadmissionpolicybinding`. */
import { isDns1123Subdomain } from '../../../api/names.ts'
import { ValidatingAdmissionPolicyBindings } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { LabelSelector, ParamRef, ValidatingAdmissionPolicyBinding } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkEach, checkOneOf, checkUnique, invalids } from '../field-checks.ts'
import type { Strategy } from '../strategy.ts'
import { checkMatchResources, checkParamRef, setMatchDefaults } from './policy-match-resources.ts'

const actions = ['Audit', 'Deny', 'Warn']

export const checkPolicyName = (name: string | undefined): FieldError[] => (name ? invalids('spec.policyName', name, isDns1123Subdomain(name)) : [fieldError.required('spec.policyName')])

const checkActions = (path: string, chosen: readonly string[] | undefined): FieldError[] => [
  ...checkEach(path, chosen, (action, at) => checkOneOf(at, action, actions)),
  ...checkUnique(path, chosen, (action) => ({ key: action, value: action })),
  ...(chosen?.includes('Deny') && chosen.includes('Warn')
    ? [fieldError.invalid(path, chosen, 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)')] : []),
  ...((chosen ?? []).length === 0 ? [fieldError.required(path, 'at least one validation action is required')] : []),
]

const check = ({ spec }: ValidatingAdmissionPolicyBinding): FieldError[] => [
  ...checkPolicyName(spec.policyName),
  ...checkParamRef('spec.paramRef', spec.paramRef),
  // Spelled as upstream does.
  ...checkMatchResources('spec.matchResouces', spec.matchResources),
  ...checkActions('spec.validationActions', spec.validationActions),
]

/** As Go prints the struct. */
const selectorText = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string => {
  const labels = Object.keys(matchLabels).sort().map((key) => `${key}: ${matchLabels[key]},`).join('')
  const requirements = matchExpressions.map(({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`).join('')
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${requirements}},}`
}

/** Whether parameters are cluster-scoped cannot be told from a binding. */
export const paramRefText = (paramRef: ParamRef | undefined): string => {
  if (paramRef?.name) return paramRef.namespace ? `${paramRef.namespace}/${paramRef.name}` : `*/${paramRef.name}`
  return paramRef?.selector ? selectorText(paramRef.selector) : '<unset>'
}

export const validatingAdmissionPolicyBindingStrategy: Strategy<ValidatingAdmissionPolicyBinding> = {
  kind: ValidatingAdmissionPolicyBindings,
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
