import { ServiceAccounts } from '../../../api/kinds.ts'
import type { ServiceAccount } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

export const serviceAccountStrategy: Strategy<ServiceAccount> = { kind: ServiceAccounts, columns: [nameColumn, ageColumn] }
