/** What a request selects, as authorizers see it. Mirrors apiserver's `pkg/endpoints/filters/authorization.go` and `pkg/registry/authorization/util`: what cannot be read is as good as absent. */
import { type FieldTerm, parseFieldSelector } from '../../api/field-selector.ts'
import { parseSelector, type Requirement, selectorFromObject } from '../../api/selector.ts'
import { type FieldError, fieldError } from '../../api/status.ts'
import type { FieldSelectorAttributes, LabelSelectorAttributes } from '../../api/types.ts'

export interface Selectors { fieldSelector?: readonly FieldTerm[]; labelSelector?: readonly Requirement[] }

const tolerant = <T>(parse: () => readonly T[]): readonly T[] | undefined => {
  try {
    const parsed = parse()
    return parsed.length > 0 ? parsed : undefined
  } catch {
    return undefined // The handler refuses it, if it is ever asked.
  }
}

const selectors = (fieldSelector: readonly FieldTerm[] | undefined, labelSelector: readonly Requirement[] | undefined): Selectors =>
  ({ ...(fieldSelector && { fieldSelector }), ...(labelSelector && { labelSelector }) })

/** Of the texts in a query. */
export const selectorsOfText = (field: string, label: string): Selectors =>
  selectors(field === '' ? undefined : tolerant(() => parseFieldSelector(field)), label === '' ? undefined : tolerant(() => parseSelector(label).requirements))

interface Given { fieldSelector?: FieldSelectorAttributes | undefined; labelSelector?: LabelSelectorAttributes | undefined }

const termOf = ({ key, operator, values = [] }: NonNullable<FieldSelectorAttributes['requirements']>[number]): FieldTerm[] =>
  // More than one value is nothing that fields can be selected by: such a requirement only narrows, and may be left out.
  ((operator === 'In' || operator === 'NotIn') && values.length === 1 ? [{ field: key, operator: operator === 'In' ? '=' : '!=', value: values[0] ?? '' }] : [])

/** Of a review's attributes. */
export const selectorsOfReview = ({ fieldSelector: field, labelSelector: label }: Given): Selectors => selectors(
  field && tolerant(() => (field.rawSelector ? parseFieldSelector(field.rawSelector) : (field.requirements ?? []).flatMap(termOf))),
  label && tolerant(() => (label.rawSelector ? parseSelector(label.rawSelector).requirements : (label.requirements ?? []).flatMap((each) => tolerant(() => selectorFromObject({ matchExpressions: [each] }).requirements) ?? []))),
)

const requirementErrors = ({ key, operator, values = [] }: { key?: string; operator?: string; values?: readonly string[] | undefined }, at: string): FieldError[] => [
  ...(key ? [] : [fieldError.required(`${at}.key`, 'must be specified')]),
  ...((operator === 'In' || operator === 'NotIn') && values.length === 0 ? [fieldError.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")] : []),
  ...((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0 ? [fieldError.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")] : []),
]

const selectorErrors = (given: FieldSelectorAttributes | LabelSelectorAttributes | undefined, at: string): FieldError[] => {
  if (!given) return []
  const { rawSelector = '', requirements = [] } = given
  return [
    ...(rawSelector !== '' && requirements.length > 0 ? [fieldError.invalid(`${at}.rawSelector`, rawSelector, 'may not specified at the same time as requirements')] : []),
    ...(rawSelector === '' && requirements.length === 0 ? [fieldError.required(`${at}.requirements`, `when ${at} is specified, requirements or rawSelector is required`)] : []),
    ...requirements.flatMap((each, index) => requirementErrors(each, `${at}.requirements[${index}]`)),
  ]
}

/** What is wrong with the selectors of a review's resourceAttributes. */
export const reviewSelectorErrors = ({ fieldSelector, labelSelector }: Given): FieldError[] =>
  [...selectorErrors(fieldSelector, 'spec.resourceAttributes.fieldSelector'), ...selectorErrors(labelSelector, 'spec.resourceAttributes.labelSelector')]
