/** ValidatingAdmissionPolicyBindings. Mirrors upstream's `pkg/registry/admissionregistration/validatingadmissionpolicybinding`. */
import { ValidatingAdmissionPolicyBindings } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import { checkEach, checkOneOf, checkUnique } from '../field-checks.ts'
import { policyBindingStrategy } from './policy-binding.ts'

const actions = ['Audit', 'Deny', 'Warn']

const checkActions = (path: string, chosen: readonly string[] | undefined): FieldError[] => [
  ...checkEach(path, chosen, (action, at) => checkOneOf(at, action, actions)),
  ...checkUnique(path, chosen, (action) => ({ key: action, value: action })),
  ...(chosen?.includes('Deny') && chosen.includes('Warn')
    ? [fieldError.invalid(path, chosen, 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)')] : []),
  ...((chosen ?? []).length === 0 ? [fieldError.required(path, 'at least one validation action is required')] : []),
]

export const validatingAdmissionPolicyBindingStrategy = policyBindingStrategy(ValidatingAdmissionPolicyBindings, ({ spec }) => checkActions('spec.validationActions', spec.validationActions))
