/** Small checks that claims, classes and slices of devices share. Mirrors helpers of upstream's `pkg/apis/resource/validation`. */
import { isCIdentifier, isLabelValue } from '../../../api/names.ts'
import type { JsonValue } from '../../../api/meta.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { DeviceSelector, DeviceTaint, DeviceToleration, OpaqueDeviceConfiguration } from '../../../api/types.ts'
import { checkDnsLabel, checkDnsSubdomain, checkEach, checkOptionalOneOf, checkUnique, invalids } from '../field-checks.ts'
import { checkLabelName } from '../label-checks.ts'
import { checkDriverName } from '../storage/parameters-validation.ts'
import { deviceExpressionProblem } from './device-expression.ts'

const limits = { poolName: 253, id: 32, bindingConditions: 4, opaqueParameters: 10 * 1024, selectors: 32, expression: 10 * 1024 }

/** Too many items: the items themselves are not looked at then. */
export const checkList = <T>(path: string, { items, max }: { items: readonly T[] | undefined; max: number }, check: (item: T, at: string) => FieldError[]): FieldError[] =>
  ((items ?? []).length > max ? [fieldError.tooMany(path, (items ?? []).length, max)] : checkEach(path, items, check))

/** The same, of items that must differ. */
export const checkSet = <T>(path: string, { items, max, keyOf }: { items: readonly T[] | undefined; max: number; keyOf(item: T): string }, check: (item: T, at: string) => FieldError[]): FieldError[] =>
  ((items ?? []).length > max ? [fieldError.tooMany(path, (items ?? []).length, max)] : [...checkEach(path, items, check), ...checkUnique(path, items, (item) => ({ key: keyOf(item) }))])

export const checkRequiredLabel = (path: string, name: string | undefined): FieldError[] => (name ? checkDnsLabel(path, name) : [fieldError.required(path)])

export const checkPoolName = (path: string, name: string | undefined): FieldError[] => {
  if (!name) return [fieldError.required(path)]
  return [...(name.length > limits.poolName ? [fieldError.tooLong(path, limits.poolName)] : []), ...name.split('/').flatMap((part) => checkDnsSubdomain(path, part))]
}

const checkId = (path: string, id: string): FieldError[] => [...(id.length > limits.id ? [fieldError.tooLong(path, limits.id)] : []), ...invalids(path, id, isCIdentifier(id))]

/** `name` or `domain/name`: attributes and capacities. */
export const checkQualifiedAttribute = (path: string, name: string): FieldError[] => {
  const [first = '', second, ...more] = name.split('/')
  if (more.length > 0) return [fieldError.invalid(path, name, 'must not contain more than one slash')]
  if (second === undefined) return checkId(path, first)
  return [
    ...(first === '' ? [fieldError.invalid(path, '', 'the domain must not be empty')] : checkDriverName(path, first)),
    ...(second === '' ? [fieldError.invalid(path, '', 'the name must not be empty')] : checkId(path, second)),
  ]
}

