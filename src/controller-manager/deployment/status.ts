/** A Deployment's status: numbers counted from its ReplicaSets, and whether it is available. Mirrors pkg/controller/deployment/sync.go calculateStatus. */
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/types.ts'
import { timestamp } from '../../api/clock.ts'
import { withCondition } from '../conditions.ts'
import { desiredReplicas, maxUnavailable } from './limits.ts'
import { totalAvailable, totalReplicas } from './replica-sets.ts'

/** A condition that changed now. */
export const condition = (type: string, status: 'True' | 'False' | 'Unknown', because: { reason: string; message: string; now: Date }): DeploymentCondition =>
  ({ type, status, lastUpdateTime: timestamp(because.now), lastTransitionTime: timestamp(because.now), reason: because.reason, message: because.message })

const actualReplicas = (replicaSets: readonly ReplicaSet[]): number => replicaSets.reduce((sum, { status }) => sum + (status.replicas ?? 0), 0)

/** Unknown as long as one of the ReplicaSets has not said. */
const terminating = (replicaSets: readonly ReplicaSet[]): number | undefined =>
  replicaSets.reduce<number | undefined>((sum, { status }) => (sum === undefined || status.terminatingReplicas === undefined ? undefined : sum + status.terminatingReplicas), 0)

const availability = (deployment: Deployment, available: number, now: Date): DeploymentCondition =>
  available >= desiredReplicas(deployment) - maxUnavailable(deployment)
    ? condition('Available', 'True', { reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.', now })
    : condition('Available', 'False', { reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.', now })

/** Zeros are absent, as upstream's encoding leaves them out. */
export const calculateStatus = (deployment: Deployment, replicaSets: { all: readonly ReplicaSet[]; newest: ReplicaSet | undefined }, now: Date): DeploymentStatus => {
  const { all, newest } = replicaSets
  const available = totalAvailable(all)
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: actualReplicas(all) || undefined,
    updatedReplicas: (newest && actualReplicas([newest])) || undefined,
    readyReplicas: all.reduce((sum, { status }) => sum + (status.readyReplicas ?? 0), 0) || undefined,
    availableReplicas: available || undefined,
    unavailableReplicas: Math.max(0, totalReplicas(all) - available) || undefined,
    terminatingReplicas: terminating(all),
    collisionCount: deployment.status.collisionCount,
    conditions: withCondition(deployment.status.conditions, availability(deployment, available, now)),
  }
}

/** Whether the new pods are all there, available, and no old ones are left. Upstream's DeploymentComplete. */
export const isComplete = (deployment: Deployment, status: DeploymentStatus): boolean => {
  const desired = desiredReplicas(deployment)
  return (status.updatedReplicas ?? 0) === desired && (status.replicas ?? 0) === desired && (status.availableReplicas ?? 0) === desired
    && (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
}
