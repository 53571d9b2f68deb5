/** PersistentVolumeClaims. Mirrors upstream's `pkg/registry/core/persistentvolumeclaim/strategy.go` and printPersistentVolumeClaim. */
import { PersistentVolumeClaims } from '../../../api/kinds.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { checkClaim, checkClaimStatus, checkClaimUpdate } from './persistent-volume-claim-validation.ts'
import { accessModesText, classAnnotationWarnings, fractionWarnings, phaseOf, storageClassOf, unset } from './persistent-volume-columns.ts'
import { setClaimDefaults } from './persistent-volume-defaults.ts'

const snapshotGroup = 'snapshot.storage.k8s.io'

/** Only claims and snapshots may stand in `dataSource`; anything else belongs into `dataSourceRef`, and is dropped. */
const dropForeignSource = (spec: PersistentVolumeClaimSpec): void => {
  const { kind, apiGroup = '' } = spec.dataSource ?? { kind: '' }
  if (spec.dataSource && !(kind === 'PersistentVolumeClaim' && apiGroup === '') && !(kind === 'VolumeSnapshot' && apiGroup === snapshotGroup)) delete spec.dataSource
}

/** The two fields say the same, except across namespaces. Mirrors NormalizeDataSources. */
const alignSources = (spec: PersistentVolumeClaimSpec): void => {
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource }
  else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
    const { apiGroup, kind, name } = spec.dataSourceRef
    spec.dataSource = { ...(apiGroup !== undefined && { apiGroup }), kind, name }
  }
}

const isBound = ({ spec }: PersistentVolumeClaim): boolean => !!spec.volumeName

export const persistentVolumeClaimStrategy: Strategy<PersistentVolumeClaim> = {
  kind: PersistentVolumeClaims,
  returnsDeletedObject: true,
  setDefaults: setClaimDefaults,
  prepareForCreate(claim) {
    claim.status = { phase: 'Pending' }
    dropForeignSource(claim.spec)
    alignSources(claim.spec)
  },
  // Claims of before the second field existed keep their one.
  prepareForUpdate(next, old) { if (!(old.spec.dataSource && !old.spec.dataSourceRef)) alignSources(next.spec) },
  validate: checkClaim,
  validateUpdate: checkClaimUpdate,
  warnings: (claim) => [...classAnnotationWarnings(claim), ...fractionWarnings('spec.resources.requests[storage]', claim.spec.resources?.requests?.['storage'])],
  subresources: { status: statusSubresource({ validate: checkClaimStatus }) },
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', description: 'Whether the claim has a volume.', value: phaseOf },
    { name: 'Volume', type: 'string', description: 'The volume that the claim has.', value: ({ spec }) => spec.volumeName ?? '' },
    { name: 'Capacity', type: 'string', description: 'How large the volume is.', value: (claim) => (isBound(claim) ? claim.status.capacity?.['storage'] ?? '0' : '') },
    { name: 'Access Modes', type: 'string', description: 'How the volume can be mounted.', value: (claim) => (isBound(claim) ? accessModesText(claim.status.accessModes) : '') },
    { name: 'StorageClass', type: 'string', description: 'The class of volume that is claimed.', value: storageClassOf },
    { name: 'VolumeAttributesClass', type: 'string', description: 'The class of attributes that is claimed.', value: ({ spec }) => spec.volumeAttributesClassName ?? unset },
    ageColumn,
    { name: 'VolumeMode', type: 'string', priority: 1, description: 'Whether the volume is to hold a file system.', value: ({ spec }) => spec.volumeMode ?? unset },
  ],
}
