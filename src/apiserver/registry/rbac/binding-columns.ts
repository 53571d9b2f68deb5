/** What `kubectl get rolebindings,clusterrolebindings` shows. Mirrors printRoleBinding of upstream's `pkg/printers/internalversion/printers.go`. */
import type { ClusterRoleBinding, RoleBinding } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Column } from '../strategy.ts'

type AnyBinding = RoleBinding | ClusterRoleBinding

const subjects = ({ subjects: all = [] }: AnyBinding, kind: string): string =>
  all.filter((subject) => subject.kind === kind).map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name)).join(', ')

export const bindingColumns: readonly Column<AnyBinding>[] = [
  nameColumn,
  { name: 'Role', type: 'string', description: 'The role that is granted.', value: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}` },
  ageColumn,
  { name: 'Users', type: 'string', priority: 1, description: 'Users in the binding', value: (binding) => subjects(binding, 'User') },
  { name: 'Groups', type: 'string', priority: 1, description: 'Groups in the binding', value: (binding) => subjects(binding, 'Group') },
  { name: 'ServiceAccounts', type: 'string', priority: 1, description: 'ServiceAccounts in the binding', value: (binding) => subjects(binding, 'ServiceAccount') },
]
