/**
 * A claim of ours that has been given a larger request: its directory has no size of its own, so the volume and then the claim say the new one, with the pods running on.
 * Follows external-resizer for volumes that need no work on the node. Whether a claim may grow at all is admission's to say (PersistentVolumeClaimResize).
 */
import { PersistentVolumeClaims, PersistentVolumes } from '../api/kinds.ts'
import { compareQuantities } from '../api/quantity.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../api/types.ts'
import { type Action, event, update, updateStatus } from '../client/action.ts'
import type { World } from '../client/controller.ts'
import { isFor, provisionedBy } from './volume-binding/volume.ts'

const isLess = (amount: string | undefined, than: string): boolean => compareQuantities(amount ?? '0', than) < 0

/** Pure. `key`: of the claim. */
export const planExpansion = (key: string, world: World, provisioner: string): Action[] => {
  const claim = world.get(PersistentVolumeClaims, key)
  const volume = claim?.spec.volumeName ? world.get(PersistentVolumes, claim.spec.volumeName) : undefined
  if (!claim || !volume || claim.metadata.deletionTimestamp !== undefined || claim.status?.phase !== 'Bound' || !isFor(volume, claim) || volume.metadata.annotations?.[provisionedBy] !== provisioner) return []
  const storage = claim.spec.resources?.requests?.['storage'] ?? '0'
  if (isLess(volume.spec.capacity?.['storage'], storage)) return enlarge(volume, claim, storage)
  return isLess(claim.status.capacity?.['storage'], storage) ? tellClaim(claim, storage) : []
}

const enlarge = (volume: PersistentVolume, claim: PersistentVolumeClaim, storage: string): Action[] => [
  event(PersistentVolumeClaims, claim, { type: 'Normal', reason: 'Resizing', message: `External resizer is resizing volume ${volume.metadata.name}` }),
  update(PersistentVolumes, { ...volume, spec: { ...volume.spec, capacity: { ...volume.spec.capacity, storage } } }, { then: () => tellClaim(claim, storage) }),
]

const tellClaim = (claim: PersistentVolumeClaim, storage: string): Action[] => [
  updateStatus(PersistentVolumeClaims, { ...claim, status: { ...claim.status, capacity: { ...claim.status?.capacity, storage } } }, {
    then: () => [event(PersistentVolumeClaims, claim, { type: 'Normal', reason: 'VolumeResizeSuccessful', message: 'Resize volume succeeded' })],
  }),
]
