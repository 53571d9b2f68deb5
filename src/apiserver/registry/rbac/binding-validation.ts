/** What both kinds of bindings have in common: defaults and rules. Mirrors upstream's `pkg/apis/rbac/{v1/defaults.go,validation}`. */
import { semanticEqual } from '../../../api/equal.ts'
import { isDns1123Subdomain, isPathSegmentName } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ClusterRoleBinding, RoleBinding, RoleRef, Subject } from '../../../api/types.ts'
import { checkEach, invalids } from '../field-checks.ts'

export type AnyBinding = RoleBinding | ClusterRoleBinding

const group = 'rbac.authorization.k8s.io'

export const setBindingDefaults = (binding: AnyBinding): void => {
  binding.roleRef ??= { kind: '', name: '' }
  binding.roleRef.apiGroup ||= group
  for (const subject of binding.subjects ?? []) if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= group
}

const checkRoleRef = ({ apiGroup = '', kind, name }: RoleRef, kinds: readonly string[]): FieldError[] => [
  ...(apiGroup === group ? [] : [fieldError.notSupported('roleRef.apiGroup', apiGroup, [group])]),
  ...(kinds.includes(kind) ? [] : [fieldError.notSupported('roleRef.kind', kind ?? '', kinds)]),
  ...(name ? invalids('roleRef.name', name, isPathSegmentName(name)) : [fieldError.required('roleRef.name')]),
]

const checkSubject = (path: string, { kind, name, apiGroup = '', namespace }: Subject, namespaced: boolean): FieldError[] => {
  const noName = name ? [] : [fieldError.required(`${path}.name`)]
  const wrongGroup = (wanted: string): FieldError[] => (apiGroup === wanted ? [] : [fieldError.notSupported(`${path}.apiGroup`, apiGroup, [wanted])])
  switch (kind) {
    case 'ServiceAccount': return [...noName, ...(name ? invalids(`${path}.name`, name, isDns1123Subdomain(name)) : []), ...wrongGroup(''), ...(!namespaced && !namespace ? [fieldError.required(`${path}.namespace`)] : [])]
    case 'User':
    case 'Group': return [...noName, ...wrongGroup(group)]
    default: return [...noName, fieldError.notSupported(`${path}.kind`, kind ?? '', ['ServiceAccount', 'User', 'Group'])]
  }
}

/** `namespaced`: a RoleBinding, which may refer to either kind of role. */
export const checkBinding = ({ roleRef, subjects }: AnyBinding, namespaced: boolean): FieldError[] => [
  ...checkRoleRef(roleRef, namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']),
  ...checkEach('subjects', subjects, (subject, at) => checkSubject(at, subject, namespaced)),
]

/** What is granted never changes; who gets it may. */
export const checkBindingUpdate = (next: AnyBinding, old: AnyBinding, namespaced: boolean): FieldError[] => [
  ...checkBinding(next, namespaced),
  ...(semanticEqual(next.roleRef, old.roleRef) ? [] : [fieldError.invalid('roleRef', next.roleRef, 'cannot change roleRef')]),
]
