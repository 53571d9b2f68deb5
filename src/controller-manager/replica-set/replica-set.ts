/** ReplicaSets: so many pods, no more and no fewer. ReplicationControllers are the same in older clothes. Mirrors pkg/controller/replicaset/replica_set.go. */
import { type Kind, Pods, ReplicaSets } from '../../api/kinds.ts'
import { controllerOf, keyOf, type KubeObject } from '../../api/meta.ts'
import { selectorFromObject } from '../../api/selector.ts'
import type { StatusError } from '../../api/status.ts'
import type { Pod, ReplicaSet, ReplicaSetStatus } from '../../api/types.ts'
import type { Action } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { candidatesOf, claim, controlledBy, keysOfOwner } from '../owners.ts'
import { isPodActive, isPodTerminating, millisecondsToAvailable } from '../pod.ts'
import { podsToDelete } from '../pod-ranking.ts'
import { createPod, deletePod, podFromTemplate } from '../pod-template.ts'
import { waitAfterRejections } from './rejected-pods.ts'
import { calculateStatus, failedStatus } from './status.ts'

/** So many pods at most are created or deleted before the world is looked at again. */
const burstReplicas = 500

/** What keeps a number of pods: seen as a ReplicaSet, and as it is stored. */
export interface Keeper {
  kind: Kind
  replicaSet: ReplicaSet
  stored: KubeObject & { status: object }
  /** The status as this kind has it. */
  statusOf(status: ReplicaSetStatus): object
}

const storeStatus = ({ kind, stored, statusOf }: Keeper, status: ReplicaSetStatus): Action[] => {
  const next = { ...stored, status: statusOf(status) }
  return sameMeaning(next.status, stored.status) ? [] : [{ do: 'updateStatus', kind, object: next }]
}

/** The first failure of a plan brings the status along, which otherwise comes last: what is counted must be known although the rest cannot be done. */
const failureOnce = (keeper: Keeper, counted: ReplicaSetStatus, { reason, now }: { reason: 'FailedCreate' | 'FailedDelete'; now: Date }): ((error: StatusError) => Action[]) => {
  let told = false
  return (error) => {
    if (told) return []
    told = true
    return storeStatus(keeper, failedStatus(keeper.replicaSet, counted, { reason, message: error.message, now }))
  }
}

/** The active pods of every ReplicaSet that has the same owner. */
const relatedPods = ({ kind, replicaSet }: Keeper, world: World): Pod[] => {
  if (kind !== ReplicaSets) return controlledBy(world, Pods, replicaSet).filter(isPodActive)
  const owner = controllerOf(replicaSet)
  const siblings = owner ? world.list(ReplicaSets, replicaSet.metadata.namespace).filter((each) => controllerOf(each)?.uid === owner.uid) : [replicaSet]
  return siblings.flatMap((each) => controlledBy(world, Pods, each).filter(isPodActive))
}

const managePods = (keeper: Keeper, { active, counted }: { active: readonly Pod[]; counted: ReplicaSetStatus }, world: World): Action[] => {
  const { kind, replicaSet, stored } = keeper
  const surplus = active.length - (replicaSet.spec.replicas ?? 1)
  if (surplus === 0) return []
  const count = Math.min(Math.abs(surplus), burstReplicas)
  const owned = { owner: stored, kind, alsoOnFailure: failureOnce(keeper, counted, { reason: surplus < 0 ? 'FailedCreate' : 'FailedDelete', now: world.now }) }
  const actions = surplus < 0
    ? Array.from({ length: count }, () => createPod(podFromTemplate(replicaSet.spec.template ?? {}, replicaSet, kind), owned))
    : podsToDelete(active, count, { related: relatedPods(keeper, world), now: world.now }).map((pod) => deletePod(pod, owned))
  return [{ do: 'slowStart', actions }]
}

/** When the next pod becomes available by time alone. */
const nextAvailability = (replicaSet: ReplicaSet, active: readonly Pod[], now: Date): Action[] => {
  const waits = active.flatMap((pod) => millisecondsToAvailable(pod, replicaSet.spec.minReadySeconds ?? 0, now) || [])
  return waits.length > 0 ? [{ do: 'requeueAfter', milliseconds: Math.min(...waits) }] : []
}

/** The plan of one of them, whatever it is stored as. */
export const planKeeper = (keeper: Keeper, world: World): Action[] => {
  const { kind, replicaSet } = keeper
  const candidates = candidatesOf(world, Pods, replicaSet).filter((pod) => controllerOf(pod) !== undefined || isPodActive(pod))
  const wait = waitAfterRejections(controlledBy(world, Pods, replicaSet), replicaSet.spec.replicas ?? 1, world.now)
  const { mine, actions } = claim(replicaSet, { kind: Pods, ownerKind: kind, selector: selectorFromObject(replicaSet.spec.selector), candidates })
  const active = mine.filter(isPodActive)
  const counted = calculateStatus(replicaSet, { active, terminating: mine.filter(isPodTerminating) }, world.now)
  return [
    ...actions,
    ...(replicaSet.metadata.deletionTimestamp !== undefined ? [] : wait > 0 && active.length < (replicaSet.spec.replicas ?? 1) ? [{ do: 'requeueAfter', milliseconds: wait } satisfies Action] : managePods(keeper, { active, counted }, world)),
    ...storeStatus(keeper, counted),
    ...nextAvailability(replicaSet, active, world.now),
  ]
}

export const planReplicaSet = (key: string, world: World): Action[] => {
  const replicaSet = world.get(ReplicaSets, key)
  return replicaSet ? planKeeper({ kind: ReplicaSets, replicaSet, stored: replicaSet, statusOf: (status) => status }, world) : []
}

export const replicaSets: Reconciler = {
  name: 'replicaset-controller',
  watches: [watching(ReplicaSets, (replicaSet) => [keyOf(replicaSet)]), watching(Pods, keysOfOwner(ReplicaSets))],
  plan: planReplicaSet,
}
