import { Namespaces } from '../../../api/kinds.ts'
import type { Namespace } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

export const namespaceStrategy: Strategy<Namespace> = {
  kind: Namespaces,
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', description: 'The status of the namespace', value: ({ status }) => status.phase ?? '' },
    ageColumn,
  ],
}
