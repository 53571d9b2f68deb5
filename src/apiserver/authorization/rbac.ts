/** Role based access control over the stored roles and bindings. Mirrors `plugin/pkg/auth/authorizer/rbac` and `pkg/registry/rbac/validation`. */
import { ClusterRoleBindings, ClusterRoles, RoleBindings, Roles } from '../../api/kinds.ts'
import type { PolicyRule, RoleRef, Subject } from '../../api/types.ts'
import { splitServiceAccountUser } from '../authentication/users.ts'
import type { Lookup, UserInfo } from '../registry/strategy.ts'
import type { AuthorizationAttributes, Authorizer } from './authorizer.ts'

const matchesOne = (allowed: readonly string[] | undefined, wanted: string): boolean => allowed !== undefined && (allowed.includes('*') || allowed.includes(wanted))

const matchesResource = (rule: PolicyRule, { resource, subresource }: AuthorizationAttributes): boolean => {
  const full = subresource ? `${resource}/${subresource}` : resource
  return (rule.resources ?? []).some((each) => each === '*' || each === full || (subresource !== '' && each === `*/${subresource}`))
}

const matchesPath = (rule: PolicyRule, path: string): boolean =>
  (rule.nonResourceURLs ?? []).some((each) => each === '*' || each === path || (each.endsWith('*') && path.startsWith(each.slice(0, -1))))

/** Whether one rule allows what is asked (validation.RuleAllows). */
export const ruleAllows = (rule: PolicyRule, asked: AuthorizationAttributes): boolean => {
  if (!matchesOne(rule.verbs, asked.verb)) return false
  if (!asked.resourceRequest) return matchesPath(rule, asked.path)
  return matchesOne(rule.apiGroups, asked.apiGroup) && matchesResource(rule, asked)
    && (!rule.resourceNames || rule.resourceNames.length === 0 || rule.resourceNames.includes(asked.name))
}

/** Whether a binding's subject is the user; `bindingNamespace` is what a ServiceAccount without a namespace means. */
export const subjectIs = (subject: Subject, user: UserInfo, bindingNamespace: string): boolean => {
  if (subject.kind === 'User') return subject.name === user.name
  if (subject.kind === 'Group') return user.groups.includes(subject.name)
  if (subject.kind !== 'ServiceAccount' || !user.name.endsWith(subject.name)) return false
  const account = splitServiceAccountUser(user.name)
  return account !== undefined && account.name === subject.name && account.namespace === (subject.namespace || bindingNamespace)
}

const rulesOf = (reference: RoleRef, lookup: Lookup, namespace: string): readonly PolicyRule[] =>
  (reference.kind === 'ClusterRole' ? lookup.get(ClusterRoles, reference.name)?.rules : lookup.get(Roles, reference.name, namespace)?.rules) ?? []

/** Every rule that applies to the user in the namespace ('' for cluster-wide ones only), with the binding that gives it. */
export function* rulesFor(user: UserInfo, namespace: string, lookup: Lookup): Generator<{ rule: PolicyRule; binding: string }> {
  for (const binding of lookup.list(ClusterRoleBindings)) {
    if (!binding.subjects?.some((subject) => subjectIs(subject, user, ''))) continue
    for (const rule of rulesOf(binding.roleRef, lookup, '')) yield { rule, binding: `ClusterRoleBinding ${JSON.stringify(binding.metadata.name)} of ${binding.roleRef.kind} ${JSON.stringify(binding.roleRef.name)}` }
  }
  if (namespace === '') return
  for (const binding of lookup.list(RoleBindings, namespace)) {
    if (!binding.subjects?.some((subject) => subjectIs(subject, user, namespace))) continue
    for (const rule of rulesOf(binding.roleRef, lookup, namespace)) {
      yield { rule, binding: `RoleBinding ${JSON.stringify(`${binding.metadata.name}/${namespace}`)} of ${binding.roleRef.kind} ${JSON.stringify(binding.roleRef.name)}` }
    }
  }
}

export const rbacAuthorizer = (lookup: Lookup): Authorizer => ({
  authorize: (asked) => {
    for (const { rule, binding } of rulesFor(asked.user, asked.namespace, lookup)) {
      if (ruleAllows(rule, asked)) return { verdict: 'allow', reason: `RBAC: allowed by ${binding} to ${subjectText(asked.user)}` }
    }
    return { verdict: 'no-opinion', reason: '' }
  },
})

const subjectText = (user: UserInfo): string => `User ${JSON.stringify(user.name)}`
