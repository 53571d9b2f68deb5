/** ValidatingAdmissionPolicies. Mirrors upstream's `pkg/registry/admissionregistration/validatingadmissionpolicy`. */
import { deepEqual } from '../../../api/equal.ts'
import { ValidatingAdmissionPolicies } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { AuditAnnotation, ParamKind, ValidatingAdmissionPolicy, Validation } from '../../../api/types.ts'
import type { Composition } from '../../cel/composition.ts'
import { bool, nullType, string } from '../../cel/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkConditions } from '../condition-checks.ts'
import { checkEach, checkOptionalOneOf, checkQualifiedName, checkUnique } from '../field-checks.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { checkExpression, checkVariables, conditionProblem, policyScope } from './policy-expressions.ts'
import { checkChosen, checkMatchConstraints, checkParamKind, failurePolicies, setMatchDefaults } from './policy-match-resources.ts'
import { checkMatchConditions } from './webhook-validation.ts'

const maxAuditAnnotations = 20
const maxValueExpressionBytes = 5 * 1024
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge']
const atLeastOne = 'validations or auditAnnotations must contain at least one item'

type Spec = ValidatingAdmissionPolicy['spec']
interface Within { spec: Spec; composition: Composition }

const checkMessage = (path: string, message: string | undefined): FieldError[] => {
  if (!message) return []
  if (message.trim() === '') return [fieldError.invalid(path, message, 'message must be non-empty if specified')]
  return /[\n\r]/.test(message.trim()) ? [fieldError.invalid(path, message, 'message must not contain line breaks')] : []
}

const checkValidation = ({ expression, message, messageExpression, reason }: Validation, path: string, { spec, composition }: Within): FieldError[] => {
  const checked = (field: string, text: string, authorizer: boolean): FieldError[] =>
    checkExpression({ path: `${path}.${field}`, expression: text, composition, scope: policyScope(spec.paramKind, authorizer), returns: [authorizer ? bool : string] })
  return [
    ...(expression?.trim() ? checked('expression', expression, true) : [fieldError.required(`${path}.expression`, 'expression is not specified')]),
    ...(!messageExpression ? [] : messageExpression.trim() === '' ? [fieldError.invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified')] : checked('messageExpression', messageExpression, false)),
    ...checkMessage(`${path}.message`, message),
    ...checkOptionalOneOf(`${path}.reason`, reason, reasons),
  ]
}

const checkAnnotation = ({ key, valueExpression = '' }: AuditAnnotation, path: string, { spec, composition, name }: Within & { name: string }): FieldError[] => {
  const trimmed = valueExpression.trim()
  return [
    ...(name ? checkQualifiedName(`${path}.key`, `${name}/${key}`) : [fieldError.invalid(`${path}.key`, key, 'requires metadata.name be non-empty')]),
    ...(trimmed === '' ? [fieldError.required(`${path}.valueExpression`, 'valueExpression is not specified')]
      : Buffer.byteLength(trimmed) > maxValueExpressionBytes ? [fieldError.required(`${path}.valueExpression`, `must not exceed ${maxValueExpressionBytes} bytes in length`)]
        : checkExpression({ path: `${path}.valueExpression`, expression: trimmed, composition, scope: policyScope(spec.paramKind), returns: [string, nullType] })),
  ]
}

const checkContents = (within: Within, name: string): FieldError[] => {
  const { spec: { validations = [], auditAnnotations = [] } } = within
  if (validations.length === 0 && auditAnnotations.length === 0) return [fieldError.required('spec.validations', atLeastOne), fieldError.required('spec.auditAnnotations', atLeastOne)]
  return [
    ...checkEach('spec.validations', validations, (validation, at) => checkValidation(validation, at, within)),
    ...(auditAnnotations.length > maxAuditAnnotations ? [fieldError.invalid('spec.auditAnnotations', auditAnnotations, `must not have more than ${maxAuditAnnotations} auditAnnotations`)] : []),
    ...checkEach('spec.auditAnnotations', auditAnnotations, (annotation, at) => checkAnnotation(annotation, at, { ...within, name })),
    ...checkUnique('spec.auditAnnotations', auditAnnotations, ({ key }) => ({ key, path: '.key', value: key })),
  ]
}

const check = ({ metadata, spec }: ValidatingAdmissionPolicy, old?: ValidatingAdmissionPolicy): FieldError[] => {
  const { composition, errors } = checkVariables('spec.variables', spec.variables, spec.paramKind)
  const conditionsKnown = old !== undefined && deepEqual(old.spec.paramKind, spec.paramKind) && deepEqual(old.spec.matchConditions, spec.matchConditions)
  return [
    ...checkChosen('spec.failurePolicy', spec.failurePolicy, failurePolicies),
    ...checkParamKind('spec.paramKind', spec.paramKind),
    ...checkMatchConstraints('spec.matchConstraints', spec.matchConstraints),
    ...(conditionsKnown ? [] : checkMatchConditions('spec.matchConditions', spec.matchConditions, conditionProblem(spec.paramKind))),
    ...errors, ...checkContents({ spec, composition }, metadata.name ?? ''),
  ]
}

const checkStatus = ({ status }: ValidatingAdmissionPolicy): FieldError[] => [
  ...checkEach('status.typeChecking.expressionWarnings', status.typeChecking?.expressionWarnings, ({ warning, fieldRef }, at) => [
    ...(warning ? [] : [fieldError.required(`${at}.warning`)]), ...(fieldRef?.trim() ? [] : [fieldError.required(`${at}.fieldRef`)]),
  ]),
  ...checkConditions('status.conditions', status.conditions),
]

export const paramKindText = (paramKind: ParamKind | undefined): string => (paramKind ? `${paramKind.apiVersion ?? ''}/${paramKind.kind ?? ''}` : '<unset>')

export const validatingAdmissionPolicyStrategy: Strategy<ValidatingAdmissionPolicy> = {
  kind: ValidatingAdmissionPolicies,
  setDefaults({ spec }) {
    spec.failurePolicy ??= 'Fail'
    setMatchDefaults(spec.matchConstraints)
  },
  prepareForCreate(policy) { policy.status = {} },
  validate: (policy) => check(policy),
  validateUpdate: (next, old) => check(next, old),
  generationOf: ({ spec }) => spec,
  unconditionalUpdate: false,
  subresources: { status: statusSubresource<ValidatingAdmissionPolicy>({ keepMetadata: true, validate: checkStatus }) },
  columns: [
    nameColumn,
    { name: 'Validations', type: 'integer', description: 'Validations indicates the number of validation rules defined in this configuration', value: ({ spec }) => (spec.validations ?? []).length },
    { name: 'ParamKind', type: 'string', description: 'ParamKind specifies the kind of resources used to parameterize this policy', value: ({ spec }) => paramKindText(spec.paramKind) },
    ageColumn,
  ],
}
