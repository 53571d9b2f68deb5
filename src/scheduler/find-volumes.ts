/** Which volumes a pod's claims would have on a node. Mirrors `plugins/volumebinding/binder.go: FindPodVolumes` and component-helpers' FindMatchingVolume. Pure. */
import { compareQuantities } from '../api/quantity.ts'
import { everything, selectorFromObject, selectorMatches } from '../api/selector.ts'
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../api/types.ts'
import type { NodeInfo } from './node-info.ts'
import { nodeMatchesTerm } from './node-selector.ts'
import { classOf, type PodClaims, type Storage } from './pod-claims.ts'

export const selectedNode = 'volume.kubernetes.io/selected-node'
const noProvisioner = 'kubernetes.io/no-provisioner'

/** What is to be done with the claims when the pod goes to the node. */
export interface VolumePlan {
  bindings: readonly { claim: PersistentVolumeClaim; volume: PersistentVolume }[]
  provisions: readonly PersistentVolumeClaim[]
}

/** What others have been promised and the informers do not show yet. */
export interface Promised {
  /** The claim (its uid) that is to have the volume. */
  claimOf(volume: string): string | undefined
  /** Where the volume of the claim (its uid) is to be made. */
  nodeOf(claim: string): string | undefined
}

const whyConflict = 'node(s) had volume node affinity conflict'
const whyGone = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'
const whyNoRoom = 'node(s) did not have enough free storage'
const whyNone = "node(s) didn't find available persistent volumes to bind"

export const volumeFitsNode = ({ spec }: PersistentVolume, node: NodeInfo): boolean => {
  const required = spec.nodeAffinity?.required
  return !required || required.nodeSelectorTerms.some((term) => nodeMatchesTerm(term, node))
}

const sizeOf = ({ spec }: PersistentVolumeClaim): string => spec.resources?.requests?.['storage'] ?? '0'
const capacityOf = ({ spec }: PersistentVolume): string => spec.capacity?.['storage'] ?? '0'

const isMeantFor = ({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean =>
  claimRef !== undefined && claimRef.name === metadata.name && claimRef.namespace === metadata.namespace && (!claimRef.uid || claimRef.uid === metadata.uid)

const suits = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean => volume.metadata.deletionTimestamp === undefined && classOf(volume) === classOf(claim)
  && (volume.spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem') && (volume.spec.volumeAttributesClassName ?? '') === (claim.spec.volumeAttributesClassName ?? '')
  && (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode)) && compareQuantities(capacityOf(volume), sizeOf(claim)) >= 0

const isFree = ({ metadata, spec, status }: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  spec.claimRef === undefined && status.phase === 'Available' && selectorMatches(claim.spec.selector ? selectorFromObject(claim.spec.selector) : everything, metadata.labels)

/** One that was meant for the claim, else the smallest that is free. */
const findVolume = (claim: PersistentVolumeClaim, candidates: readonly PersistentVolume[]): PersistentVolume | undefined => {
  const suitable = candidates.filter((volume) => suits(volume, claim))
  return suitable.find((volume) => isMeantFor(volume, claim)) ?? suitable.filter((volume) => isFree(volume, claim)).sort((a, b) => compareQuantities(capacityOf(a), capacityOf(b)) || (a.metadata.name < b.metadata.name ? -1 : 1))[0]
}

const canProvision = (storageClass: StorageClass, node: NodeInfo): boolean => {
  if (!storageClass.provisioner || storageClass.provisioner === noProvisioner) return false
  const { allowedTopologies = [] } = storageClass
  return allowedTopologies.length === 0 || allowedTopologies.some(({ matchLabelExpressions = [] }) => matchLabelExpressions.length > 0 && matchLabelExpressions.every(({ key, values }) => values.includes(node.labels[key] ?? '')))
}

/** A driver that tells how much room there is must have enough where the node is. Mirrors hasEnoughCapacity. */
const hasRoom = (claim: PersistentVolumeClaim, { metadata, provisioner }: StorageClass, { storage, node }: { storage: Storage; node: NodeInfo }): boolean => {
  if (!storage.csiDriver(provisioner)?.spec.storageCapacity) return true
  return storage.capacities().some(({ storageClassName, capacity, maximumVolumeSize, nodeTopology }) => storageClassName === metadata.name && nodeTopology !== undefined
    && compareQuantities(maximumVolumeSize ?? capacity ?? '0', sizeOf(claim)) >= 0 && (maximumVolumeSize ?? capacity) !== undefined && selectorMatches(selectorFromObject(nodeTopology), node.labels))
}

/** A text: why the node is out of question. */
export const planVolumes = ({ bound, delayed }: PodClaims, node: NodeInfo, { storage, promised }: { storage: Storage; promised: Promised }): VolumePlan | string => {
  const volumes = bound.map(({ spec }) => storage.volume(spec.volumeName ?? ''))
  if (volumes.includes(undefined)) return whyGone
  if (volumes.some((volume) => volume && !volumeFitsNode(volume, node))) return whyConflict
  const bindings: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = []
  const provisions: PersistentVolumeClaim[] = []
  for (const claim of delayed.toSorted((a, b) => compareQuantities(sizeOf(a), sizeOf(b)))) {
    const { uid } = claim.metadata
    const selected = promised.nodeOf(uid) ?? claim.metadata.annotations?.[selectedNode]
    if (selected !== undefined && selected !== node.name) return whyNone
    const isOpen = ({ metadata: { name } }: PersistentVolume): boolean => (promised.claimOf(name) ?? uid) === uid && !bindings.some(({ volume }) => volume.metadata.name === name)
    const volume = selected === undefined ? findVolume(claim, storage.volumes().filter((each) => isOpen(each) && volumeFitsNode(each, node))) : undefined
    if (volume) bindings.push({ claim, volume })
    else {
      const storageClass = storage.storageClass(classOf(claim))
      if (!storageClass || !canProvision(storageClass, node)) return whyNone
      if (!hasRoom(claim, storageClass, { storage, node })) return whyNoRoom
      provisions.push(claim)
    }
  }
  return { bindings, provisions }
}
