/** What happens when a Deployment's size changes, or while it is paused: sizes are shared out among its ReplicaSets. Mirrors pkg/controller/deployment/sync.go scale. */
import type { Deployment, ReplicaSet } from '../../api/types.ts'
import { desiredReplicasIn, maxReplicasIn } from './annotations.ts'
import { desiredReplicas, isRollingUpdate, maxSurge } from './limits.ts'
import { active, activeOrLatest, oldestFirst, replicasOf, totalReplicas } from './replica-sets.ts'
import type { Scaling } from './rolling.ts'

/** Whether somebody changed the Deployment's size since its ReplicaSets were written: that is settled before any rollout goes on. */
export const isScalingEvent = (deployment: Deployment, all: readonly ReplicaSet[]): boolean =>
  active(all).some((each) => (desiredReplicasIn(each) ?? desiredReplicas(deployment)) !== desiredReplicas(deployment))

const isSaturated = (deployment: Deployment, newReplicaSet: ReplicaSet | undefined): boolean => {
  const desired = desiredReplicas(deployment)
  return newReplicaSet !== undefined && replicasOf(newReplicaSet) === desired && desiredReplicasIn(newReplicaSet) === desired && newReplicaSet.status.availableReplicas === desired
}

const roundHalfAwayFromZero = (value: number): number => (value < 0 ? Math.trunc(value - 0.5) : Math.trunc(value + 0.5))

/** By how much one ReplicaSet would grow (or shrink) if it kept its share of the whole. */
const fraction = (replicaSet: ReplicaSet, deployment: Deployment): number => {
  const replicas = replicasOf(replicaSet)
  if (desiredReplicas(deployment) === 0) return -replicas
  const before = maxReplicasIn(replicaSet) || deployment.status.replicas || totalReplicas([replicaSet])
  return roundHalfAwayFromZero((replicas * (desiredReplicas(deployment) + maxSurge(deployment))) / before) - replicas
}

/** The share of what is still to be added (removed, when negative). Upstream's GetReplicaSetProportion. */
export const proportion = (replicaSet: ReplicaSet, deployment: Deployment, rest: { toAdd: number; added: number }): number => {
  if (replicasOf(replicaSet) === 0 || rest.toAdd === 0 || rest.toAdd === rest.added) return 0
  const allowed = rest.toAdd - rest.added
  return rest.toAdd > 0 ? Math.min(fraction(replicaSet, deployment), allowed) : Math.max(fraction(replicaSet, deployment), allowed)
}

/** Larger ones first; between equals the newer grows first and the older shrinks first. */
const inSharingOrder = (replicaSets: readonly ReplicaSet[], growing: boolean): ReplicaSet[] => {
  const byAge = oldestFirst(replicaSets)
  return (growing ? byAge.reverse() : byAge).sort((a, b) => replicasOf(b) - replicasOf(a))
}

const shareOut = (deployment: Deployment, all: readonly ReplicaSet[]): Scaling[] => {
  const desired = desiredReplicas(deployment)
  const toAdd = (desired > 0 ? desired + maxSurge(deployment) : 0) - totalReplicas(all)
  let added = 0
  const scalings = inSharingOrder(all, toAdd > 0).map((replicaSet) => {
    const share = proportion(replicaSet, deployment, { toAdd, added })
    added += share
    return { replicaSet, replicas: replicasOf(replicaSet) + share }
  })
  const first = scalings[0]
  if (first) first.replicas = Math.max(0, first.replicas + toAdd - added)
  return scalings
}

/** Sizes for all ReplicaSets that have a say; one that keeps its size may still need its annotations brought up to date. */
export const scaleAll = (deployment: Deployment, newReplicaSet: ReplicaSet | undefined, old: readonly ReplicaSet[]): Scaling[] => {
  const alone = activeOrLatest(newReplicaSet, old)
  if (alone) return [{ replicaSet: alone, replicas: desiredReplicas(deployment) }]
  if (isSaturated(deployment, newReplicaSet)) return active(old).map((replicaSet) => ({ replicaSet, replicas: 0 }))
  if (!isRollingUpdate(deployment)) return []
  return shareOut(deployment, active(newReplicaSet ? [...old, newReplicaSet] : old))
}
