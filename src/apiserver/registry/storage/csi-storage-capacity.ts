/** CSIStorageCapacities. Mirrors upstream's `pkg/registry/storage/csistoragecapacity/strategy.go` and ValidateCSIStorageCapacity. */
import { CSIStorageCapacities } from '../../../api/kinds.ts'
import { isValidQuantity, signOf } from '../../../api/quantity.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { CSIStorageCapacity } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkDnsSubdomain, checkImmutable, negativeMessage } from '../field-checks.ts'
import { checkLabelSelector } from '../label-checks.ts'
import { nodeSelectorWarnings } from '../node-label-warnings.ts'
import type { Strategy } from '../strategy.ts'

const check = ({ nodeTopology, storageClassName, capacity }: CSIStorageCapacity): FieldError[] => [
  ...checkLabelSelector('nodeTopology', nodeTopology),
  ...checkDnsSubdomain('storageClassName', storageClassName ?? ''),
  ...(capacity !== undefined && isValidQuantity(capacity) && signOf(capacity) < 0 ? [fieldError.invalid('capacity', capacity, negativeMessage)] : []),
]

export const csiStorageCapacityStrategy: Strategy<CSIStorageCapacity> = {
  kind: CSIStorageCapacities,
  unconditionalUpdate: false,
  validate: check,
  warnings: ({ nodeTopology }) => nodeSelectorWarnings('nodeTopology', nodeTopology),
  validateUpdate: (next, old) => [
    ...checkImmutable('nodeTopology', next.nodeTopology, old.nodeTopology),
    ...checkImmutable('storageClassName', next.storageClassName, old.storageClassName),
  ],
  columns: [
    nameColumn,
    { name: 'StorageClassName', type: 'string', description: 'The class whose volumes would find room.', value: ({ storageClassName }) => storageClassName ?? '' },
    { name: 'Capacity', type: 'string', description: 'How much room there is.', value: ({ capacity }) => capacity ?? '<unset>' },
    ageColumn,
  ],
}
