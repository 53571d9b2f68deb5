/** Labels and label selectors inside of specs. Mirrors apimachinery's `pkg/apis/meta/v1/validation`. */
import { isLabelValue, isQualifiedName } from '../../api/names.ts'
import { SelectorError } from '../../api/requirement.ts'
import { isEverything, selectorFromObject, selectorMatches, type Selector } from '../../api/selector.ts'
import { fieldError, type FieldError } from '../../api/status.ts'
import type { LabelSelector, LabelSelectorRequirement } from '../../api/types.ts'
import { checkEach, invalids } from './field-checks.ts'

export const checkLabelName = (path: string, key: string): FieldError[] => invalids(path, key, isQualifiedName(key))

export const checkLabels = (path: string, labels: Readonly<Record<string, string>> | undefined): FieldError[] =>
  Object.entries(labels ?? {}).flatMap(([key, value]) => [...checkLabelName(path, key), ...invalids(path, value, isLabelValue(value))])

const maxAnnotationBytes = 256 * 1024

/** Annotations of a pod template; the ones of objects are checked generically. */
export const checkAnnotations = (path: string, annotations: Readonly<Record<string, string>> | undefined): FieldError[] => {
  const entries = Object.entries(annotations ?? {})
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  return [...entries.flatMap(([key]) => invalids(path, key, isQualifiedName(key.toLowerCase()))), ...(bytes > maxAnnotationBytes ? [fieldError.tooLong(path, maxAnnotationBytes)] : [])]
}

const checkValues = (path: string, { operator, values = [] }: LabelSelectorRequirement): FieldError[] => {
  switch (operator) {
    case 'In':
    case 'NotIn': return values.length === 0 ? [fieldError.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")] : []
    case 'Exists':
    case 'DoesNotExist': return values.length > 0 ? [fieldError.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")] : []
    default: return [fieldError.invalid(`${path}.operator`, operator, 'not a valid selector operator')]
  }
}

export const checkLabelSelector = (path: string, selector: LabelSelector | undefined): FieldError[] => [
  ...checkLabels(`${path}.matchLabels`, selector?.matchLabels),
  ...checkEach(`${path}.matchExpressions`, selector?.matchExpressions, (requirement, at) => [
    ...checkValues(at, requirement),
    ...checkLabelName(`${at}.key`, requirement.key ?? ''),
    ...checkEach(`${at}.values`, requirement.values, (value, valuePath) => invalids(valuePath, value, isLabelValue(value))),
  ]),
]

/** The selector of an object, or undefined when it is not valid (which checkLabelSelector explains). */
export const usableSelector = (selector: LabelSelector | undefined): Selector | undefined => {
  try {
    return selectorFromObject(selector)
  } catch (error) {
    if (error instanceof SelectorError) return undefined
    throw error
  }
}

export const isEmptySelector = (selector: LabelSelector): boolean => Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0

/** A workload's selector must match the labels of its own template. */
export const checkSelectorMatches = (path: string, selector: Selector, labels: Readonly<Record<string, string>> | undefined): FieldError[] =>
  (isEverything(selector) || selectorMatches(selector, labels) ? [] : [fieldError.invalid(`${path}.metadata.labels`, labels ?? null, '`selector` does not match template `labels`')])
