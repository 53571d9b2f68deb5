/** The arithmetic of a rolling update: how many pods the new ReplicaSet may get, how many the old ones must keep. Mirrors pkg/controller/deployment/rolling.go. */
import type { Deployment, ReplicaSet } from '../../api/types.ts'
import { desiredReplicas, isRollingUpdate, maxSurge, maxUnavailable } from './limits.ts'
import { oldestFirst, replicasOf, totalAvailable, totalReplicas } from './replica-sets.ts'

/** A ReplicaSet and the size that it is to get. */
export interface Scaling { replicaSet: ReplicaSet; replicas: number }

const withReplicas = (replicaSet: ReplicaSet, replicas: number): ReplicaSet => ({ ...replicaSet, spec: { ...replicaSet.spec, replicas } })

/** What the new ReplicaSet may grow to, given all pods that there are meant to be now. Upstream's NewRSNewReplicas. */
export const newReplicaSetSize = (deployment: Deployment, all: readonly ReplicaSet[], newReplicas: number): number => {
  const desired = desiredReplicas(deployment)
  if (!isRollingUpdate(deployment)) return desired
  const room = desired + maxSurge(deployment) - totalReplicas(all)
  return room <= 0 ? newReplicas : newReplicas + Math.min(room, desired - newReplicas)
}

/** The new ReplicaSet's next size when it is not what is wanted; undefined when there is nothing to do. */
export const scaleNew = (deployment: Deployment, all: readonly ReplicaSet[], newReplicaSet: ReplicaSet): Scaling | undefined => {
  const now = replicasOf(newReplicaSet)
  const desired = desiredReplicas(deployment)
  if (now === desired) return undefined
  const replicas = now > desired ? desired : newReplicaSetSize(deployment, all, now)
  return replicas === now ? undefined : { replicaSet: newReplicaSet, replicas }
}

/** Takes away pods that are not available first: they serve nobody, and would hold up the update. */
const cleanUpUnhealthy = (old: readonly ReplicaSet[], atMost: number): ReplicaSet[] => {
  let left = atMost
  return oldestFirst(old).map((replicaSet) => {
    const surplus = Math.min(left, Math.max(0, replicasOf(replicaSet) - (replicaSet.status.availableReplicas ?? 0)))
    left -= surplus
    return withReplicas(replicaSet, replicasOf(replicaSet) - surplus)
  })
}

const scaleDownAvailable = (old: readonly ReplicaSet[], newReplicaSet: ReplicaSet, minAvailable: number): ReplicaSet[] => {
  let left = Math.max(0, totalAvailable([...old, newReplicaSet]) - minAvailable)
  return old.map((replicaSet) => {
    const surplus = Math.min(left, replicasOf(replicaSet))
    left -= surplus
    return withReplicas(replicaSet, replicasOf(replicaSet) - surplus)
  })
}

/**
 * The old ReplicaSets' next sizes, only those that change. What the new ReplicaSet has not got available yet counts against
 * what may go, so that pods which never become ready stop the update instead of taking the service down.
 */
export const scaleOld = (deployment: Deployment, old: readonly ReplicaSet[], newReplicaSet: ReplicaSet): Scaling[] => {
  if (totalReplicas(old) === 0) return []
  const minAvailable = desiredReplicas(deployment) - maxUnavailable(deployment)
  const newUnavailable = replicasOf(newReplicaSet) - (newReplicaSet.status.availableReplicas ?? 0)
  const mayGo = totalReplicas([...old, newReplicaSet]) - minAvailable - newUnavailable
  if (mayGo <= 0) return []
  const healthy = cleanUpUnhealthy(old, mayGo)
  const next = scaleDownAvailable(healthy, newReplicaSet, minAvailable)
  return changes(old, next)
}

const changes = (before: readonly ReplicaSet[], after: readonly ReplicaSet[]): Scaling[] => {
  const byName = new Map(before.map((each) => [each.metadata.name, each]))
  return after.flatMap((next) => {
    const replicaSet = byName.get(next.metadata.name)
    return replicaSet && replicasOf(replicaSet) !== replicasOf(next) ? [{ replicaSet, replicas: replicasOf(next) }] : []
  })
}
