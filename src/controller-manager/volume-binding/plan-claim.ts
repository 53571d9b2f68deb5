/** What becomes of a claim. Mirrors pkg/controller/volume/persistentvolume/pv_controller.go syncClaim. */
import { PersistentVolumeClaims, PersistentVolumes, Pods, StorageClasses } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../api/types.ts'
import { type Action, event, update } from '../../client/action.ts'
import type { World } from '../../client/controller.ts'
import type { Index } from '../../client/informer.ts'
import { isPodFinished } from '../pod.ts'
import { claimsOf } from '../storage-protection/claims.ts'
import { bind, storeClaim } from './bind.ts'
import { findVolume } from './find-volume.ts'
import { bindCompleted, boundByController, classOf, defaultClass, isFor, lacksClass, modesMatch, provisionerAnnotations, selectedNode, waitsForConsumer } from './volume.ts'

const podsByClaim: Index<Pod> = { name: 'consumed-claim', valuesOf: claimsOf }

/** A provisioner of this prefix is part of Kubernetes, or was. */
const builtInPrefix = 'kubernetes.io/'

const tell = (claim: PersistentVolumeClaim, type: 'Normal' | 'Warning', what: { reason: string; message: string }): Action => event(PersistentVolumeClaims, claim, { type, ...what })

const pending = (claim: PersistentVolumeClaim): Action[] => storeClaim(claim, { status: claim.status?.phase === 'Pending' ? claim.status : { ...claim.status, phase: 'Pending' } })
const lost = (claim: PersistentVolumeClaim, what: { reason: string; message: string }): Action[] =>
  (claim.status?.phase === 'Lost' ? [] : [...storeClaim(claim, { status: { ...claim.status, phase: 'Lost' } }), tell(claim, 'Warning', what)])

/** Somebody else makes volumes of this class: told, and asked by annotations. */
const askProvisioner = (claim: PersistentVolumeClaim, storageClass: StorageClass): Action[] => {
  const { provisioner } = storageClass
  if (provisioner.startsWith(builtInPrefix)) return [tell(claim, 'Warning', { reason: 'ProvisioningFailed', message: `no volume plugin matched name: ${provisioner}` })]
  const missing = provisionerAnnotations.filter((key) => claim.metadata.annotations?.[key] !== provisioner)
  const asked = { ...claim, metadata: { ...claim.metadata, annotations: { ...claim.metadata.annotations, ...Object.fromEntries(provisionerAnnotations.map((key) => [key, provisioner])) } } }
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`
  return [...(missing.length > 0 ? [update(PersistentVolumeClaims, asked)] : []), tell(claim, 'Normal', { reason: 'ExternalProvisioning', message })]
}

const whyDelayed = (claim: PersistentVolumeClaim, world: World): Action => {
  const waiting = world.byIndex(Pods, podsByClaim, keyOf(claim)).filter((pod) => !pod.spec.nodeName && !isPodFinished(pod)).map(({ metadata }) => metadata.name)
  return tell(claim, 'Normal', waiting.length > 0 ? { reason: 'WaitForPodScheduled', message: `waiting for pod ${waiting.sort().join(',')} to be scheduled` }
    : { reason: 'WaitForFirstConsumer', message: 'waiting for first consumer to be created before binding' })
}

const searching = (claim: PersistentVolumeClaim, world: World): Action[] => {
  const className = classOf(claim)
  const storageClass = className === '' ? undefined : world.get(StorageClasses, className)
  const delayed = waitsForConsumer(storageClass) && claim.metadata.annotations?.[selectedNode] === undefined
  const volume = findVolume(claim, world.list(PersistentVolumes), delayed)
  if (volume) return bind(volume, claim)
  if (delayed) return [...pending(claim), whyDelayed(claim, world)]
  if (className === '') return [...pending(claim), tell(claim, 'Normal', { reason: 'FailedBinding', message: 'no persistent volumes available for this claim and no storage class is set' })]
  if (!storageClass) return [...pending(claim), tell(claim, 'Warning', { reason: 'ProvisioningFailed', message: `storageclass.storage.k8s.io "${className}" not found` })]
  return [...pending(claim), ...askProvisioner(claim, storageClass)]
}

/** The claim names a volume. */
const asking = (claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): Action[] => {
  if (!volume || (volume.spec.claimRef && !isFor(volume, claim))) return pending(claim)
  if (!modesMatch(volume, claim)) return [...pending(claim), tell(claim, 'Warning', { reason: 'VolumeMismatch', message: `Cannot bind to requested volume "${volume.metadata.name}": incompatible volumeMode` })]
  return bind(volume, claim)
}

/** The claim was bound before: what it lost it does not get back. */
const bound = (claim: PersistentVolumeClaim, world: World): Action[] => {
  const { volumeName } = claim.spec
  if (!volumeName) return lost(claim, { reason: 'ClaimLost', message: 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!' })
  const volume = world.get(PersistentVolumes, volumeName)
  if (!volume) return lost(claim, { reason: 'ClaimLost', message: 'Bound claim has lost its PersistentVolume. Data on the volume is lost!' })
  if (volume.spec.claimRef && volume.spec.claimRef.uid !== claim.metadata.uid && !isFor(volume, claim)) return lost(claim, { reason: 'ClaimMisbound', message: 'Two claims are bound to the same volume, this one is bound incorrectly' })
  return bind(volume, claim)
}

/** A claim that says nothing of a class gets the default one as soon as there is one. */
const classified = (claim: PersistentVolumeClaim, world: World): PersistentVolumeClaim | undefined => {
  const storageClass = lacksClass(claim) ? defaultClass(world.list(StorageClasses)) : undefined
  return storageClass && { ...claim, spec: { ...claim.spec, storageClassName: storageClass.metadata.name } }
}

export const planClaim = (key: string, world: World): Action[] => {
  const claim = world.get(PersistentVolumeClaims, key)
  if (!claim) return []
  if (claim.metadata.annotations?.[bindCompleted] !== undefined) return bound(claim, world)
  if (claim.metadata.deletionTimestamp !== undefined) return []
  const next = claim.spec.volumeName || claim.metadata.annotations?.[boundByController] !== undefined ? undefined : classified(claim, world)
  if (next) return [update(PersistentVolumeClaims, next)]
  return claim.spec.volumeName ? asking(claim, world.get(PersistentVolumes, claim.spec.volumeName)) : searching(claim, world)
}
