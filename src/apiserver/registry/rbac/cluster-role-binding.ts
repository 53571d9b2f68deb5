import { ClusterRoleBindings } from '../../../api/kinds.ts'
import type { ClusterRoleBinding } from '../../../api/types.ts'
import type { Strategy } from '../strategy.ts'
import { bindingColumns } from './binding-columns.ts'

export const clusterRoleBindingStrategy: Strategy<ClusterRoleBinding> = { kind: ClusterRoleBindings, createOnUpdate: true, columns: bindingColumns }
