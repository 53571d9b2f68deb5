/** Whether a rollout gets on, is done, or has been stuck for longer than its deadline. Mirrors pkg/controller/deployment/progress.go. */
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/types.ts'
import { findCondition, withCondition, withoutCondition } from '../conditions.ts'
import { condition, isComplete } from './status.ts'

const noDeadline = 2147483647

export const hasProgressDeadline = ({ spec }: Deployment): boolean => spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== noDeadline

/** Whether more new pods, fewer old ones, or more ready or available ones are there than the Deployment's status says. */
export const isProgressing = (old: DeploymentStatus, next: DeploymentStatus): boolean => {
  const oldPods = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus): number => replicas - updatedReplicas
  return (next.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) || oldPods(next) < oldPods(old)
    || (next.readyReplicas ?? 0) > (old.readyReplicas ?? 0) || (next.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
}

const deadlineOf = (deployment: Deployment, progressing: DeploymentCondition): number =>
  Date.parse(progressing.lastUpdateTime ?? '') + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000

/** True once the deadline has passed since the condition was last updated; a rollout that ended never times out. */
export const isTimedOut = (deployment: Deployment, status: DeploymentStatus, now: Date): boolean => {
  const progressing = findCondition(status.conditions, 'Progressing')
  if (!hasProgressDeadline(deployment) || !progressing || progressing.reason === 'NewReplicaSetAvailable') return false
  return progressing.reason === 'ProgressDeadlineExceeded' || deadlineOf(deployment, progressing) < now.getTime()
}

/** Milliseconds until the deadline must be looked at (one second after it, so that rounding cannot miss it); undefined when no deadline runs. */
export const millisecondsToDeadline = (deployment: Deployment, status: DeploymentStatus, now: Date): number | undefined => {
  const progressing = findCondition(status.conditions, 'Progressing')
  if (!hasProgressDeadline(deployment) || !progressing || deployment.spec.paused || progressing.reason === 'ProgressDeadlineExceeded' || isComplete(deployment, status)) return undefined
  return Math.max(0, deadlineOf(deployment, progressing) - now.getTime()) + 1000
}

const replicaFailure = (all: readonly ReplicaSet[], newest: ReplicaSet | undefined): DeploymentCondition | undefined => {
  const failure = [...(newest ? [newest] : []), ...all].flatMap(({ status }) => status.conditions ?? []).find(({ type }) => type === 'ReplicaFailure')
  return failure && { ...failure, lastUpdateTime: failure.lastTransitionTime }
}

const progressCondition = (deployment: Deployment, status: DeploymentStatus, at: { newest: ReplicaSet | undefined; now: Date }): DeploymentCondition[] | undefined => {
  const { newest, now } = at
  const subject = newest ? `ReplicaSet ${JSON.stringify(newest.metadata.name)}` : `Deployment ${JSON.stringify(deployment.metadata.name)}`
  const conditions = status.conditions
  if (isComplete(deployment, status)) return withCondition(conditions, condition('Progressing', 'True', { reason: 'NewReplicaSetAvailable', message: `${subject} has successfully progressed.`, now }))
  if (isProgressing(deployment.status, status)) {
    const current = findCondition(conditions, 'Progressing')
    const next = condition('Progressing', 'True', { reason: 'ReplicaSetUpdated', message: `${subject} is progressing.`, now })
    // Every sign of progress restarts the deadline, so the update time moves even when the reason stays.
    return [...withoutCondition(conditions, 'Progressing'), current?.status === 'True' ? { ...next, lastTransitionTime: current.lastTransitionTime } : next]
  }
  if (isTimedOut(deployment, status, now)) return withCondition(conditions, condition('Progressing', 'False', { reason: 'ProgressDeadlineExceeded', message: `${subject} has timed out progressing.`, now }))
  return conditions
}

/** The counted status with Progressing and ReplicaFailure brought up to date. */
export const withProgress = (deployment: Deployment, counted: DeploymentStatus, at: { all: readonly ReplicaSet[]; newest: ReplicaSet | undefined; now: Date }): DeploymentStatus => {
  const current = findCondition(deployment.status.conditions, 'Progressing')
  const finished = counted.replicas === counted.updatedReplicas && current?.reason === 'NewReplicaSetAvailable'
  let conditions = counted.conditions
  if (!hasProgressDeadline(deployment)) conditions = withoutCondition(conditions, 'Progressing')
  else if (!finished) conditions = progressCondition(deployment, counted, at)
  const failure = replicaFailure(at.all, at.newest)
  return { ...counted, conditions: failure ? withCondition(conditions, failure) : withoutCondition(conditions, 'ReplicaFailure') }
}
