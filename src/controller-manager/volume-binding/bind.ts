/** A volume and a claim that find each other: first the volume says so, then the claim. Mirrors pkg/controller/volume/persistentvolume/pv_controller.go bind. */
import { type Kind, PersistentVolumeClaims, PersistentVolumes } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimStatus, PersistentVolumeStatus } from '../../api/types.ts'
import { type Action, update, updateStatus } from '../../client/action.ts'
import { sameMeaning } from '../canonical.ts'
import { bindCompleted, boundByController, isFor } from './volume.ts'

/** Writes what differs: the object, then its status, then what comes next. */
const store = <T extends KubeObject & { status: S }, S>(kind: Kind<T>, object: T, to: { wanted: T; status: S }, next: () => Action[]): Action[] => {
  const withStatus = (current: T): Action[] => (sameMeaning(current.status, to.status) ? next() : [updateStatus(kind, { ...current, status: to.status }, { then: next })])
  return sameMeaning(object, to.wanted) ? withStatus(object) : [update(kind, to.wanted, { then: (written) => withStatus(written as T) })]
}

const nothing = (): Action[] => []

/** A phase has its reason and message only while it lasts. */
export const volumePhase = (volume: PersistentVolume, phase: string, message?: string): PersistentVolumeStatus => (volume.status.phase === phase && volume.status.message === message ? volume.status
  : { ...(volume.status.lastPhaseTransitionTime !== undefined && { lastPhaseTransitionTime: volume.status.lastPhaseTransitionTime }), phase, ...(message !== undefined && { message }) })

export const storeVolume = (volume: PersistentVolume, to: { wanted?: PersistentVolume; phase: string; message?: string }): Action[] =>
  store(PersistentVolumes, volume, { wanted: to.wanted ?? volume, status: volumePhase(volume, to.phase, to.message) }, nothing)

export const storeClaim = (claim: PersistentVolumeClaim, to: { wanted?: PersistentVolumeClaim; status: PersistentVolumeClaimStatus }): Action[] => store(PersistentVolumeClaims, claim, { wanted: to.wanted ?? claim, status: to.status }, nothing)

const annotated = <T extends KubeObject>(object: T, keys: readonly string[]): T => (keys.length === 0 ? object
  : { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...Object.fromEntries(keys.map((key) => [key, 'yes'])) } } })

/** The volume with a reference to the claim; marked when nobody else had put it there. */
const boundVolume = (volume: PersistentVolume, { metadata }: PersistentVolumeClaim, meant: boolean): PersistentVolume => {
  if (volume.spec.claimRef?.uid === metadata.uid) return volume
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion }
  return annotated({ ...volume, spec: { ...volume.spec, claimRef } }, meant ? [] : [boundByController])
}

const boundClaim = (claim: PersistentVolumeClaim, { metadata: { name } }: PersistentVolume): PersistentVolumeClaim => annotated(
  claim.spec.volumeName === name ? claim : { ...claim, spec: { ...claim.spec, volumeName: name } },
  [...(claim.spec.volumeName === name ? [] : [boundByController]), ...(claim.metadata.annotations?.[bindCompleted] === 'yes' ? [] : [bindCompleted])],
)

const boundStatus = ({ status }: PersistentVolumeClaim, { spec }: PersistentVolume): PersistentVolumeClaimStatus => ({
  ...status, phase: 'Bound', accessModes: spec.accessModes, capacity: status?.phase === 'Bound' && status.capacity ? status.capacity : spec.capacity,
  ...(spec.volumeAttributesClassName && { currentVolumeAttributesClassName: spec.volumeAttributesClassName }),
})

/** Everything that is still missing, in an order in which it may stop anywhere. */
export const bind = (volume: PersistentVolume, claim: PersistentVolumeClaim): Action[] => store(PersistentVolumes, volume, { wanted: boundVolume(volume, claim, isFor(volume, claim)), status: volumePhase(volume, 'Bound') },
  () => storeClaim(claim, { wanted: boundClaim(claim, volume), status: boundStatus(claim, volume) }))
