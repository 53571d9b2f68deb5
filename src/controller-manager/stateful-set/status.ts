/** A StatefulSet's status, counted from its pods. Mirrors pkg/controller/statefulset/stateful_set_control.go computeReplicaStatus. */
import type { Pod, StatefulSet, StatefulSetStatus } from '../../api/types.ts'
import { type Availability, isRunningAndAvailable, isRunningAndReady, isTerminating } from './pod-state.ts'
import { replicasOf, revisionOf } from './identity.ts'
import type { Revisions } from './revisions.ts'

const count = (pods: readonly Pod[], counts: (pod: Pod) => boolean): number => pods.filter(counts).length

/** When every pod is of the new revision and ready, the new revision is the current one. */
const completed = (set: StatefulSet, status: StatefulSetStatus): StatefulSetStatus => {
  const all = replicasOf(set)
  const done = set.spec.updateStrategy?.type !== 'OnDelete' && (status.updatedReplicas ?? 0) === all && (status.readyReplicas ?? 0) === all && status.replicas === all
  return done ? { ...status, currentReplicas: status.updatedReplicas, currentRevision: status.updateRevision } : status
}

/** `leaving`: pods that the plan deletes for the update: they count as current ones no more. */
export const calculateStatus = (set: StatefulSet, pods: readonly Pod[], at: { revisions: Revisions; availability: Availability; leaving: number }): StatefulSetStatus => {
  const { current, update, collisionCount } = at.revisions
  const staying = pods.filter((pod) => !isTerminating(pod))
  return completed(set, {
    ...(set.status.conditions && { conditions: set.status.conditions }),
    observedGeneration: set.metadata.generation, collisionCount, currentRevision: current.name, updateRevision: update.name,
    replicas: pods.length, readyReplicas: count(pods, isRunningAndReady) || undefined, availableReplicas: count(pods, (pod) => isRunningAndAvailable(pod, at.availability)),
    currentReplicas: Math.max(0, count(staying, (pod) => revisionOf(pod) === current.name) - at.leaving) || undefined,
    updatedReplicas: count(staying, (pod) => revisionOf(pod) === update.name) || undefined,
  })
}
