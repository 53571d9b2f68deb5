/** What becomes of a volume. Mirrors pkg/controller/volume/persistentvolume/pv_controller.go syncVolume. */
import { PersistentVolumeClaims, PersistentVolumes } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/types.ts'
import { type Action, event } from '../../client/action.ts'
import type { World } from '../../client/controller.ts'
import { storeVolume } from './bind.ts'
import { boundByController, provisionedBy } from './volume.ts'

const failed = (volume: PersistentVolume, what: { reason: string; message: string }): Action[] => (volume.status.phase === 'Failed' && volume.status.message === what.message ? []
  : [...storeVolume(volume, { phase: 'Failed', message: what.message }), event(PersistentVolumes, volume, { type: 'Warning', ...what })])

/** Volumes that somebody provisioned are his to delete. For the others nobody here has a way: their files are on some machine, and may be precious. */
const reclaim = (volume: PersistentVolume): Action[] => {
  const { metadata, spec } = volume
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') return failed(volume, { reason: 'VolumeFailedRecycle', message: 'no recyclable volume plugin matched' })
  if (spec.persistentVolumeReclaimPolicy !== 'Delete' || spec.csi || metadata.annotations?.[provisionedBy] !== undefined) return []
  return failed(volume, { reason: 'VolumeFailedDelete', message: `error getting deleter volume plugin for volume "${metadata.name}": no deletable volume plugin matched` })
}

const released = (volume: PersistentVolume): Action[] => (volume.status.phase === 'Released' || volume.status.phase === 'Failed' ? reclaim(volume) : storeVolume(volume, { phase: 'Released' }))

/** Its claim went elsewhere. A reference that people made stays, without the uid. */
const unbound = (volume: PersistentVolume): Action[] => {
  const { [boundByController]: mark, ...annotations } = volume.metadata.annotations ?? {}
  const { claimRef, ...spec } = volume.spec
  if (mark !== undefined) return storeVolume(volume, { phase: 'Available', wanted: { ...volume, metadata: { ...volume.metadata, annotations }, spec } })
  const { uid: _, resourceVersion: __, ...named } = claimRef ?? {}
  return storeVolume(volume, { phase: 'Available', wanted: { ...volume, spec: { ...spec, claimRef: named } } })
}

const claimOf = ({ spec: { claimRef } }: PersistentVolume, world: World): PersistentVolumeClaim | undefined => {
  const claim = claimRef && world.get(PersistentVolumeClaims, keyOf({ metadata: claimRef }))
  return claim?.metadata.uid === claimRef?.uid ? claim : undefined
}

export const planVolume = (name: string, world: World): Action[] => {
  const volume = world.get(PersistentVolumes, name)
  if (!volume) return []
  const { claimRef } = volume.spec
  if (!claimRef?.uid) return storeVolume(volume, { phase: 'Available' })
  const claim = claimOf(volume, world)
  if (!claim) return released(volume)
  // Not yet bound: the claim's own plan does that.
  if (!claim.spec.volumeName) return []
  return claim.spec.volumeName === name ? storeVolume(volume, { phase: 'Bound' }) : unbound(volume)
}
