/** CSIDrivers. Mirrors upstream's `pkg/registry/storage/csidriver/strategy.go`, SetDefaults_CSIDriver and ValidateCSIDriver. */
import { deepEqual } from '../../../api/equal.ts'
import { CSIDrivers } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { CSIDriver, StorageTokenRequest } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkEach, checkImmutable, checkOptionalOneOf } from '../field-checks.ts'
import type { Strategy } from '../strategy.ts'

const minTokenSeconds = 600
const maxTokenSeconds = 2 ** 32
const minUpdatePeriodSeconds = 10

const checkTokenRequests = (requests: readonly StorageTokenRequest[] | undefined): FieldError[] => {
  const audiences = new Set<string>()
  return checkEach('spec.tokenRequests', requests, ({ audience = '', expirationSeconds }, at) => {
    if (audiences.has(audience)) return [fieldError.duplicate(`${at}.audience`, audience)]
    audiences.add(audience)
    if (expirationSeconds === undefined) return []
    if (expirationSeconds < minTokenSeconds) return [fieldError.invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes')]
    return expirationSeconds > maxTokenSeconds ? [fieldError.invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration larger than 2^32 seconds')] : []
  })
}

const check = ({ spec }: CSIDriver): FieldError[] => [
  ...checkOptionalOneOf('spec.fsGroupPolicy', spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType']),
  ...checkTokenRequests(spec.tokenRequests),
  ...(spec.volumeLifecycleModes ?? []).flatMap((mode) => checkOptionalOneOf('spec.volumeLifecycleModes', mode, ['Persistent', 'Ephemeral'])),
  ...(spec.nodeAllocatableUpdatePeriodSeconds !== undefined && spec.nodeAllocatableUpdatePeriodSeconds < minUpdatePeriodSeconds
    ? [fieldError.invalid('spec.nodeAllocatableUpdatePeriodSeconds', spec.nodeAllocatableUpdatePeriodSeconds, 'must be greater than or equal to 10 seconds')] : []),
]

const checkUpdate = (next: CSIDriver, old: CSIDriver): FieldError[] => [
  ...check(next),
  // The first path is misspelled upstream, and clients know it so.
  ...checkImmutable('spec.attachedRequired', next.spec.attachRequired, old.spec.attachRequired),
  ...checkImmutable('spec.volumeLifecycleModes', next.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes),
]

const mutable = ({ spec }: CSIDriver): unknown => [spec.tokenRequests, spec.requiresRepublish, spec.seLinuxMount, spec.nodeAllocatableUpdatePeriodSeconds, spec.serviceAccountTokenInSecrets, spec.preventPodSchedulingIfMissing]

export const csiDriverStrategy: Strategy<CSIDriver> = {
  kind: CSIDrivers,
  unconditionalUpdate: false,
  returnsDeletedObject: true,
  setDefaults({ spec }) {
    spec.attachRequired ??= true
    spec.podInfoOnMount ??= false
    spec.storageCapacity ??= false
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
    if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent']
    spec.requiresRepublish ??= false
    spec.seLinuxMount ??= false
  },
  validate: check,
  validateUpdate: checkUpdate,
  // A new driver has no generation; changes count from one on.
  prepareForUpdate(next, old) { if (!deepEqual(mutable(next), mutable(old))) next.metadata.generation = (old.metadata.generation ?? 0) + 1 },
  columns: [
    nameColumn,
    { name: 'AttachRequired', type: 'boolean', description: 'Whether volumes must be attached to a node before they are mounted.', value: ({ spec }) => spec.attachRequired ?? true },
    { name: 'PodInfoOnMount', type: 'boolean', description: 'Whether the driver is told about the pod.', value: ({ spec }) => spec.podInfoOnMount ?? false },
    { name: 'StorageCapacity', type: 'boolean', description: 'Whether the scheduler looks at what room there is.', value: ({ spec }) => spec.storageCapacity ?? false },
    { name: 'TokenRequests', type: 'string', description: 'The audiences of the tokens that the driver wants.', value: ({ spec }) => (spec.tokenRequests ? spec.tokenRequests.map(({ audience }) => audience ?? '').join(',') : '<unset>') },
    { name: 'RequiresRepublish', type: 'boolean', description: 'Whether the driver wants to be asked again and again.', value: ({ spec }) => spec.requiresRepublish ?? false },
    { name: 'Modes', type: 'string', description: 'The kinds of volumes that the driver offers.', value: ({ spec }) => (spec.volumeLifecycleModes ?? []).join(',') || '<none>' },
    ageColumn,
  ],
}
