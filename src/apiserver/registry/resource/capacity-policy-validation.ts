/** How much of a device may be asked for. Mirrors validateRequestPolicy of upstream's `pkg/apis/resource/validation`. */
import { addQuantities, compareQuantities, formatQuantity, isValidQuantity, signOf, toMilli } from '../../../api/quantity.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { CapacityRequestPolicy, CapacityRequestPolicyRange } from '../../../api/types.ts'
import { checkSet } from './device-checks.ts'

const maxOptions = 10

const checkValues = (path: string, { values, fallback, capacity }: { values: readonly string[]; fallback: string; capacity: string }): FieldError[] => [
  ...values.slice(1).flatMap((value, index) => (compareQuantities(values[index] ?? value, value) > 0 ? [fieldError.invalid(`${path}[${index + 1}]`, value, 'values must be sorted in ascending order')] : [])),
  ...checkSet(path, { items: values, max: maxOptions, keyOf: (value) => String(toMilli(value)) }, (value, at) =>
    (compareQuantities(value, capacity) > 0 ? [fieldError.invalid(at, value, `option is larger than capacity value: ${capacity}`)] : [])),
  ...(values.some((value) => compareQuantities(value, fallback) === 0) ? [] : [fieldError.invalid(path, fallback, 'default value is not valid according to the requestPolicy')]),
]

const checkStep = (path: string, { min, max, step }: CapacityRequestPolicyRange & { step: string }, { fallback, capacity }: { fallback: string; capacity: string }): FieldError[] => {
  if (signOf(step) <= 0) return [fieldError.invalid(path, step, 'must be greater than zero')]
  const first = formatQuantity(addQuantities(min, step))
  const reached = [fallback, ...(max === undefined ? [] : [max])]
  return [
    ...(compareQuantities(first, capacity) > 0 ? [fieldError.invalid(path, step, `one step ${first} is larger than capacity value: ${capacity}`)] : []),
    ...reached.filter((value) => (toMilli(value) - toMilli(min)) % toMilli(step) !== 0n).map((value) => fieldError.invalid(path, value, `value is not a multiple of a given step (${step}) from (${min})`)),
  ]
}

const checkRange = (path: string, range: CapacityRequestPolicyRange, at: { fallback: string; capacity: string }): FieldError[] => {
  const { fallback, capacity } = at
  const { min, max, step } = range
  if (min === undefined) return [fieldError.required(`${path}.min`, 'required when validRange is defined')]
  return [
    ...(compareQuantities(min, capacity) > 0 ? [fieldError.invalid(`${path}.min`, min, `min is larger than capacity value: ${capacity}`)] : []),
    ...(compareQuantities(fallback, min) < 0 ? [fieldError.invalid(`${path}.default`, fallback, `default is less than min: ${min}`)] : []),
    ...(max === undefined ? [] : [
      ...(compareQuantities(min, max) > 0 ? [fieldError.invalid(`${path}.max`, min, `min is larger than max: ${max}`)] : []),
      ...(compareQuantities(max, capacity) > 0 ? [fieldError.invalid(`${path}.max`, max, `max is larger than capacity value: ${capacity}`)] : []),
      ...(compareQuantities(fallback, max) > 0 ? [fieldError.invalid(`${path}.default`, fallback, `default is more than max: ${max}`)] : []),
    ]),
    ...(step === undefined ? [] : checkStep(`${path}.step`, { ...range, step }, at)),
  ]
}

/** `capacity` is all that there is. Quantities that cannot be read have been refused before. */
export const checkRequestPolicy = (path: string, { default: fallback, validValues = [], validRange }: CapacityRequestPolicy, capacity: string): FieldError[] => {
  const all = [capacity, fallback, ...validValues, validRange?.min, validRange?.max, validRange?.step]
  if (!all.every((value) => value === undefined || isValidQuantity(value))) return []
  if (validValues.length > 0 && validRange) return [fieldError.forbidden(path, 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time')]
  const named = validValues.length > 0 ? 'validValues' : validRange ? 'validRange' : undefined
  if (!named) return []
  if (fallback === undefined) return [fieldError.required(`${path}.default`, `required when ${named} is defined`)]
  return validRange ? checkRange(`${path}.validRange`, validRange, { fallback, capacity }) : checkValues(`${path}.validValues`, { values: validValues, fallback, capacity })
}
