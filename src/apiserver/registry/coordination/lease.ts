import { Leases } from '../../../api/kinds.ts'
import type { Lease } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

export const leaseStrategy: Strategy<Lease> = {
  kind: Leases,
  createOnUpdate: true,
  columns: [nameColumn, { name: 'Holder', type: 'string', description: 'Who holds the lease.', value: ({ spec }) => spec?.holderIdentity ?? '' }, ageColumn],
}
