/** Which requests a policy is about, and its parameters. Mirrors upstream's `pkg/apis/admissionregistration/validation` and defaults. */
import { isDns1035Label, isDns1123Subdomain, isPathSegmentName } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { MatchResources, NamedRuleWithOperations, ParamKind, ParamRef } from '../../../api/types.ts'
import { checkEach, checkUnique, invalids } from '../field-checks.ts'
import { checkLabelSelector } from '../label-checks.ts'
import { checkRule } from './rule-validation.ts'

export const failurePolicies = ['Fail', 'Ignore']

export const setMatchDefaults = (match: MatchResources | undefined): void => {
  if (!match) return
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*'
}

/** Required, and one of those. */
export const checkChosen = (path: string, value: string | undefined, supported: readonly string[]): FieldError[] => {
  if (!value) return [fieldError.required(path)]
  return supported.includes(value) ? [] : [fieldError.notSupported(path, value, supported)]
}

const checkNamedRule = (rule: NamedRuleWithOperations, path: string): FieldError[] => [
  ...checkEach(`${path}.resourceNames`, rule.resourceNames, (name, at) => invalids(at, name, isPathSegmentName(name))),
  ...checkUnique(`${path}.resourceNames`, rule.resourceNames, (name) => ({ key: name, value: name })),
  ...checkRule(path, rule),
]

export const checkMatchResources = (path: string, match: MatchResources | undefined): FieldError[] => {
  if (!match) return []
  return [
    ...checkChosen(`${path}.matchPolicy`, match.matchPolicy, ['Equivalent', 'Exact']),
    ...(match.namespaceSelector ? checkLabelSelector(`${path}.namespaceSelector`, match.namespaceSelector) : [fieldError.required(`${path}.namespaceSelector`)]),
    ...(match.objectSelector ? checkLabelSelector(`${path}.objectSelector`, match.objectSelector) : [fieldError.required(`${path}.objectSelector`)]),
    ...checkEach(`${path}.resourceRules`, match.resourceRules, checkNamedRule),
    ...checkEach(`${path}.excludeResourceRules`, match.excludeResourceRules, checkNamedRule),
  ]
}

/** The matchConstraints of a policy: at least one rule has to say what types are to be expected. */
export const checkMatchConstraints = (path: string, match: MatchResources | undefined): FieldError[] => {
  if (!match) return [fieldError.required(path)]
  return [...checkMatchResources(path, match), ...((match.resourceRules ?? []).length === 0 ? [fieldError.required(`${path}.resourceRules`)] : [])]
}

const checkApiVersion = (path: string, apiVersion: string | undefined): FieldError[] => {
  if (!apiVersion) return [fieldError.required(path)]
  const parts = apiVersion.split('/')
  if (parts.length > 2) return [fieldError.invalid(path, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)]
  const version = parts.at(-1) ?? ''
  const group = parts.length === 2 ? parts[0] ?? '' : ''
  const groupProblems = group === '' ? [] : isDns1123Subdomain(group)
  const versionProblems = isDns1035Label(version)
  return [
    ...(groupProblems.length > 0 ? [fieldError.invalid(path, group, groupProblems.join(','))] : []),
    ...(version === '' ? [fieldError.invalid(path, apiVersion, 'version must be specified')] : versionProblems.length > 0 ? [fieldError.invalid(path, version, versionProblems.join(','))] : []),
  ]
}

export const checkParamKind = (path: string, paramKind: ParamKind | undefined): FieldError[] => {
  if (!paramKind) return []
  const problems = isDns1035Label((paramKind.kind ?? '').toLowerCase())
  return [
    ...checkApiVersion(`${path}.apiVersion`, paramKind.apiVersion),
    ...(!paramKind.kind ? [fieldError.required(`${path}.kind`)]
      : problems.length > 0 ? [fieldError.invalid(`${path}.kind`, paramKind.kind, `may have mixed case, but should otherwise match: ${problems.join(',')}`)] : []),
  ]
}

const exclusive = 'name and selector are mutually exclusive'

export const checkParamRef = (path: string, paramRef: ParamRef | undefined): FieldError[] => {
  if (!paramRef) return []
  const { name, selector, parameterNotFoundAction } = paramRef
  return [
    ...(name ? [...invalids(`${path}.name`, name, isPathSegmentName(name)), ...(selector ? [fieldError.forbidden(`${path}.name`, exclusive)] : [])] : []),
    ...(selector ? [...checkLabelSelector(`${path}.selector`, selector), ...(name ? [fieldError.forbidden(`${path}.selector`, exclusive)] : [])] : []),
    ...(!name && !selector ? [fieldError.required(path, 'one of name or selector must be specified')] : []),
    ...checkChosen(`${path}.parameterNotFoundAction`, parameterNotFoundAction, ['Deny', 'Allow']),
  ]
}
