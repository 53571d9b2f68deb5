/** Mirrors ValidateLimitRange of upstream's core validation. */
import { isQualifiedName } from '../../../api/names.ts'
import { compareQuantities, formatQuantity, isValidQuantity, toMilli, toNumber, toWhole } from '../../../api/quantity.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { LimitRange, LimitRangeItem } from '../../../api/types.ts'
import { checkEach, checkUnique, invalids } from '../field-checks.ts'
import { checkLimitResourceName, mayOvercommit } from './resource-names.ts'

type ResourceMap = Readonly<Record<string, string>> | undefined

const checkType = (path: string, type: string): FieldError[] => {
  const errors = invalids(path, type, isQualifiedName(type))
  if (errors.length > 0 || type.includes('/') || ['Pod', 'Container', 'PersistentVolumeClaim'].includes(type)) return errors
  return [fieldError.invalid(path, type, 'must be a standard limit type or fully qualified')]
}

const checkNames = (path: string, type: string, list: ResourceMap): FieldError[] => Object.keys(list ?? {}).flatMap((name) => checkLimitResourceName(`${path}[${name}]`, name, type))

const defaultFields = ['default', 'defaultRequest'] as const

const checkDefaults = (path: string, item: LimitRangeItem): FieldError[] => {
  if (item.type !== 'Pod') return defaultFields.flatMap((field) => checkNames(`${path}.${field}`, item.type, item[field]))
  return defaultFields.filter((field) => Object.keys(item[field] ?? {}).length > 0).map((field) => fieldError.forbidden(`${path}.${field}`, "may not be specified when `type` is 'Pod'"))
}

const own = (list: ResourceMap, name: string): string | undefined => {
  const value = list && Object.hasOwn(list, name) ? list[name] : undefined
  return value !== undefined && isValidQuantity(value) ? value : undefined
}

const exceeds = (left: string | undefined, right: string | undefined): boolean => left !== undefined && right !== undefined && compareQuantities(left, right) > 0

const show = (value: string | undefined): string => formatQuantity(value ?? '0')

const ratioLimit = (min: string, max: string): number => {
  const small = [min, max].every((value) => toWhole(value) < 9_223_372_036_854_775n)
  return small ? Number(toMilli(max)) / Number(toMilli(min)) : toNumber(max) / toNumber(min)
}

const checkRatio = (path: string, ratio: string | undefined, { min, max }: { min: string | undefined; max: string | undefined }): FieldError[] => {
  if (ratio === undefined) return []
  const errors = compareQuantities(ratio, '1') < 0 ? [fieldError.invalid(path, ratio, `ratio ${show(ratio)} is less than 1`)] : []
  if (min === undefined || max === undefined) return errors
  const limit = ratioLimit(min, max)
  return toNumber(ratio) > limit ? [...errors, fieldError.invalid(path, ratio, `ratio ${show(ratio)} is greater than max/min = ${limit.toFixed(6)}`)] : errors
}

const checkAmounts = (path: string, item: LimitRangeItem, name: string): FieldError[] => {
  const [min, max, limit, request, ratio] = [item.min, item.max, item.default, item.defaultRequest, item.maxLimitRequestRatio].map((list) => own(list, name))
  const at = (field: string): string => `${path}.${field}[${name}]`
  return [
    ...(exceeds(min, max) ? [fieldError.invalid(at('min'), min, `min value ${show(min)} is greater than max value ${show(max)}`)] : []),
    ...(exceeds(min, request) ? [fieldError.invalid(at('defaultRequest'), request, `min value ${show(min)} is greater than default request value ${show(request)}`)] : []),
    ...(exceeds(request, max) ? [fieldError.invalid(at('defaultRequest'), request, `default request value ${show(request)} is greater than max value ${show(max)}`)] : []),
    ...(exceeds(request, limit) ? [fieldError.invalid(at('defaultRequest'), request, `default request value ${show(request)} is greater than default limit value ${show(limit)}`)] : []),
    ...(exceeds(min, limit) ? [fieldError.invalid(at('default'), min, `min value ${show(min)} is greater than default value ${show(limit)}`)] : []),
    ...(exceeds(limit, max) ? [fieldError.invalid(at('default'), max, `default value ${show(limit)} is greater than max value ${show(max)}`)] : []),
    ...checkRatio(at('maxLimitRequestRatio'), ratio, { min, max }),
    ...(!mayOvercommit(name) && limit !== undefined && request !== undefined && compareQuantities(limit, request) !== 0
      ? [fieldError.invalid(at('defaultRequest'), request, `default value ${show(limit)} must equal to defaultRequest value ${show(request)} in ${name}`)] : []),
  ]
}

const amountFields = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const

const checkItem = (path: string, item: LimitRangeItem): FieldError[] => [
  ...checkType(`${path}.type`, item.type),
  ...checkNames(`${path}.max`, item.type, item.max),
  ...checkNames(`${path}.min`, item.type, item.min),
  ...checkDefaults(path, item),
  ...(item.type === 'PersistentVolumeClaim' && item.min?.['storage'] === undefined && item.max?.['storage'] === undefined
    ? [fieldError.required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided')] : []),
  ...checkNames(`${path}.maxLimitRequestRatio`, item.type, item.maxLimitRequestRatio),
  ...[...new Set(amountFields.flatMap((field) => Object.keys(item[field] ?? {})))].flatMap((name) => checkAmounts(path, item, name)),
]

export const checkLimitRange = ({ spec }: LimitRange): FieldError[] => [
  ...checkUnique('spec.limits', spec.limits, ({ type }) => ({ key: type, path: '.type' })),
  ...checkEach('spec.limits', spec.limits, (item, at) => checkItem(at, item)),
]
