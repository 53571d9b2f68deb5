/** RoleBindings. Mirrors upstream's `pkg/registry/rbac`; that nobody grants more than they have is judged with the authorizer. */
import { RoleBindings } from '../../../api/kinds.ts'
import { isPathSegmentName } from '../../../api/names.ts'
import type { RoleBinding } from '../../../api/types.ts'
import type { Strategy } from '../strategy.ts'
import { bindingColumns } from './binding-columns.ts'
import { checkBinding, checkBindingUpdate, setBindingDefaults } from './binding-validation.ts'

export const roleBindingStrategy: Strategy<RoleBinding> = {
  kind: RoleBindings,
  createOnUpdate: true,
  validateName: isPathSegmentName,
  setDefaults: setBindingDefaults,
  validate: (binding) => checkBinding(binding, true),
  validateUpdate: (next, old) => checkBindingUpdate(next, old, true),
  columns: bindingColumns,
}
