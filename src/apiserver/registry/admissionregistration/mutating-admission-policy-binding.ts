/** MutatingAdmissionPolicyBindings. Mirrors upstream's `pkg/registry/admissionregistration/mutatingadmissionpolicybinding`. */
import { MutatingAdmissionPolicyBindings } from '../../../api/kinds.ts'
import type { FieldError } from '../../../api/status.ts'
import type { MutatingAdmissionPolicyBinding } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'
import { checkMatchResources, checkParamRef, setMatchDefaults } from './policy-match-resources.ts'
import { checkPolicyName, paramRefText } from './validating-admission-policy-binding.ts'

const check = ({ spec }: MutatingAdmissionPolicyBinding): FieldError[] => [
  ...checkPolicyName(spec.policyName),
  ...checkParamRef('spec.paramRef', spec.paramRef),
  ...checkMatchResources('spec.matchResouces', spec.matchResources),
]

export const mutatingAdmissionPolicyBindingStrategy: Strategy<MutatingAdmissionPolicyBinding> = {
  kind: MutatingAdmissionPolicyBindings,
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