export const checkFullyQualifiedAttribute = (path: string, name: string): FieldError[] =>
  [...checkQualifiedAttribute(path, name), ...(name.includes('/') ? [] : [fieldError.invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash')])]

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/

export const checkShareId = (path: string, id: string | undefined): FieldError[] => (id === undefined || uuid.test(id) ? []
  : [fieldError.invalid(path, id, uuid.test(id.toLowerCase()) ? 'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters' : `error validating uid: ${id.length === 36 ? 'invalid UUID format' : `invalid UUID length: ${id.length}`}`)])

const effects = ['NoExecute', 'NoSchedule', 'None']

export const checkDeviceTaint = (path: string, { key, value, effect }: DeviceTaint): FieldError[] => [
  ...checkLabelName(`${path}.key`, key ?? ''),
  ...(value ? invalids(`${path}.value`, value, isLabelValue(value)) : []),
  ...(effect ? checkOptionalOneOf(`${path}.effect`, effect, effects) : [fieldError.required(`${path}.effect`)]),
]

const checkOperator = (path: string, { operator, value = '' }: DeviceToleration): FieldError[] => {
  switch (operator) {
    case 'Exists': return value ? [fieldError.invalid(`${path}.value`, value, 'must be empty for operator `Exists`')] : []
    case 'Equal': return invalids(`${path}.value`, value, isLabelValue(value))
    case undefined:
    case '': return [fieldError.required(`${path}.operator`)]
    default: return [fieldError.notSupported(`${path}.operator`, operator, ['Equal', 'Exists'])]
  }
}

export const checkDeviceToleration = (path: string, toleration: DeviceToleration): FieldError[] => [
  ...(toleration.key ? checkLabelName(`${path}.key`, toleration.key) : []),
  ...checkOperator(path, toleration),
  ...(toleration.effect ? checkOptionalOneOf(`${path}.effect`, toleration.effect, effects) : []),
]

/** What must be so before a pod is bound, and what tells that it never will be. */
export const checkBindingConditions = (path: string, { bindingConditions = [], bindingFailureConditions = [] }: { bindingConditions?: string[] | undefined; bindingFailureConditions?: string[] | undefined }): FieldError[] => {
  const [wanted, failed] = [`${path}.bindingConditions`, `${path}.bindingFailureConditions`]
  return [
    ...checkSet(wanted, { items: bindingConditions, max: limits.bindingConditions, keyOf: (name) => name }, (name, at) => checkLabelName(at, name)),
    ...checkSet(failed, { items: bindingFailureConditions, max: limits.bindingConditions, keyOf: (name) => name }, (name, at) => checkLabelName(at, name)),
    ...checkEach(failed, bindingFailureConditions, (name, at) => (bindingConditions.includes(name) ? [fieldError.invalid(at, name, 'bindingFailureConditions must not overlap with bindingConditions')] : [])),
    ...(bindingConditions.length === 0 && bindingFailureConditions.length > 0 ? [fieldError.invalid(wanted, bindingConditions, 'bindingConditions are required to use bindingFailureConditions')] : []),
    ...(bindingFailureConditions.length === 0 && bindingConditions.length > 0 ? [fieldError.invalid(failed, bindingFailureConditions, 'bindingFailureConditions are required to use bindingConditions')] : []),
  ]
}

/** JSON that a driver understands; `stored`: it was accepted before, however large. */
export const checkJsonObject = (path: string, value: JsonValue | undefined, { max = limits.opaqueParameters, stored = false } = {}): FieldError[] => {
  if (value === undefined || value === null) return [fieldError.required(path)]
  if (!stored && Buffer.byteLength(JSON.stringify(value)) > max) return [fieldError.tooLong(path, max)]
  return typeof value === 'object' && !Array.isArray(value) ? [] : [fieldError.invalid(path, '<value omitted>', 'must be a valid JSON object')]
}

export const checkConfiguration = (path: string, { opaque }: { opaque?: OpaqueDeviceConfiguration | undefined }, { stored = false } = {}): FieldError[] =>
  (opaque ? [...checkDriverName(`${path}.opaque.driver`, opaque.driver ?? ''), ...checkJsonObject(`${path}.opaque.parameters`, opaque.parameters, { stored })] : [fieldError.required(`${path}.opaque`)])

const checkExpression = (path: string, expression: string): FieldError[] => {
  if (Buffer.byteLength(expression) > limits.expression) return [fieldError.tooLong(path, limits.expression)]
  const problem = deviceExpressionProblem(expression)
  return problem === undefined ? [] : [fieldError.invalid(path, expression, problem)]
}

/** `stored`: they were accepted before. */
export const checkSelectors = (path: string, selectors: readonly DeviceSelector[] | undefined, { stored = false } = {}): FieldError[] => checkList(path, { items: selectors, max: limits.selectors }, ({ cel }, at) => {
  if (!cel) return [fieldError.required(`${at}.cel`)]
  return stored ? [] : checkExpression(`${at}.cel.expression`, cel.expression ?? '')
})
