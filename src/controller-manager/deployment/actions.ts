/** What turns a Deployment and its ReplicaSets into the planned ones: creations, updates with their events, deletions, the status. */
import { Deployments, ReplicaSets } from '../../api/kinds.ts'
import type { StatusError } from '../../api/status.ts'
import type { Deployment, ReplicaSet } from '../../api/types.ts'
import { type Action, create, event, remove, update, updateStatus } from '../../client/action.ts'
import { sameMeaning } from '../canonical.ts'
import { withCondition } from '../conditions.ts'
import { revisionAnnotation } from './annotations.ts'
import { hasProgressDeadline, millisecondsToDeadline } from './progress.ts'
import { replicasOf } from './replica-sets.ts'
import type { Rollout } from './rollout.ts'
import { condition } from './status.ts'

const scalingEvent = (deployment: Deployment, replicaSet: ReplicaSet, from: number): Action[] => {
  const to = replicasOf(replicaSet)
  return to === from ? [] : [event(Deployments, deployment, {
    type: 'Normal', reason: 'ScalingReplicaSet', message: `Scaled ${to > from ? 'up' : 'down'} replica set ${replicaSet.metadata.name} from ${from} to ${to}`,
  })]
}

/** Another controller, or this one a moment ago, took the name: the next look at the world decides. A namespace that is going needs no complaint. */
const isExpected = (error: StatusError): boolean => error.reason === 'AlreadyExists' || Boolean(error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating'))

const creationFailed = (deployment: Deployment, replicaSet: ReplicaSet, now: Date) => (error: StatusError): Action[] => {
  if (isExpected(error)) return []
  const reason = 'ReplicaSetCreateError'
  const message = `Failed to create new replica set ${JSON.stringify(replicaSet.metadata.name)}: ${error.message}`
  const conditions = withCondition(deployment.status.conditions, condition('Progressing', 'False', { reason, message, now }))
  return [
    ...(hasProgressDeadline(deployment) ? [updateStatus(Deployments, { ...deployment, status: { ...deployment.status, conditions } })] : []),
    event(Deployments, deployment, { type: 'Warning', reason, message }),
  ]
}

const replicaSetActions = (next: ReplicaSet, read: { deployment: Deployment; replicaSets: readonly ReplicaSet[] }, now: Date): Action[] => {
  const { deployment } = read
  if (next.metadata.uid === '') {
    const { status: _, metadata: { uid: _uid, resourceVersion: _rv, creationTimestamp: _time, ...metadata }, ...rest } = next
    return [create(ReplicaSets, { ...rest, metadata }, { then: () => scalingEvent(deployment, next, 0), otherwise: creationFailed(deployment, next, now) })]
  }
  const before = read.replicaSets.find(({ metadata }) => metadata.uid === next.metadata.uid)
  const unchanged = before && sameMeaning(before.spec, next.spec) && sameMeaning(before.metadata.annotations, next.metadata.annotations)
  return unchanged ? [] : [update(ReplicaSets, next, { then: () => scalingEvent(deployment, next, before ? replicasOf(before) : 0) })]
}

/** `read` is what the plan began with; what did not change is not written. */
export const actionsOf = (next: Rollout, read: { deployment: Deployment; replicaSets: readonly ReplicaSet[] }): Action[] => {
  const { deployment } = next
  const changed = !sameMeaning(deployment.status, read.deployment.status)
    || deployment.metadata.annotations?.[revisionAnnotation] !== read.deployment.metadata.annotations?.[revisionAnnotation]
  const deadline = millisecondsToDeadline(deployment, deployment.status, next.now)
  return [
    ...[...(next.newest ? [next.newest] : []), ...next.old].flatMap((each) => replicaSetActions(each, read, next.now)),
    ...next.surplus.map((each) => remove(ReplicaSets, each)),
    ...(changed ? [updateStatus(Deployments, deployment)] : []),
    ...(deadline === undefined ? [] : [{ do: 'requeueAfter' as const, milliseconds: deadline }]),
  ]
}
