/** Deployments: ReplicaSets come and go so that the pods become those of the template. Mirrors pkg/controller/deployment. */
import { Deployments, Pods, ReplicaSets } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import { selectorFromObject } from '../../api/selector.ts'
import type { Deployment, Pod, ReplicaSet } from '../../api/types.ts'
import { type Action, event, updateStatus } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { findCondition, withCondition } from '../conditions.ts'
import { candidatesOf, claim, controlledBy, controllerIn, keysOfOwner } from '../owners.ts'
import { newReplicaSetName } from './new-replica-set.ts'
import { actionsOf } from './actions.ts'
import { hasProgressDeadline, withProgress } from './progress.ts'
import { active, replicasOf, sameTemplate } from './replica-sets.ts'
import { scaleNew, scaleOld } from './rolling.ts'
import { allOf, cleanedUp, cleanedUpWhenComplete, type Rollout, scaled, startRollout, withNewReplicaSet } from './rollout.ts'
import { isScalingEvent, scaleAll } from './scale.ts'
import { calculateStatus, condition } from './status.ts'

/** Tells that a pause began or ended, so that the time it took does not count against the deadline. */
const withPauseConditions = (deployment: Deployment, now: Date): Deployment => {
  const current = findCondition(deployment.status.conditions, 'Progressing')
  const told = current?.reason === 'DeploymentPaused'
  if (!hasProgressDeadline(deployment) || current?.reason === 'ProgressDeadlineExceeded' || Boolean(deployment.spec.paused) === told) return deployment
  const next = deployment.spec.paused
    ? condition('Progressing', 'Unknown', { reason: 'DeploymentPaused', message: 'Deployment is paused', now })
    : condition('Progressing', 'Unknown', { reason: 'DeploymentResumed', message: 'Deployment is resumed', now })
  return { ...deployment, status: { ...deployment.status, conditions: withCondition(deployment.status.conditions, next) } }
}

/** One step of a rolling update: first up, then down, each as far as the limits allow. */
const roll = (rollout: Rollout): Rollout => {
  const started = withNewReplicaSet(rollout)
  if (!started.newest) return started
  const up = scaleNew(started.deployment, allOf(started), started.newest)
  if (up) return scaled(started, [up])
  const down = scaleOld(started.deployment, active(started.old), started.newest)
  return down.length > 0 ? scaled(started, down) : cleanedUpWhenComplete(started)
}

const isGone = ({ status }: Pod): boolean => status.phase === 'Failed' || status.phase === 'Succeeded'

/** Recreate: every old pod must be gone before the first new one comes. */
const recreate = (rollout: Rollout, podsOf: (replicaSet: ReplicaSet) => readonly Pod[]): Rollout => {
  const down = active(rollout.old).map((replicaSet) => ({ replicaSet, replicas: 0 }))
  if (down.length > 0) return scaled(rollout, down)
  if (rollout.old.some((each) => (each.status.replicas ?? 0) > 0 || podsOf(each).some((pod) => !isGone(pod)))) return rollout
  const started = withNewReplicaSet(rollout)
  const up = started.newest && scaleNew(started.deployment, allOf(started), started.newest)
  return cleanedUpWhenComplete(up ? scaled(started, [up]) : started)
}

/** The next state of the Deployment and its ReplicaSets, with the status that goes with it. */
export const nextRollout = (deployment: Deployment, replicaSets: readonly ReplicaSet[], at: { now: Date; podsOf(replicaSet: ReplicaSet): readonly Pod[] }): Rollout => {
  const { now } = at
  const counted = (rollout: Rollout, withProgressToo: boolean): Rollout => {
    const status = calculateStatus(rollout.deployment, { all: allOf(rollout), newest: rollout.newest }, now)
    return { ...rollout, deployment: { ...rollout.deployment, status: withProgressToo ? withProgress(rollout.deployment, status, { all: allOf(rollout), newest: rollout.newest, now }) : status } }
  }
  if (deployment.metadata.deletionTimestamp !== undefined) return counted(startRollout(deployment, replicaSets, now), false)
  const rollout = startRollout(withPauseConditions(deployment, now), replicaSets, now)
  if (deployment.spec.paused || isScalingEvent(deployment, allOf(rollout))) {
    const resized = scaled(rollout, scaleAll(rollout.deployment, rollout.newest, rollout.old))
    return counted(deployment.spec.paused ? cleanedUp(resized) : resized, false)
  }
  return counted(deployment.spec.strategy?.type === 'Recreate' ? recreate(rollout, at.podsOf) : roll(rollout), true)
}

const selectsAll = ({ spec }: Deployment): boolean => Object.keys(spec.selector.matchLabels ?? {}).length === 0 && (spec.selector.matchExpressions ?? []).length === 0

const refuseAll = (deployment: Deployment): Action[] => [
  event(Deployments, deployment, { type: 'Warning', reason: 'SelectingAll', message: 'This deployment is selecting all pods. A non-empty selector is required.' }),
  ...((deployment.status.observedGeneration ?? 0) < (deployment.metadata.generation ?? 0)
    ? [updateStatus(Deployments, { ...deployment, status: { ...deployment.status, observedGeneration: deployment.metadata.generation } })] : []),
]

/** Another ReplicaSet has the name that the new one would get: the next attempt hashes a higher collision count. */
const collides = (world: World, deployment: Deployment, next: Rollout): boolean => {
  if (next.newest?.metadata.uid !== '') return false
  const other = world.get(ReplicaSets, keyOf({ metadata: { namespace: deployment.metadata.namespace, name: newReplicaSetName(deployment).name } }))
  return other !== undefined && !(other.spec.template && sameTemplate(other.spec.template, deployment.spec.template) && controllerIn(world, Deployments, other) === deployment)
}

export const planDeployment = (key: string, world: World): Action[] => {
  const deployment = world.get(Deployments, key)
  if (!deployment) return []
  if (selectsAll(deployment)) return refuseAll(deployment)
  const { mine, actions } = claim(deployment, { kind: ReplicaSets, ownerKind: Deployments, selector: selectorFromObject(deployment.spec.selector), candidates: candidatesOf(world, ReplicaSets, deployment) })
  if (actions.length > 0) return actions
  const next = nextRollout(deployment, mine, { now: world.now, podsOf: (replicaSet) => controlledBy(world, Pods, replicaSet) })
  if (collides(world, deployment, next)) return [updateStatus(Deployments, { ...deployment, status: { ...deployment.status, collisionCount: (deployment.status.collisionCount ?? 0) + 1 } })]
  return actionsOf(next, { deployment, replicaSets: mine })
}

/** Only Recreate waits for pods to go. */
const keysOfPod = (pod: Pod, world: World): string[] => {
  const replicaSet = controllerIn(world, ReplicaSets, pod)
  const deployment = replicaSet && controllerIn(world, Deployments, replicaSet)
  return deployment?.spec.strategy?.type === 'Recreate' && replicaSet && replicasOf(replicaSet) === 0 ? [keyOf(deployment)] : []
}

export const deployments: Reconciler = {
  name: 'deployment-controller',
  watches: [
    watching(Deployments, (deployment) => [keyOf(deployment)]),
    watching(ReplicaSets, keysOfOwner(Deployments)),
    watching(Pods, keysOfPod, { matters: (pod, previous) => !pod || (isGone(pod) && !(previous && isGone(previous))) }),
  ],
  plan: planDeployment,
}
