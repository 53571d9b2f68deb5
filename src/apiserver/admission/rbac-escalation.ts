/** Nobody gives away what he does not have. Mirrors `pkg/registry/rbac/{role,clusterrole,rolebinding,clusterrolebinding}/policybased`, escalation_check.go and ConfirmNoEscalation of `pkg/registry/rbac/validation`. */
import { semanticEqual } from '../../api/equal.ts'
import { ClusterRoleBindings, ClusterRoles, RoleBindings, Roles } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { forbidden, notFound } from '../../api/status.ts'
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef } from '../../api/types.ts'
import { mastersGroup } from '../authentication/users.ts'
import type { AuthorizationAttributes, Authorizer } from '../authorization/authorizer.ts'
import { rulesFor } from '../authorization/rbac.ts'
import { describeRules, missingRules, quotedList } from '../authorization/rule-cover.ts'
import type { Lookup } from '../registry/strategy.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts'

const everything: readonly PolicyRule[] = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['*'], nonResourceURLs: ['*'] }]

/** What the garbage collector may need to change so that an object can go; it holds none of the rules. */
const isOnlyForDeletion = (next: KubeObject, old: KubeObject | undefined): boolean => {
  if (!old) return false
  const { ownerReferences: _owners, finalizers: _finalizers, managedFields: _managed, ...kept } = next.metadata
  const { ownerReferences: _oldOwners, finalizers: _oldFinalizers, managedFields: _oldManaged, ...before } = old.metadata
  return semanticEqual({ ...next, metadata: kept }, { ...old, metadata: before })
}

const isAllowed = async (authorizer: Authorizer, { user }: AdmissionAttributes, asked: Pick<AuthorizationAttributes, 'verb' | 'apiGroup' | 'resource' | 'name' | 'namespace'>): Promise<boolean> =>
  (await authorizer.authorize({ user, ...asked, resourceRequest: true, apiVersion: '*', subresource: '', path: '' })).verdict === 'allow'

const missingTo = ({ user, namespace }: AdmissionAttributes, lookup: Lookup, rules: readonly PolicyRule[]): PolicyRule[] =>
  missingRules([...rulesFor(user, namespace, lookup)].map(({ rule }) => rule), rules)

const confirm = (attributes: AdmissionAttributes, lookup: Lookup, rules: readonly PolicyRule[]): void => {
  const missing = missingTo(attributes, lookup, rules)
  if (missing.length === 0) return
  const { user, kind, name } = attributes
  throw forbidden(kind, name, `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${describeRules(missing).join('\n')}`)
}

const aggregates = (role: KubeObject | undefined): boolean => ((role as ClusterRole | undefined)?.aggregationRule?.clusterRoleSelectors ?? []).length > 0

const checkRole = async (authorizer: Authorizer, attributes: AdmissionAttributes, lookup: Lookup): Promise<void> => {
  const { kind, name, namespace, operation } = attributes
  // A request to create names no object, so that a rule with names does not allow it.
  const asked = { verb: 'escalate', apiGroup: kind.group, resource: kind.plural, name: operation === 'CREATE' ? '' : name, namespace }
  if (await isAllowed(authorizer, attributes, asked)) return
  const role = attributes.object as Role | ClusterRole
  confirm(attributes, lookup, role.rules ?? [])
  // It gathers whatever there will be, and keeps others from taking it away.
  if (kind === ClusterRoles && (aggregates(role) || aggregates(attributes.oldObject)) && missingTo(attributes, lookup, everything).length > 0) {
    throw forbidden(kind, name, 'must have cluster-admin privileges to use the aggregationRule')
  }
}

const rulesOf = ({ kind, name }: RoleRef, namespace: string, lookup: Lookup): readonly PolicyRule[] => {
  const role = kind === 'ClusterRole' ? lookup.get(ClusterRoles, name) : lookup.get(Roles, name, namespace)
  if (!role) throw notFound(kind === 'ClusterRole' ? ClusterRoles : Roles, name)
  return role.rules ?? []
}

const checkBinding = async (authorizer: Authorizer, attributes: AdmissionAttributes, lookup: Lookup): Promise<void> => {
  const { roleRef } = attributes.object as RoleBinding | ClusterRoleBinding
  const { namespace } = attributes
  if (await isAllowed(authorizer, attributes, { verb: 'bind', apiGroup: ClusterRoles.group, resource: roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles', name: roleRef.name, namespace })) return
  confirm(attributes, lookup, rulesOf(roleRef, namespace, lookup))
}

/** Runs where upstream's storage of these kinds does it. Members of system:masters, and so the API server itself, are past it. */
export const rbacEscalation = (authorizer: Authorizer): AdmissionPlugin => ({
  name: 'RBACEscalation',
  handles: ({ operation, kind, subresource, user }) => (operation === 'CREATE' || operation === 'UPDATE') && subresource === '' && !user.groups.includes(mastersGroup)
    && ([Roles, ClusterRoles, RoleBindings, ClusterRoleBindings] as readonly unknown[]).includes(kind),
  validate: async (attributes, { lookup }) => {
    if (attributes.object && isOnlyForDeletion(attributes.object, attributes.oldObject)) return
    const isRole = attributes.kind === (Roles as unknown) || attributes.kind === (ClusterRoles as unknown)
    await (isRole ? checkRole : checkBinding)(authorizer, attributes, lookup)
  },
})
