/** PersistentVolumes and their claims, bound to each other and set free again. Mirrors pkg/controller/volume/persistentvolume. */
import { PersistentVolumeClaims, PersistentVolumes, Pods, StorageClasses } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/types.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import type { Index } from '../../client/informer.ts'
import { claimsOf } from '../storage-protection/claims.ts'
import { planClaim } from './plan-claim.ts'
import { planVolume } from './plan-volume.ts'

const claimPrefix = 'claim:'
const volumePrefix = 'volume:'

const claimKey = (key: string): string => `${claimPrefix}${key}`
const volumeKey = (name: string): string => `${volumePrefix}${name}`

/** Claims that still look for a volume. */
const searching: Index<PersistentVolumeClaim> = { name: 'searching', valuesOf: ({ spec }) => (spec.volumeName ? [] : ['']) }
const claimsOfVolume: Index<PersistentVolumeClaim> = { name: 'volume', valuesOf: ({ spec }) => (spec.volumeName ? [spec.volumeName] : []) }
const volumesOfClaim: Index<PersistentVolume> = { name: 'claim', valuesOf: ({ spec: { claimRef } }) => (claimRef ? [keyOf({ metadata: claimRef })] : []) }

const keysOfVolume = (volume: PersistentVolume, world: World): string[] => [
  volumeKey(volume.metadata.name),
  ...(volume.spec.claimRef ? [claimKey(keyOf({ metadata: volume.spec.claimRef }))] : world.byIndex(PersistentVolumeClaims, searching, '').map((claim) => claimKey(keyOf(claim)))),
  ...world.byIndex(PersistentVolumeClaims, claimsOfVolume, volume.metadata.name).map((claim) => claimKey(keyOf(claim))),
]

const keysOfClaim = (claim: PersistentVolumeClaim, world: World): string[] => [
  claimKey(keyOf(claim)), ...(claim.spec.volumeName ? [volumeKey(claim.spec.volumeName)] : []), ...world.byIndex(PersistentVolumes, volumesOfClaim, keyOf(claim)).map(({ metadata }) => volumeKey(metadata.name)),
]

export const volumeBinding: Reconciler = {
  name: 'persistentvolume-controller',
  // One at a time: two claims must not choose the same volume.
  concurrency: 1,
  watches: [
    watching(PersistentVolumes, keysOfVolume),
    watching(PersistentVolumeClaims, keysOfClaim),
    watching(StorageClasses, (_, world) => world.byIndex(PersistentVolumeClaims, searching, '').map((claim) => claimKey(keyOf(claim)))),
    watching(Pods, (pod, world) => claimsOf(pod).filter((key) => world.get(PersistentVolumeClaims, key)?.spec.volumeName === undefined).map(claimKey), { matters: (pod, previous) => pod?.spec.nodeName !== previous?.spec.nodeName || !previous }),
  ],
  plan: (key, world) => (key.startsWith(claimPrefix) ? planClaim(key.slice(claimPrefix.length), world) : planVolume(key.slice(volumePrefix.length), world)),
}
