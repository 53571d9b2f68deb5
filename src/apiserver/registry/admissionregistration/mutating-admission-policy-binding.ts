/** MutatingAdmissionPolicyBindings. Mirrors upstream's `pkg/registry/admissionregistration/mutatingadmissionpolicybinding`. */
import { MutatingAdmissionPolicyBindings } from '../../../api/kinds.ts'
import { policyBindingStrategy } from './policy-binding.ts'

export const mutatingAdmissionPolicyBindingStrategy = policyBindingStrategy(MutatingAdmissionPolicyBindings)
