/** ReplicaSets: so many pods, no more and no fewer. Mirrors pkg/controller/replicaset/replica_set.go. */
import { Pods, ReplicaSets } from '../../api/kinds.ts'
import { controllerOf, keyOf } from '../../api/meta.ts'
import { selectorFromObject } from '../../api/selector.ts'
import type { StatusError } from '../../api/status.ts'
import type { Pod, ReplicaSet } from '../../api/types.ts'
import { type Action, updateStatus } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { findCondition } from '../conditions.ts'
import { candidatesOf, claim, controlledBy, keysOfOwner } from '../owners.ts'
import { isPodActive, isPodTerminating, millisecondsToAvailable } from '../pod.ts'
import { podsToDelete } from '../pod-ranking.ts'
import { createPod, deletePod, podFromTemplate } from '../pod-template.ts'
import { calculateStatus, failedStatus } from './status.ts'

/** So many pods at most are created or deleted before the world is looked at again. */
const burstReplicas = 500

/** Tells of the first failure only, and only if the status does not say so yet: the write must not be repeated for each pod that fails. */
const failureOnce = (replicaSet: ReplicaSet, reason: 'FailedCreate' | 'FailedDelete', now: Date): ((error: StatusError) => Action[]) => {
  let told = findCondition(replicaSet.status.conditions, 'ReplicaFailure') !== undefined
  return (error) => {
    if (told) return []
    told = true
    return [updateStatus(ReplicaSets, { ...replicaSet, status: failedStatus(replicaSet, { reason, message: error.message }, now) })]
  }
}

/** The active pods of every ReplicaSet that has the same owner. */
const relatedPods = (replicaSet: ReplicaSet, world: World): Pod[] => {
  const owner = controllerOf(replicaSet)
  const siblings = owner ? world.list(ReplicaSets, replicaSet.metadata.namespace).filter((each) => controllerOf(each)?.uid === owner.uid) : [replicaSet]
  return siblings.flatMap((each) => controlledBy(world, Pods, each).filter(isPodActive))
}

const managePods = (replicaSet: ReplicaSet, active: readonly Pod[], world: World): Action[] => {
  const surplus = active.length - (replicaSet.spec.replicas ?? 1)
  if (surplus === 0) return []
  const count = Math.min(Math.abs(surplus), burstReplicas)
  const owned = { owner: replicaSet, kind: ReplicaSets, alsoOnFailure: failureOnce(replicaSet, surplus < 0 ? 'FailedCreate' : 'FailedDelete', world.now) }
  const actions = surplus < 0
    ? Array.from({ length: count }, () => createPod(podFromTemplate(replicaSet.spec.template ?? {}, replicaSet, ReplicaSets), owned))
    : podsToDelete(active, count, { related: relatedPods(replicaSet, world), now: world.now }).map((pod) => deletePod(pod, owned))
  return [{ do: 'slowStart', actions }]
}

/** When the next pod becomes available by time alone. */
const nextAvailability = (replicaSet: ReplicaSet, active: readonly Pod[], now: Date): Action[] => {
  const waits = active.flatMap((pod) => millisecondsToAvailable(pod, replicaSet.spec.minReadySeconds ?? 0, now) || [])
  return waits.length > 0 ? [{ do: 'requeueAfter', milliseconds: Math.min(...waits) }] : []
}

export const planReplicaSet = (key: string, world: World): Action[] => {
  const replicaSet = world.get(ReplicaSets, key)
  if (!replicaSet) return []
  const candidates = candidatesOf(world, Pods, replicaSet).filter((pod) => controllerOf(pod) !== undefined || isPodActive(pod))
  const { mine, actions } = claim(replicaSet, { kind: Pods, ownerKind: ReplicaSets, selector: selectorFromObject(replicaSet.spec.selector), candidates })
  const active = mine.filter(isPodActive)
  const status = calculateStatus(replicaSet, { active, terminating: mine.filter(isPodTerminating) }, world.now)
  return [
    ...actions,
    ...(replicaSet.metadata.deletionTimestamp === undefined ? managePods(replicaSet, active, world) : []),
    ...(sameMeaning(status, replicaSet.status) ? [] : [updateStatus(ReplicaSets, { ...replicaSet, status })]),
    ...nextAvailability(replicaSet, active, world.now),
  ]
}

export const replicaSets: Reconciler = {
  name: 'replicaset-controller',
  watches: [watching(ReplicaSets, (replicaSet) => [keyOf(replicaSet)]), watching(Pods, keysOfOwner(ReplicaSets))],
  plan: planReplicaSet,
}
