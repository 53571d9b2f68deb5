/** PersistentVolumes. Mirrors upstream's `pkg/registry/core/persistentvolume/strategy.go` and printPersistentVolume. */
import { timestamp } from '../../../api/clock.ts'
import { PersistentVolumes } from '../../../api/kinds.ts'
import { volumeWarnings } from '../../../api/refused-fields.ts'
import type { PersistentVolume } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { nodeSelectorTermWarnings } from '../node-label-warnings.ts'
import type { Strategy } from '../strategy.ts'
import { accessModesText, classAnnotationWarnings, fractionWarnings, phaseOf, storageClassOf, unset } from './persistent-volume-columns.ts'
import { setPersistentVolumeDefaults } from './persistent-volume-defaults.ts'
import { checkPersistentVolume, checkPersistentVolumeUpdate } from './persistent-volume-validation.ts'

const claimText = ({ spec: { claimRef } }: PersistentVolume): string => (claimRef ? `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}` : '')

const mountOptionsAnnotation = 'volume.beta.kubernetes.io/mount-options'

const deprecated = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+', scaleIO: 'deprecated in v1.16, non-functional in v1.22+', storageos: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+', rbd: 'deprecated in v1.28, non-functional in v1.31+', cephfs: 'deprecated in v1.28, non-functional in v1.31+',
} as const

const warnings = (volume: PersistentVolume): string[] => [
  ...classAnnotationWarnings(volume),
  ...(volume.metadata.annotations?.[mountOptionsAnnotation] === undefined ? [] : [`metadata.annotations[${mountOptionsAnnotation}]: deprecated since v1.31; use "mountOptions" attribute instead`]),
  ...(volume.spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap((term, index) => nodeSelectorTermWarnings(`spec.nodeAffinity.required.nodeSelectorTerms[${index}]`, term)),
  ...(volume.spec.persistentVolumeReclaimPolicy === 'Recycle'
    ? ['spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.'] : []),
  ...(Object.keys(deprecated) as (keyof typeof deprecated)[]).filter((type) => volume.spec[type] !== undefined).map((type) => `spec.${type === 'storageos' ? 'storageOS' : type}: ${deprecated[type]}`),
  ...fractionWarnings('spec.capacity[storage]', volume.spec.capacity?.['storage']),
  ...volumeWarnings(volume.spec),
]

export const persistentVolumeStrategy: Strategy<PersistentVolume> = {
  kind: PersistentVolumes,
  returnsDeletedObject: true,
  setDefaults: setPersistentVolumeDefaults,
  prepareForCreate(volume, { clock }) { volume.status = { phase: 'Pending', lastPhaseTransitionTime: timestamp(clock.now()) } },
  validate: checkPersistentVolume,
  validateUpdate: checkPersistentVolumeUpdate,
  warnings,
  subresources: { status: {
    prepareForUpdate(next, old, { clock }) {
      next.spec = old.spec
      if (next.status.phase === old.status.phase) {
        // Nobody but the server tells since when the phase is what it is, unless he changes the phase.
        if (next.status.lastPhaseTransitionTime === undefined && old.status.lastPhaseTransitionTime !== undefined) next.status.lastPhaseTransitionTime = old.status.lastPhaseTransitionTime
      } else if (next.status.lastPhaseTransitionTime === undefined || next.status.lastPhaseTransitionTime === old.status.lastPhaseTransitionTime) next.status.lastPhaseTransitionTime = timestamp(clock.now())
    },
  } },
  columns: [
    nameColumn,
    { name: 'Capacity', type: 'string', description: 'How large the volume is.', value: ({ spec }) => spec.capacity?.['storage'] ?? '0' },
    { name: 'Access Modes', type: 'string', description: 'How the volume can be mounted.', value: ({ spec }) => accessModesText(spec.accessModes) },
    { name: 'Reclaim Policy', type: 'string', description: 'What becomes of the volume when its claim is gone.', value: ({ spec }) => spec.persistentVolumeReclaimPolicy ?? '' },
    { name: 'Status', type: 'string', description: 'Whether the volume is available, bound or released.', value: phaseOf },
    { name: 'Claim', type: 'string', description: 'The claim that has the volume.', value: claimText },
    { name: 'StorageClass', type: 'string', description: 'The class of the volume.', value: storageClassOf },
    { name: 'VolumeAttributesClass', type: 'string', description: 'The class of the attributes of the volume.', value: ({ spec }) => spec.volumeAttributesClassName ?? unset },
    { name: 'Reason', type: 'string', description: 'Why the volume is as it is.', value: ({ status }) => status.reason ?? '' },
    ageColumn,
    { name: 'VolumeMode', type: 'string', priority: 1, description: 'Whether the volume holds a file system.', value: ({ spec }) => spec.volumeMode ?? unset },
  ],
}
