/** Whose a pod's claims are, so that they go with the pod or with the set, as the retention policy says. Mirrors pkg/controller/statefulset/stateful_set_utils.go updateClaimOwnerRefForSetAndPod. */
import { apiVersionOf, type Kind, PersistentVolumeClaims, Pods, StatefulSets } from '../../api/kinds.ts'
import { controllerReference, keyOf, type KubeObject } from '../../api/meta.ts'
import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from '../../api/types.ts'
import { type Action, update } from '../../client/action.ts'
import type { World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { refersTo } from '../owners.ts'
import { claimsOf, replicasOf, startOrdinal } from './identity.ts'

const policyOf = ({ spec }: StatefulSet): { deletesWithSet: boolean; deletesWithPod: boolean } => ({
  deletesWithSet: spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete', deletesWithPod: spec.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete',
})

export const isInRange = (set: StatefulSet, ordinal: number): boolean => ordinal >= startOrdinal(set) && ordinal < startOrdinal(set) + replicasOf(set)

const names = (reference: OwnerReference, owner: KubeObject, kind: Kind): boolean => refersTo(reference, kind) && reference.name === owner.metadata.name

/** The references that the claim of this pod is to have; a claim that somebody else controls gets none of ours. */
const ownersOf = (claim: PersistentVolumeClaim, set: StatefulSet, of: { pod: Pod; ordinal: number }): OwnerReference[] => {
  const others = (claim.metadata.ownerReferences ?? []).filter((each) => !names(each, set, StatefulSets) && !names(each, of.pod, Pods))
  if (others.some(({ controller }) => controller)) return others
  const { deletesWithSet, deletesWithPod } = policyOf(set)
  if (deletesWithPod && !isInRange(set, of.ordinal)) return [...others, controllerReference(of.pod, apiVersionOf(Pods), Pods.kind)]
  return deletesWithSet ? [...others, controllerReference(set, apiVersionOf(StatefulSets), StatefulSets.kind)] : others
}

const claimsInWorld = (set: StatefulSet, ordinal: number, world: World): PersistentVolumeClaim[] => claimsOf(set, ordinal).flatMap((claim) => world.get(PersistentVolumeClaims, keyOf(claim)) ?? [])

/** Brings the owners of a pod's claims into line with the policy. */
export const retention = (set: StatefulSet, pod: { pod: Pod; ordinal: number }, world: World): Action[] => claimsInWorld(set, pod.ordinal, world).flatMap((claim) => {
  const ownerReferences = ownersOf(claim, set, pod)
  return sameMeaning(claim.metadata.ownerReferences ?? [], ownerReferences) ? [] : [update(PersistentVolumeClaims, { ...claim, metadata: { ...claim.metadata, ownerReferences } })]
})

/** Whether a claim of the pod that is to be made still belongs to its predecessor: it will be deleted, so it must not be used. */
export const isStale = (set: StatefulSet, ordinal: number, at: { podName: string; world: World }): boolean => policyOf(set).deletesWithPod
  && claimsInWorld(set, ordinal, at.world).some(({ metadata }) => metadata.ownerReferences?.some((each) => refersTo(each, Pods) && each.name === at.podName))
