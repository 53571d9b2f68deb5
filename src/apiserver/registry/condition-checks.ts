/** Conditions of the standard form. Mirrors ValidateConditions of apimachinery's `pkg/apis/meta/v1/validation`. */
import { isQualifiedName } from '../../api/names.ts'
import { fieldError, type FieldError } from '../../api/status.ts'
import type { Condition } from '../../api/types.ts'
import { checkEach, checkNonNegative, invalids } from './field-checks.ts'

const maxReasonLength = 1024
const maxMessageLength = 32 * 1024
const reasonPattern = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/
const reasonMessage = "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' "
  + "(e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"

const checkReason = (path: string, reason: string | undefined): FieldError[] => {
  if (!reason) return [fieldError.required(path)]
  return [...(reasonPattern.test(reason) ? [] : [fieldError.invalid(path, reason, reasonMessage)]), ...(reason.length > maxReasonLength ? [fieldError.tooLong(path, maxReasonLength)] : [])]
}

const checkCondition = (path: string, condition: Condition): FieldError[] => [
  ...(condition.type ? invalids(`${path}.type`, condition.type, isQualifiedName(condition.type)) : [fieldError.required(`${path}.type`, 'must be set')]),
  ...(['True', 'False', 'Unknown'].includes(condition.status) ? [] : [fieldError.notSupported(`${path}.status`, condition.status, ['False', 'True', 'Unknown'])]),
  ...checkNonNegative(`${path}.observedGeneration`, condition.observedGeneration),
  ...(condition.lastTransitionTime ? [] : [fieldError.required(`${path}.lastTransitionTime`, 'must be set')]),
  ...checkReason(`${path}.reason`, condition.reason),
  ...(condition.message.length > maxMessageLength ? [fieldError.tooLong(`${path}.message`, maxMessageLength)] : []),
]

export const checkConditions = (path: string, conditions: readonly Condition[] | undefined): FieldError[] => {
  const first = new Map<string, number>()
  return checkEach(path, conditions, (condition, at, index) => {
    const before = first.get(condition.type)
    if (before === undefined) first.set(condition.type, index)
    return [...checkCondition(at, condition), ...(before === undefined ? [] : [fieldError.duplicate(`${at}.type`, condition.type)])]
  })
}
