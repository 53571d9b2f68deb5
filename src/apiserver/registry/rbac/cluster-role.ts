import { ClusterRoles } from '../../../api/kinds.ts'
import type { ClusterRole } from '../../../api/types.ts'
import { defaultColumns } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

export const clusterRoleStrategy: Strategy<ClusterRole> = { kind: ClusterRoles, createOnUpdate: true, columns: defaultColumns }
