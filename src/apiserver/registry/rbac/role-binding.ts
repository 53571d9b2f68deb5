import { RoleBindings } from '../../../api/kinds.ts'
import type { RoleBinding } from '../../../api/types.ts'
import type { Strategy } from '../strategy.ts'
import { bindingColumns } from './binding-columns.ts'

export const roleBindingStrategy: Strategy<RoleBinding> = { kind: RoleBindings, createOnUpdate: true, columns: bindingColumns }
