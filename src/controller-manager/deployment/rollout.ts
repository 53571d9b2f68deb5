/** A Deployment and its ReplicaSets while a plan is being made: each step gives the next state, and the difference to the first one becomes actions. */
import type { Deployment, ReplicaSet } from '../../api/types.ts'
import { findCondition, withCondition } from '../conditions.ts'
import { byRevision, maxRevision, revisionAnnotation, sizeAnnotations } from './annotations.ts'
import { draftReplicaSet, syncedReplicaSet } from './new-replica-set.ts'
import { hasProgressDeadline } from './progress.ts'
import { findNew, findOld, oldestFirst, replicasOf } from './replica-sets.ts'
import type { Scaling } from './rolling.ts'
import { condition, isComplete } from './status.ts'

export interface Rollout {
  readonly now: Date
  /** With the conditions and the revision that the plan gave it; its numbers are still those that were read. */
  deployment: Deployment
  /** The ReplicaSet of the present template; without uid when it is yet to be created. */
  newest: ReplicaSet | undefined
  old: readonly ReplicaSet[]
  /** To be deleted. */
  surplus: readonly ReplicaSet[]
}

export const allOf = ({ newest, old }: Pick<Rollout, 'newest' | 'old'>): ReplicaSet[] => (newest ? [...old, newest] : [...old])

const withProgressing = (deployment: Deployment, reason: string, message: string, now: Date): Deployment => !hasProgressDeadline(deployment) ? deployment : {
  ...deployment, status: { ...deployment.status, conditions: withCondition(deployment.status.conditions, condition('Progressing', 'True', { reason, message, now })) },
}

const withRevision = (deployment: Deployment, replicaSet: ReplicaSet): Deployment => {
  const revision = replicaSet.metadata.annotations?.[revisionAnnotation]
  return revision === undefined ? deployment : { ...deployment, metadata: { ...deployment.metadata, annotations: { ...deployment.metadata.annotations, [revisionAnnotation]: revision } } }
}

/** The new ReplicaSet found and brought up to date, the rest being old. */
export const startRollout = (deployment: Deployment, replicaSets: readonly ReplicaSet[], now: Date): Rollout => {
  const found = findNew(deployment, replicaSets)
  const old = findOld(replicaSets, found)
  const newest = found && syncedReplicaSet(deployment, found, maxRevision(old) + 1n)
  const rollout: Rollout = { now, deployment, newest, old, surplus: [] }
  if (!newest) return rollout
  const known = findCondition(deployment.status.conditions, 'Progressing') ? deployment : withProgressing(deployment, 'FoundNewReplicaSet', `Found new replica set ${JSON.stringify(newest.metadata.name)}`, now)
  return { ...rollout, deployment: withRevision(known, newest) }
}

/** With a new ReplicaSet to be created, where there was none. */
export const withNewReplicaSet = (rollout: Rollout): Rollout => {
  if (rollout.newest) return rollout
  const newest = draftReplicaSet(rollout.deployment, rollout.old, maxRevision(rollout.old) + 1n)
  const deployment = withProgressing(rollout.deployment, 'NewReplicaSetCreated', `Created new replica set ${JSON.stringify(newest.metadata.name)}`, rollout.now)
  return { ...rollout, newest, deployment: withRevision(deployment, newest) }
}

const resized = (deployment: Deployment, replicaSet: ReplicaSet, scalings: readonly Scaling[]): ReplicaSet => {
  const scaling = scalings.find((each) => each.replicaSet.metadata.name === replicaSet.metadata.name)
  return scaling ? {
    ...replicaSet,
    metadata: { ...replicaSet.metadata, annotations: { ...replicaSet.metadata.annotations, ...sizeAnnotations(deployment) } },
    spec: { ...replicaSet.spec, replicas: scaling.replicas },
  } : replicaSet
}

export const scaled = (rollout: Rollout, scalings: readonly Scaling[]): Rollout => ({
  ...rollout,
  newest: rollout.newest && resized(rollout.deployment, rollout.newest, scalings),
  old: rollout.old.map((each) => resized(rollout.deployment, each, scalings)),
})

const unlimited = 2147483647

/** Old ReplicaSets beyond `revisionHistoryLimit`, those of the lowest revisions first; one that still has pods, or has not been looked at by its own controller, stays. */
const surplusOf = ({ deployment, old }: Rollout): ReplicaSet[] => {
  const limit = deployment.spec.revisionHistoryLimit
  if (limit === undefined || limit === unlimited) return []
  const alive = oldestFirst(old.filter(({ metadata }) => metadata.deletionTimestamp === undefined))
    .sort(byRevision)
  return alive.slice(0, Math.max(0, alive.length - limit)).filter((each) =>
    replicasOf(each) === 0 && !each.status.replicas && (each.metadata.generation ?? 0) <= (each.status.observedGeneration ?? 0))
}

export const cleanedUp = (rollout: Rollout): Rollout => ({ ...rollout, surplus: surplusOf(rollout) })

/** Cleaning up waits until the status that was read says that the rollout is complete. */
export const cleanedUpWhenComplete = (rollout: Rollout): Rollout => (isComplete(rollout.deployment, rollout.deployment.status) ? cleanedUp(rollout) : rollout)
