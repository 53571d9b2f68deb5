/** The arithmetic of a rolling update: how many pods the new ReplicaSet may get, how many the old ones must keep. Mirrors pkg/controller/deployment/rolling.go. */
import type { Deployment, ReplicaSet } from '../../api/types.ts'
import { desiredReplicas, isRollingUpdate, maxSurge, maxUnavailable } from './limits.ts'
import { oldestFirst, replicasOf, totalReplicas } from './replica-sets.ts'

/** A ReplicaSet and the size that it is to get. */
export interface Scaling { replicaSet: ReplicaSet; replicas: number }

const withReplicas = (replicaSet: ReplicaSet, replicas: number): ReplicaSet => ({ ...replicaSet, spec: { ...replicaSet.spec, replicas } })

/** Pods that a smaller ReplicaSet has not deleted yet are there all the same: upstream counts what is meant to be, and may have more than it may for a while. */
const presentReplicas = (replicaSets: readonly ReplicaSet[]): number => replicaSets.reduce((sum, each) => sum + Math.max(each.status.replicas, replicasOf(each)), 0)

/** What the new ReplicaSet may grow to, given all pods that there are or are meant to be. Upstream's NewRSNewReplicas. */
export const newReplicaSetSize = (deployment: Deployment, all: readonly ReplicaSet[], newReplicas: number): number => {
  const desired = desiredReplicas(deployment)
  if (!isRollingUpdate(deployment)) return desired
  const room = desired + maxSurge(deployment) - presentReplicas(all)
  return room <= 0 ? newReplicas : newReplicas + Math.min(room, desired - newReplicas)
}

/** Its own controller has not seen its present size yet: it may still be making pods for the size before. */
const isUnobserved = ({ metadata, status }: ReplicaSet): boolean => (metadata.generation ?? 0) > (status.observedGeneration ?? 0)

/** The new ReplicaSet's next size when it is not what is wanted; undefined when there is nothing to do, or nothing yet. */
export const scaleNew = (deployment: Deployment, all: readonly ReplicaSet[], newReplicaSet: ReplicaSet): Scaling | undefined => {
  const now = replicasOf(newReplicaSet)
  const desired = desiredReplicas(deployment)
  if (now === desired) return undefined
  const others = all.filter(({ metadata }) => metadata.name !== newReplicaSet.metadata.name)
  if (now < desired && isRollingUpdate(deployment) && others.some(isUnobserved)) return undefined
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

/** A ReplicaSet that was made smaller has at most that many left, whatever its status, which may be of before, says: upstream believes the status, and may take too many. */
const surelyAvailable = (replicaSets: readonly ReplicaSet[]): number => replicaSets.reduce((sum, each) => sum + Math.min(each.status.availableReplicas ?? 0, replicasOf(each)), 0)

const scaleDownAvailable = (old: readonly ReplicaSet[], newReplicaSet: ReplicaSet, minAvailable: number): ReplicaSet[] => {
  let left = Math.max(0, surelyAvailable([...old, newReplicaSet]) - minAvailable)
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
