/** The volume that suits a claim best. Mirrors pkg/controller/volume/persistentvolume/index.go and component-helpers' FindMatchingVolume. */
import { compareQuantities } from '../../api/quantity.ts'
import { everything, selectorFromObject, selectorMatches } from '../../api/selector.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/types.ts'
import { classOf, isFor, modesMatch } from './volume.ts'

const capacityOf = ({ spec }: PersistentVolume): string => spec.capacity?.['storage'] ?? '0'

const hasModes = ({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean => (claim.spec.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode))

const suits = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean => volume.metadata.deletionTimestamp === undefined && (volume.spec.claimRef === undefined || isFor(volume, claim))
  && compareQuantities(capacityOf(volume), claim.spec.resources?.requests?.['storage'] ?? '0') >= 0 && modesMatch(volume, claim) && hasModes(volume, claim)
  && (volume.spec.volumeAttributesClassName ?? '') === (claim.spec.volumeAttributesClassName ?? '')

const isFree = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean => volume.status.phase === 'Available' && volume.spec.claimRef === undefined
  && selectorMatches(claim.spec.selector ? selectorFromObject(claim.spec.selector) : everything, volume.metadata.labels) && classOf(volume) === classOf(claim)

/** The fewest access modes first, then the smallest. */
const byFit = (a: PersistentVolume, b: PersistentVolume): number => (a.spec.accessModes?.length ?? 0) - (b.spec.accessModes?.length ?? 0) || compareQuantities(capacityOf(a), capacityOf(b)) || (a.metadata.name < b.metadata.name ? -1 : 1)

/** One that was meant for the claim goes before all others. `delayed`: no other is taken yet, a pod decides where it is to be. */
export const findVolume = (claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[], delayed: boolean): PersistentVolume | undefined => {
  const suitable = volumes.filter((volume) => suits(volume, claim)).sort(byFit)
  return suitable.find((volume) => isFor(volume, claim)) ?? (delayed ? undefined : suitable.find((volume) => isFree(volume, claim)))
}
