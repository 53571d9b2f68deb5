/** How pods are spread. Mirrors validateTopologySpreadConstraints of upstream's core validation. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { TopologySpreadConstraint } from '../../../api/types.ts'
import { checkEach, checkOptionalOneOf, notPositiveMessage } from '../field-checks.ts'
import { checkLabelName, checkLabelSelector } from '../label-checks.ts'

const actions = ['DoNotSchedule', 'ScheduleAnyway']
const policies = ['Honor', 'Ignore']

const checkMinDomains = (path: string, { minDomains, whenUnsatisfiable }: TopologySpreadConstraint): FieldError[] => (minDomains === undefined ? [] : [
  ...(minDomains > 0 ? [] : [fieldError.invalid(path, minDomains, notPositiveMessage)]),
  ...(whenUnsatisfiable === 'DoNotSchedule' ? [] : [fieldError.invalid(path, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`)]),
])

const checkMatchLabelKeys = (path: string, { matchLabelKeys = [], labelSelector }: TopologySpreadConstraint): FieldError[] => {
  if (matchLabelKeys.length === 0) return []
  const selected = new Set([...Object.keys(labelSelector?.matchLabels ?? {}), ...(labelSelector?.matchExpressions ?? []).map(({ key }) => key)])
  return [
    ...(labelSelector ? [] : [fieldError.forbidden(path, 'must not be specified when labelSelector is not set')]),
    ...checkEach(path, matchLabelKeys, (key, at) => [...checkLabelName(at, key), ...(selected.has(key) ? [fieldError.invalid(at, key, 'exists in both matchLabelKeys and labelSelector')] : [])]),
  ]
}

export const checkTopologySpread = (path: string, constraints: readonly TopologySpreadConstraint[] | undefined): FieldError[] => checkEach(path, constraints, (constraint, at, index) => {
  const { maxSkew, topologyKey, whenUnsatisfiable } = constraint
  const repeated = constraints?.slice(index + 1).some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable)
  return [
    ...(maxSkew > 0 ? [] : [fieldError.invalid(`${at}.maxSkew`, maxSkew ?? 0, notPositiveMessage)]),
    ...(topologyKey ? [] : [fieldError.required(`${at}.topologyKey`, 'can not be empty')]),
    ...(actions.includes(whenUnsatisfiable) ? [] : [fieldError.notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable ?? '', actions)]),
    ...(repeated ? [fieldError.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`)] : []),
    ...checkMinDomains(`${at}.minDomains`, constraint),
    ...checkOptionalOneOf(`${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, policies),
    ...checkOptionalOneOf(`${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, policies),
    ...checkMatchLabelKeys(`${at}.matchLabelKeys`, constraint),
    ...checkLabelSelector(`${at}.labelSelector`, constraint.labelSelector),
  ]
})
