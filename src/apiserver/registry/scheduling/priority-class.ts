import { PriorityClasses } from '../../../api/kinds.ts'
import type { PriorityClass } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

export const priorityClassStrategy: Strategy<PriorityClass> = {
  kind: PriorityClasses,
  columns: [
    nameColumn,
    { name: 'Value', type: 'integer', description: 'The priority that pods of this class get.', value: ({ value }) => value ?? 0 },
    { name: 'Global-Default', type: 'boolean', description: 'Whether pods that name no class get this one.', value: ({ globalDefault }) => globalDefault ?? false },
    ageColumn,
    { name: 'PreemptionPolicy', type: 'string', description: 'Whether pods of this class may push out others.', value: ({ preemptionPolicy }) => preemptionPolicy ?? '' },
  ],
}
