/** Mirrors validatePodFailurePolicy and validateSuccessPolicy of upstream's `pkg/apis/batch/validation`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { JobSpec, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule, SuccessPolicyRule } from '../../../api/types.ts'
import { checkEach, checkNonNegative, checkQualifiedName, checkUnique } from '../field-checks.ts'
import { parseIndexes } from './job-indexes.ts'

const maxRules = 20
const maxExitCodes = 255
const maxIndexesLength = 64 * 1024

const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore']
const operators = ['In', 'NotIn']
const statuses = ['False', 'True', 'Unknown']

/** As checkOneOf, but an absent value is told with what it may be, as Go prints a list of strings. */
const checkChoice = (path: string, value: string | undefined, supported: readonly string[]): FieldError[] => {
  if (!value) return [fieldError.required(path, `valid values: [${supported.map((each) => JSON.stringify(each)).join(' ')}]`)]
  return supported.includes(value) ? [] : [fieldError.notSupported(path, value, supported)]
}

const tooMany = (path: string, count: number, max: number): FieldError[] => (count > max ? [fieldError.tooMany(path, count, max)] : [])

const checkExitCodes = (path: string, { operator, containerName, values = [] }: PodFailurePolicyOnExitCodesRequirement, containers: readonly string[]): FieldError[] => [
  ...checkChoice(`${path}.operator`, operator, operators),
  ...(containerName !== undefined && !containers.includes(containerName) ? [fieldError.invalid(`${path}.containerName`, containerName, 'must be one of the container or initContainer names in the pod template')] : []),
  ...(values.length === 0 ? [fieldError.invalid(`${path}.values`, values, 'at least one value is required')] : tooMany(`${path}.values`, values.length, maxExitCodes)),
  ...checkEach(`${path}.values`, values, (value, at) => (operator === 'In' && value === 0 ? [fieldError.invalid(at, value, 'must not be 0 for the In operator')] : [])),
  ...checkUnique(`${path}.values`, values, (value) => ({ key: String(value), value })),
  ...(values.some((value, index) => index > 0 && (values[index - 1] ?? 0) > value) ? [fieldError.invalid(`${path}.values`, values, 'must be ordered')] : []),
]

/** An Invalid that prints no value. */
const wrong = (path: string, detail: string): FieldError => ({ type: 'FieldValueInvalid', path, message: `Invalid value: ${detail}` })

const checkRule = (path: string, { action, onExitCodes, onPodConditions = [] }: PodFailurePolicyRule, spec: JobSpec): FieldError[] => {
  const containers = [...(spec.template.spec?.containers ?? []), ...(spec.template.spec?.initContainers ?? [])].map(({ name }) => name)
  return [
    ...(action === 'FailIndex' && spec.backoffLimitPerIndex === undefined ? [fieldError.invalid(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set')] : checkChoice(`${path}.action`, action, actions)),
    ...(onExitCodes ? checkExitCodes(`${path}.onExitCodes`, onExitCodes, containers) : []),
    ...tooMany(`${path}.onPodConditions`, onPodConditions.length, maxRules),
    ...checkEach(`${path}.onPodConditions`, onPodConditions, ({ type, status }, at) => [...checkQualifiedName(`${at}.type`, type), ...checkChoice(`${at}.status`, status, statuses)]),
    ...(onExitCodes && onPodConditions.length > 0 ? [wrong(path, 'specifying both OnExitCodes and OnPodConditions is not supported')] : []),
    ...(!onExitCodes && onPodConditions.length === 0 ? [wrong(path, 'specifying one of OnExitCodes and OnPodConditions is required')] : []),
  ]
}

export const checkPodFailurePolicy = (path: string, spec: JobSpec): FieldError[] => {
  const rules = spec.podFailurePolicy?.rules ?? []
  return [...tooMany(`${path}.rules`, rules.length, maxRules), ...checkEach(`${path}.rules`, rules, (rule, at) => checkRule(at, rule, spec))]
}

const checkSuccessRule = (path: string, { succeededCount, succeededIndexes }: SuccessPolicyRule, completions: number): FieldError[] => {
  if (succeededCount === undefined && succeededIndexes === undefined) return [fieldError.required(path, 'at least one of succeededCount or succeededIndexes must be specified')]
  const indexes = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes, completions)
  const at = `${path}.succeededCount`
  return [
    ...((succeededIndexes ?? '').length > maxIndexesLength ? [fieldError.tooLong(`${path}.succeededIndexes`, maxIndexesLength)] : []),
    ...(indexes && 'error' in indexes ? [fieldError.invalid(`${path}.succeededIndexes`, succeededIndexes, `error parsing succeededIndexes: ${indexes.error}`)] : []),
    ...checkNonNegative(at, succeededCount),
    ...(succeededCount !== undefined && succeededCount > completions ? [fieldError.invalid(at, succeededCount, `must be less than or equal to ${completions} (the number of specified completions)`)] : []),
    ...(succeededCount !== undefined && indexes && 'count' in indexes && succeededCount > indexes.count
      ? [fieldError.invalid(at, succeededCount, `must be less than or equal to ${indexes.count} (the number of indexes in the specified succeededIndexes field)`)] : []),
  ]
}

export const checkSuccessPolicy = (path: string, spec: JobSpec): FieldError[] => {
  const rules = spec.successPolicy?.rules ?? []
  if (spec.completionMode !== 'Indexed') return [fieldError.invalid(path, spec.successPolicy, 'requires indexed completion mode')]
  return [
    ...(rules.length === 0 ? [fieldError.required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified')] : []),
    ...tooMany(`${path}.rules`, rules.length, maxRules),
    ...checkEach(`${path}.rules`, rules, (rule, at) => checkSuccessRule(at, rule, spec.completions ?? 0)),
  ]
}
