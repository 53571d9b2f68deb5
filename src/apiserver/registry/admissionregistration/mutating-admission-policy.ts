/** MutatingAdmissionPolicies. Mirrors upstream's `pkg/registry/admissionregistration/mutatingadmissionpolicy` and its validation. */
import { deepEqual } from '../../../api/equal.ts'
import { MutatingAdmissionPolicies } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { MatchResources, MutatingAdmissionPolicy, Mutation } from '../../../api/types.ts'
import { jsonPatchListType, objectConfigurationType } from '../../cel/admission-environment.ts'
import type { Composition } from '../../cel/composition.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkEach } from '../field-checks.ts'
import type { Strategy } from '../strategy.ts'
import { checkExpression, checkVariables, conditionProblem, policyScope } from './policy-expressions.ts'
import { checkChosen, checkMatchConstraints, checkParamKind, failurePolicies, setMatchDefaults } from './policy-match-resources.ts'
import { paramKindText } from './validating-admission-policy.ts'
import { checkMatchConditions } from './webhook-validation.ts'

type Spec = MutatingAdmissionPolicy['spec']

const patchTypes = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const
const isPatchType = (type: string): type is keyof typeof patchTypes => Object.hasOwn(patchTypes, type)

const checkMutation = (mutation: Mutation, path: string, { spec, composition }: { spec: Spec; composition: Composition }): FieldError[] => {
  const { patchType } = mutation
  const chosen = checkChosen(`${path}.patchType`, patchType, Object.keys(patchTypes))
  if (!patchType || !isPatchType(patchType)) return chosen
  const field = patchTypes[patchType]
  const other = patchType === 'JSONPatch' ? 'applyConfiguration' : 'jsonPatch'
  const expression = mutation[field]?.expression ?? ''
  return [
    ...(mutation[other] ? [fieldError.invalid(`${path}.${other}`, mutation[other], `must not be specified when patchType is ${patchType}`)] : []),
    ...(!mutation[field] ? [fieldError.required(`${path}.${field}`, `must be specified when patchType is ${patchType}`)]
      : expression.trim() === '' ? [fieldError.required(`${path}.${field}.expression`, 'expression is not specified')]
        : checkExpression({ path: `${path}.${field}.expression`, expression, composition, scope: { ...policyScope(spec.paramKind), mutation: true }, returns: [patchType === 'JSONPatch' ? jsonPatchListType : objectConfigurationType] })),
  ]
}

/** What is deleted cannot be changed. */
const checkOperations = (path: string, match: MatchResources | undefined): FieldError[] => checkEach(`${path}.resourceRules`, match?.resourceRules, ({ operations }, at) =>
  checkEach(`${at}.operations`, operations, (operation, of) => (operation === 'DELETE' ? [fieldError.notSupported(of, operation, ['*', 'CONNECT', 'CREATE', 'UPDATE'])] : [])))

const check = ({ spec }: MutatingAdmissionPolicy, old?: MutatingAdmissionPolicy): FieldError[] => {
  const { composition, errors } = checkVariables('spec.variables', spec.variables, spec.paramKind)
  const conditionsKnown = old !== undefined && deepEqual(old.spec.paramKind, spec.paramKind) && deepEqual(old.spec.matchConditions, spec.matchConditions)
  return [
    ...checkChosen('spec.failurePolicy', spec.failurePolicy, failurePolicies),
    ...checkParamKind('spec.paramKind', spec.paramKind),
    ...checkMatchConstraints('spec.matchConstraints', spec.matchConstraints), ...checkOperations('spec.matchConstraints', spec.matchConstraints),
    ...(conditionsKnown ? [] : checkMatchConditions('spec.matchConditions', spec.matchConditions, conditionProblem(spec.paramKind))),
    ...errors,
    ...((spec.mutations ?? []).length === 0 ? [fieldError.required('spec.mutations', 'mutations must contain at least one item')] : []),
    ...checkEach('spec.mutations', spec.mutations, (mutation, at) => checkMutation(mutation, at, { spec, composition })),
    ...checkChosen('spec.reinvocationPolicy', spec.reinvocationPolicy, ['IfNeeded', 'Never']),
  ]
}

export const mutatingAdmissionPolicyStrategy: Strategy<MutatingAdmissionPolicy> = {
  kind: MutatingAdmissionPolicies,
  setDefaults({ spec }) {
    spec.failurePolicy ??= 'Fail'
    setMatchDefaults(spec.matchConstraints)
  },
  validate: (policy) => check(policy),
  validateUpdate: (next, old) => check(next, old),
  generationOf: ({ spec }) => spec,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: 'Mutations', type: 'integer', description: 'Mutation indicates the number of mutations rules defined in this configuration', value: ({ spec }) => (spec.mutations ?? []).length },
    { name: 'ParamKind', type: 'string', description: 'ParamKind specifies the kind of resources used to parameterize this policy', value: ({ spec }) => paramKindText(spec.paramKind) },
    ageColumn,
  ],
}
