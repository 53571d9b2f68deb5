import { Secrets } from '../../../api/kinds.ts'
import type { Secret } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

export const secretStrategy: Strategy<Secret> = {
  kind: Secrets,
  columns: [
    nameColumn,
    { name: 'Type', type: 'string', description: 'What kind of secret this is.', value: ({ type }) => type ?? '' },
    { name: 'Data', type: 'string', description: 'How many keys the secret has.', value: ({ data }) => Object.keys(data ?? {}).length },
    ageColumn,
  ],
  selectableFields: { type: ({ type }) => type ?? '' },
}
