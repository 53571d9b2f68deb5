/** ClusterRoleBindings. Mirrors upstream's `pkg/registry/rbac`; that nobody grants more than they have is judged with the authorizer. */
import { ClusterRoleBindings } from '../../../api/kinds.ts'
import { isPathSegmentName } from '../../../api/names.ts'
import type { ClusterRoleBinding } from '../../../api/types.ts'
import type { Strategy } from '../strategy.ts'
import { bindingColumns } from './binding-columns.ts'
import { checkBinding, checkBindingUpdate, setBindingDefaults } from './binding-validation.ts'

export const clusterRoleBindingStrategy: Strategy<ClusterRoleBinding> = {
  kind: ClusterRoleBindings,
  createOnUpdate: true,
  validateName: isPathSegmentName,
  setDefaults: setBindingDefaults,
  validate: (binding) => checkBinding(binding, false),
  validateUpdate: (next, old) => checkBindingUpdate(next, old, false),
  columns: bindingColumns,
}
