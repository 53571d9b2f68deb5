/** Mirrors ValidateResourceQuota, ValidateResourceQuotaUpdate and ValidateResourceQuotaStatusUpdate of upstream's core validation. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import { isQuotaScope, scopeAppliesTo } from '../../../api/resource-usage.ts'
import type { ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '../../../api/types.ts'
import { immutableMessage } from '../field-checks.ts'
import { checkQuotaResourceName, isStandardQuotaResource } from './resource-names.ts'
import { checkResourceQuantity } from './resource-validation.ts'

const checkList = (path: string, list: Readonly<Record<string, string>> | undefined): FieldError[] =>
  Object.entries(list ?? {}).flatMap(([name, value]) => [...checkQuotaResourceName(`${path}[${name}]`, name), ...checkResourceQuantity(`${path}[${name}]`, name, value)])

const opposites = [['BestEffort', 'NotBestEffort'], ['Terminating', 'NotTerminating']] as const
const conflicting = (scopes: readonly string[], path: string, value: unknown): FieldError[] =>
  opposites.filter((pair) => pair.every((scope) => scopes.includes(scope))).map(() => fieldError.invalid(path, value, 'conflicting scopes'))

const misapplied = (scope: string, { hard }: ResourceQuotaSpec): string[] => Object.keys(hard ?? {}).sort().filter((name) => isStandardQuotaResource(name) && !scopeAppliesTo(scope, name))

const checkScopes = (spec: ResourceQuotaSpec): FieldError[] => {
  const { scopes = [] } = spec
  const path = 'spec.scopes'
  return [
    ...scopes.flatMap((scope) => [
      ...(isQuotaScope(scope) ? [] : [fieldError.invalid(path, scopes, 'unsupported scope')]),
      ...misapplied(scope, spec).map(() => fieldError.invalid(path, scopes, 'unsupported scope applied to resource')),
    ]),
    ...conflicting(scopes, path, scopes),
  ]
}

const onlyExists = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity']
const existsMessage = "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"

const checkOperator = (path: string, { operator, values = [] }: ScopedResourceSelectorRequirement): FieldError[] => {
  switch (operator) {
    case 'In':
    case 'NotIn': return values.length === 0 ? [fieldError.required(`${path}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")] : []
    case 'Exists':
    case 'DoesNotExist': return values.length > 0 ? [fieldError.invalid(`${path}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")] : []
    default: return [fieldError.invalid(`${path}.operator`, operator, 'not a valid selector operator')]
  }
}

// The paths do not count the expressions, as upstream's.
const checkScopeSelector = (spec: ResourceQuotaSpec): FieldError[] => {
  const expressions = spec.scopeSelector?.matchExpressions ?? []
  const path = 'spec.scopeSelector.matchExpressions'
  return [
    ...expressions.flatMap((requirement) => [
      ...(isQuotaScope(requirement.scopeName) ? [] : [fieldError.invalid(`${path}.scopeName`, requirement.scopeName, 'unsupported scope')]),
      ...misapplied(requirement.scopeName, spec).map(() => fieldError.invalid(path, spec.scopeSelector, 'unsupported scope applied to resource')),
      ...(onlyExists.includes(requirement.scopeName) && requirement.operator !== 'Exists' ? [fieldError.invalid(`${path}.operator`, requirement.operator, existsMessage)] : []),
      ...checkOperator(path, requirement),
    ]),
    ...conflicting(expressions.map(({ scopeName }) => scopeName), path, expressions),
  ]
}

const checkSpec = (spec: ResourceQuotaSpec): FieldError[] => [...checkList('spec.hard', spec.hard), ...checkScopes(spec), ...checkScopeSelector(spec)]

const checkStatus = ({ status }: ResourceQuota): FieldError[] => [...checkList('status.hard', status.hard), ...checkList('status.used', status.used)]

export const checkResourceQuota = (quota: ResourceQuota): FieldError[] => [...checkSpec(quota.spec), ...checkStatus(quota)]

const sameScopes = (next: readonly string[] = [], old: readonly string[] = []): boolean => new Set(next).symmetricDifference(new Set(old)).size === 0

export const checkResourceQuotaUpdate = ({ spec: next }: ResourceQuota, { spec: old }: ResourceQuota): FieldError[] => [
  ...checkSpec(next),
  ...(sameScopes(next.scopes, old.scopes) ? [] : [fieldError.invalid('spec.scopes', next.scopes ?? null, immutableMessage)]),
]

export const checkResourceQuotaStatusUpdate = (next: ResourceQuota): FieldError[] => [
  ...(next.metadata.resourceVersion ? [] : [fieldError.required('metadata.resourceVersion')]),
  ...checkStatus(next),
]
