/** Affinity of pods to nodes and to other pods. Mirrors validateAffinity of upstream's core validation. */
import { isDns1123Label, isDns1123Subdomain, isLabelValue } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinity, PodAffinityTerm } from '../../../api/types.ts'
import { checkEach, invalids } from '../field-checks.ts'
import { checkLabelName, checkLabelSelector } from '../label-checks.ts'

const checkValueCount = (path: string, { operator, values = [] }: NodeSelectorRequirement): FieldError[] => {
  switch (operator) {
    case 'In':
    case 'NotIn': return values.length === 0 ? [fieldError.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")] : []
    case 'Exists':
    case 'DoesNotExist': return values.length > 0 ? [fieldError.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")] : []
    case 'Gt':
    case 'Lt': return values.length === 1 ? [] : [fieldError.required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")]
    default: return [fieldError.invalid(`${path}.operator`, operator, 'not a valid selector operator')]
  }
}

const checkExpression = (path: string, requirement: NodeSelectorRequirement, strict: boolean): FieldError[] => [
  ...checkValueCount(path, requirement),
  ...checkLabelName(`${path}.key`, requirement.key),
  ...(strict ? checkEach(`${path}.values`, requirement.values, (value, at) => invalids(at, value, isLabelValue(value))) : []),
]

const checkMatchField = (path: string, { key, operator, values = [] }: NodeSelectorRequirement): FieldError[] => [
  ...(operator === 'In' || operator === 'NotIn'
    ? values.length === 1 ? [] : [fieldError.required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")]
    : [fieldError.invalid(`${path}.operator`, operator, 'not a valid selector operator')]),
  ...(key === 'metadata.name' ? checkEach(`${path}.values`, values, (value, at) => invalids(at, value, isDns1123Subdomain(value))) : [fieldError.invalid(`${path}.key`, key, 'not a valid field selector key')]),
]

/** `strict`: values must be valid label values, which upstream asks of required terms only. */
const checkNodeTerm = (path: string, term: NodeSelectorTerm, strict: boolean): FieldError[] => [
  ...checkEach(`${path}.matchExpressions`, term.matchExpressions, (requirement, at) => checkExpression(at, requirement, strict)),
  ...checkEach(`${path}.matchFields`, term.matchFields, (requirement, at) => checkMatchField(at, requirement)),
]

/** Terms of which one must fit: of volumes and of slices of devices. Mirrors ValidateNodeSelector. */
export const checkNodeSelector = (path: string, { nodeSelectorTerms }: NodeSelector): FieldError[] => [
  ...((nodeSelectorTerms ?? []).length === 0 ? [fieldError.required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term')] : []),
  ...checkEach(`${path}.nodeSelectorTerms`, nodeSelectorTerms, (term, at) => checkNodeTerm(at, term, true)),
]

const checkWeight = (path: string, weight: number): FieldError[] => (weight >= 1 && weight <= 100 ? [] : [fieldError.invalid(`${path}.weight`, weight, 'must be in the range 1-100')])

const required = 'requiredDuringSchedulingIgnoredDuringExecution'
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution'

const checkNodeAffinity = (path: string, affinity: NodeAffinity): FieldError[] => {
  const terms = affinity[required]?.nodeSelectorTerms
  return [
    ...(affinity[required] && (terms ?? []).length === 0 ? [fieldError.required(`${path}.${required}.nodeSelectorTerms`, 'must have at least one node selector term')] : []),
    ...checkEach(`${path}.${required}.nodeSelectorTerms`, terms, (term, at) => checkNodeTerm(at, term, true)),
    ...checkEach(`${path}.${preferred}`, affinity[preferred], ({ weight, preference }, at) => [...checkWeight(at, weight), ...checkNodeTerm(`${at}.preference`, preference, false)]),
  ]
}

const checkKeys = (path: string, keys: readonly string[] | undefined, hasSelector: boolean): FieldError[] => {
  if ((keys ?? []).length === 0) return []
  return hasSelector ? checkEach(path, keys, (key, at) => checkLabelName(at, key)) : [fieldError.forbidden(path, 'must not be specified when labelSelector is not set')]
}

const checkPodTerm = (path: string, term: PodAffinityTerm): FieldError[] => {
  const { labelSelector, namespaceSelector, namespaces = [], matchLabelKeys = [], mismatchLabelKeys = [], topologyKey } = term
  return [
    ...checkLabelSelector(`${path}.labelSelector`, labelSelector),
    ...checkLabelSelector(`${path}.namespaceSelector`, namespaceSelector),
    ...namespaces.flatMap((name) => invalids(`${path}.namespace`, name, isDns1123Label(name))),
    ...checkKeys(`${path}.matchLabelKeys`, matchLabelKeys, labelSelector !== undefined),
    ...checkKeys(`${path}.mismatchLabelKeys`, mismatchLabelKeys, labelSelector !== undefined),
    ...checkEach(`${path}.matchLabelKeys`, matchLabelKeys, (key, at) => (mismatchLabelKeys.includes(key) ? [fieldError.invalid(at, key, 'exists in both matchLabelKeys and mismatchLabelKeys')] : [])),
    ...(topologyKey ? [] : [fieldError.required(`${path}.topologyKey`, 'can not be empty')]),
    ...checkLabelName(`${path}.topologyKey`, topologyKey ?? ''),
  ]
}

const checkPodAffinity = (path: string, affinity: PodAffinity): FieldError[] => [
  ...checkEach(`${path}.${required}`, affinity[required], (term, at) => checkPodTerm(at, term)),
  ...checkEach(`${path}.${preferred}`, affinity[preferred], ({ weight, podAffinityTerm }, at) => [...checkWeight(at, weight), ...checkPodTerm(`${at}.podAffinityTerm`, podAffinityTerm)]),
]

export const checkAffinity = (path: string, affinity: Affinity | undefined): FieldError[] => [
  ...(affinity?.nodeAffinity ? checkNodeAffinity(`${path}.nodeAffinity`, affinity.nodeAffinity) : []),
  ...(affinity?.podAffinity ? checkPodAffinity(`${path}.podAffinity`, affinity.podAffinity) : []),
  ...(affinity?.podAntiAffinity ? checkPodAffinity(`${path}.podAntiAffinity`, affinity.podAntiAffinity) : []),
]
