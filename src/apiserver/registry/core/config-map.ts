import { ConfigMaps } from '../../../api/kinds.ts'
import type { ConfigMap } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

export const configMapStrategy: Strategy<ConfigMap> = {
  kind: ConfigMaps,
  columns: [
    nameColumn,
    { name: 'Data', type: 'string', description: 'How many keys the configuration has.', value: ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length },
    ageColumn,
  ],
}
