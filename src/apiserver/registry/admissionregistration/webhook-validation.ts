/** Webhooks of both kinds of configuration. Mirrors upstream's `pkg/apis/admissionregistration/validation` and `v1/defaults.go`. */
import { deepEqual } from '../../../api/equal.ts'
import { isDns1035Label, isDns1123Subdomain } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { MatchCondition, MutatingWebhook } from '../../../api/types.ts'
import { checkEach, checkOptionalOneOf, checkQualifiedName, invalids } from '../field-checks.ts'
import { checkLabelSelector } from '../label-checks.ts'
import { checkRule } from './rule-validation.ts'
import { checkClientConfig } from './webhook-client-config-validation.ts'

/** A webhook of either kind: validating ones have no reinvocationPolicy. */
export type Webhook = Omit<MutatingWebhook, 'reinvocationPolicy'>

const noSideEffects = ['None', 'NoneOnDryRun']
const sideEffectClasses = [...noSideEffects, 'Some', 'Unknown']
const reviewVersions = ['v1', 'v1beta1']
const maxMatchConditions = 64

export const setWebhookDefaults = (webhook: Webhook): void => {
  webhook.failurePolicy ??= 'Fail'
  webhook.matchPolicy ??= 'Equivalent'
  webhook.namespaceSelector ??= {}
  webhook.objectSelector ??= {}
  webhook.timeoutSeconds ??= 10
  for (const rule of webhook.rules ?? []) rule.scope ??= '*'
  if (webhook.clientConfig.service) webhook.clientConfig.service.port ??= 443
}

/** What is wrong with a CEL expression of a match condition, in upstream's words; undefined: nothing. */
export type ConditionProblem = (expression: string) => string | undefined

/** What new webhooks must fulfil, and old ones need not that did not before. */
interface Strictness { sideEffects: boolean; knownVersion: boolean; uniqueNames: boolean; matchConditions: boolean }
export const strictest: Strictness = { sideEffects: true, knownVersion: true, uniqueNames: true, matchConditions: true }

export const strictnessAfter = (next: readonly Webhook[], old: readonly Webhook[]): Strictness => ({
  sideEffects: old.every(({ sideEffects }) => noSideEffects.includes(sideEffects)),
  knownVersion: old.every(({ admissionReviewVersions: versions = [] }) => versions.length === 0 || versions.some((version) => reviewVersions.includes(version))),
  uniqueNames: new Set(old.map(({ name }) => name)).size === old.length,
  matchConditions: !(next.length === old.length && old.every(({ matchConditions }, index) => deepEqual(matchConditions ?? [], next[index]?.matchConditions ?? []))),
})

const checkFullyQualifiedName = (path: string, name: string): FieldError[] => {
  if (!name) return [fieldError.required(path)]
  const problems = isDns1123Subdomain(name)
  if (problems.length > 0) return [fieldError.invalid(path, name, problems.join(','))]
  return name.split('.').length < 3 ? [fieldError.invalid(path, name, 'should be a domain with at least three segments separated by dots')] : []
}

const checkSideEffects = (path: string, sideEffects: string | undefined, strict: boolean): FieldError[] => {
  const allowed = strict ? noSideEffects : sideEffectClasses
  return sideEffects ? checkOptionalOneOf(path, sideEffects, allowed) : [fieldError.required(path, `must specify one of ${allowed.join(', ')}`)]
}

const checkReviewVersions = (path: string, versions: readonly string[], strict: boolean): FieldError[] => {
  if (versions.length === 0) return [fieldError.required(path, `must specify one of ${reviewVersions.join(', ')}`)]
  const known = versions.some((version) => reviewVersions.includes(version))
  return [
    ...checkEach(path, versions, (version, at, index) => (versions.indexOf(version) < index ? [fieldError.invalid(at, version, 'duplicate version')] : invalids(at, version, isDns1035Label(version)))),
    ...(strict && !known ? [fieldError.invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`)] : []),
  ]
}

/** Also of policies. */
export const checkMatchConditions = (path: string, conditions: readonly MatchCondition[] | undefined, problemOf: ConditionProblem): FieldError[] => {
  const names = (conditions ?? []).map(({ name }) => name)
  return [
    ...(names.length > maxMatchConditions ? [fieldError.tooMany(path, names.length, maxMatchConditions)] : []),
    ...checkEach(path, conditions, ({ name, expression = '' }, at, index) => {
      const trimmed = expression.trim()
      const problem = trimmed === '' ? undefined : problemOf(trimmed)
      return [
        ...(trimmed === '' ? [fieldError.required(`${at}.expression`)] : []),
        ...(problem === undefined ? [] : [fieldError.invalid(`${at}.expression`, trimmed, problem)]),
        ...(name ? checkQualifiedName(`${at}.name`, name) : [fieldError.required(`${at}.name`)]),
        ...(name && names.indexOf(name) < index ? [fieldError.duplicate(`${at}.name`, name)] : []),
      ]
    }),
  ]
}

const checkWebhook = (path: string, webhook: Webhook & { reinvocationPolicy?: string | undefined }, strictness: Strictness, problemOf: ConditionProblem): FieldError[] => {
  const { name, rules, failurePolicy, matchPolicy, sideEffects, timeoutSeconds, namespaceSelector, objectSelector, reinvocationPolicy, clientConfig, matchConditions, admissionReviewVersions } = webhook
  return [
    ...checkFullyQualifiedName(`${path}.name`, name),
    ...checkEach(`${path}.rules`, rules, (rule, at) => checkRule(at, rule)),
    ...checkOptionalOneOf(`${path}.failurePolicy`, failurePolicy, ['Fail', 'Ignore']),
    ...checkOptionalOneOf(`${path}.matchPolicy`, matchPolicy, ['Equivalent', 'Exact']),
    ...checkSideEffects(`${path}.sideEffects`, sideEffects, strictness.sideEffects),
    ...(timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1) ? [fieldError.invalid(`${path}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds')] : []),
    ...checkLabelSelector(`${path}.namespaceSelector`, namespaceSelector),
    ...checkLabelSelector(`${path}.objectSelector`, objectSelector),
    ...checkOptionalOneOf(`${path}.reinvocationPolicy`, reinvocationPolicy, ['IfNeeded', 'Never']),
    ...checkClientConfig(`${path}.clientConfig`, clientConfig),
    ...(strictness.matchConditions ? checkMatchConditions(`${path}.matchConditions`, matchConditions, problemOf) : []),
    ...checkReviewVersions(`${path}.admissionReviewVersions`, admissionReviewVersions ?? [], strictness.knownVersion),
  ]
}

export const checkWebhooks = (webhooks: readonly Webhook[] | undefined, strictness: Strictness, problemOf: ConditionProblem): FieldError[] => {
  const names = (webhooks ?? []).map(({ name }) => name)
  return checkEach('webhooks', webhooks, (webhook, path, index) => [
    ...checkWebhook(path, webhook, strictness, problemOf),
    ...(strictness.uniqueNames && webhook.name && names.indexOf(webhook.name) < index ? [fieldError.duplicate(`${path}.name`, webhook.name)] : []),
  ])
}
