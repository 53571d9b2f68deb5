/** A ReplicaSet's status. Mirrors pkg/controller/replicaset/replica_set_utils.go. */
import { timestamp } from '../../api/clock.ts'
import { selectorFromLabels, selectorMatches } from '../../api/selector.ts'
import type { Pod, ReplicaSet, ReplicaSetStatus } from '../../api/types.ts'
import { findCondition, withCondition, withoutCondition } from '../conditions.ts'
import { isPodAvailable, isPodReady } from '../pod.ts'

/** Counted from pods that are active and from those that are being deleted. A failure condition is taken away: whoever writes this status has succeeded. */
export const calculateStatus = (replicaSet: ReplicaSet, pods: { active: readonly Pod[]; terminating: readonly Pod[] }, now: Date): ReplicaSetStatus => {
  const templateLabels = selectorFromLabels(replicaSet.spec.template?.metadata?.labels ?? {})
  const ready = pods.active.filter(isPodReady)
  const { conditions } = replicaSet.status
  return {
    ...replicaSet.status,
    observedGeneration: replicaSet.metadata.generation,
    replicas: pods.active.length,
    fullyLabeledReplicas: pods.active.filter(({ metadata }) => selectorMatches(templateLabels, metadata.labels)).length || undefined,
    readyReplicas: ready.length || undefined,
    availableReplicas: ready.filter((pod) => isPodAvailable(pod, replicaSet.spec.minReadySeconds ?? 0, now)).length || undefined,
    terminatingReplicas: pods.terminating.length,
    conditions: findCondition(conditions, 'ReplicaFailure') ? withoutCondition(conditions, 'ReplicaFailure') : conditions,
  }
}

/** `counted`, saying why pods could not be created or deleted. A failure that is told already stays as it was told: messages hold names that are new with every try. */
export const failedStatus = ({ status }: ReplicaSet, counted: ReplicaSetStatus, failure: { reason: 'FailedCreate' | 'FailedDelete'; message: string; now: Date }): ReplicaSetStatus => {
  const told = findCondition(status.conditions, 'ReplicaFailure')
  const { reason, message, now } = failure
  return {
    ...counted,
    conditions: told?.status === 'True' && told.reason === reason ? status.conditions : withCondition(counted.conditions, { type: 'ReplicaFailure', status: 'True', lastTransitionTime: timestamp(now), reason, message }),
  }
}
