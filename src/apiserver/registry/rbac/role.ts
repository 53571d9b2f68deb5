import { Roles } from '../../../api/kinds.ts'
import type { Role } from '../../../api/types.ts'
import { defaultColumns } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

export const roleStrategy: Strategy<Role> = { kind: Roles, createOnUpdate: true, columns: defaultColumns }
