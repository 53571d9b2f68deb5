/** Rules of roles. Mirrors ValidatePolicyRule of upstream's `pkg/apis/rbac/validation`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { PolicyRule } from '../../../api/types.ts'
import { checkEach } from '../field-checks.ts'

const checkRule = (path: string, { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule, namespaced: boolean): FieldError[] => {
  const noVerbs = verbs.length === 0 ? [fieldError.required(`${path}.verbs`, 'verbs must contain at least one value')] : []
  if (nonResourceURLs.length > 0) {
    return [
      ...noVerbs,
      ...(namespaced ? [fieldError.invalid(`${path}.nonResourceURLs`, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs')] : []),
      ...(apiGroups.length + resources.length + resourceNames.length > 0 ? [fieldError.invalid(`${path}.nonResourceURLs`, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs')] : []),
    ]
  }
  return [
    ...noVerbs,
    ...(apiGroups.length === 0 ? [fieldError.required(`${path}.apiGroups`, 'resource rules must supply at least one api group')] : []),
    ...(resources.length === 0 ? [fieldError.required(`${path}.resources`, 'resource rules must supply at least one resource')] : []),
  ]
}

/** `namespaced`: the rules of a Role and not of a ClusterRole. */
export const checkRules = (rules: readonly PolicyRule[] | undefined, namespaced: boolean): FieldError[] => checkEach('rules', rules, (rule, at) => checkRule(at, rule, namespaced))
