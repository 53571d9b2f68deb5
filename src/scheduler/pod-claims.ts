/** What the claims of a pod are, and whether they can be had. Mirrors podHasPVCs of `plugins/volumebinding` and component-helpers `storage`. Pure. */
import type { CSIDriver, CSINode, CSIStorageCapacity, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass, Volume } from '../api/types.ts'

/** What the cluster's informers know of volumes. */
export interface Storage {
  /** By `namespace/name`. */
  claim(key: string): PersistentVolumeClaim | undefined
  volume(name: string): PersistentVolume | undefined
  volumes(): readonly PersistentVolume[]
  storageClass(name: string): StorageClass | undefined
  /** By the node's name. */
  csiNode(name: string): CSINode | undefined
  csiDriver(name: string): CSIDriver | undefined
  capacities(): readonly CSIStorageCapacity[]
}

export interface PodClaims {
  bound: readonly PersistentVolumeClaim[]
  /** Bound, or provisioned, once the pod's node is known. */
  delayed: readonly PersistentVolumeClaim[]
}

const bindCompleted = 'pv.kubernetes.io/bind-completed'
const oldClassAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** '' means: none. */
export const classOf = ({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string => metadata.annotations?.[oldClassAnnotation] ?? spec.storageClassName ?? ''

export const isFullyBound = ({ metadata, spec }: PersistentVolumeClaim): boolean => Boolean(spec.volumeName) && metadata.annotations?.[bindCompleted] !== undefined

/** The name of the claim behind a volume. */
export const claimNameOf = ({ metadata }: Pod, { name, persistentVolumeClaim, ephemeral }: Volume): string | undefined =>
  persistentVolumeClaim?.claimName ?? (ephemeral ? `${metadata.name}-${name}` : undefined)

const problemOf = (pod: Pod, volume: Volume, { name, claim }: { name: string; claim: PersistentVolumeClaim | undefined }): string | undefined => {
  const said = JSON.stringify(name)
  if (!claim) return volume.ephemeral ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${said}` : `persistentvolumeclaim ${said} not found`
  if (claim.status?.phase === 'Lost') return `persistentvolumeclaim ${said} bound to non-existent persistentvolume ${JSON.stringify(claim.spec.volumeName ?? '')}`
  if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim ${said} is being deleted`
  const { namespace = '', uid } = pod.metadata
  const owned = claim.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid) ?? false
  return volume.ephemeral && !owned ? `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)` : undefined
}

/** Undefined for a pod without claims; a text: why it cannot be scheduled anywhere. */
export const claimsOfPod = (pod: Pod, storage: Storage): PodClaims | string | undefined => {
  const found = new Map<string, PersistentVolumeClaim>()
  for (const volume of pod.spec.volumes ?? []) {
    const name = claimNameOf(pod, volume)
    if (name === undefined) continue
    const claim = storage.claim(`${pod.metadata.namespace ?? ''}/${name}`)
    const problem = problemOf(pod, volume, { name, claim })
    if (problem !== undefined) return problem
    if (claim) found.set(name, claim)
  }
  if (found.size === 0) return undefined
  const isDelayed = (claim: PersistentVolumeClaim): boolean => !claim.spec.volumeName && storage.storageClass(classOf(claim))?.volumeBindingMode === 'WaitForFirstConsumer'
  const unbound = [...found.values()].filter((claim) => !isFullyBound(claim))
  if (unbound.some((claim) => !isDelayed(claim))) return 'pod has unbound immediate PersistentVolumeClaims'
  return { bound: [...found.values()].filter(isFullyBound), delayed: unbound }
}
