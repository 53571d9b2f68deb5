/** A budget's status: how many pods may be disturbed now. Mirrors pkg/controller/disruption/disruption.go updatePdbStatus. */
import { timestamp } from '../../api/clock.ts'
import type { Condition, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/types.ts'
import { findCondition } from '../conditions.ts'
import { isPodReady } from '../pod.ts'
import type { Expected } from './expected.ts'

/** A pod whose eviction was granted is deleted within this time, or counts again. */
const deletionTimeoutMilliseconds = 120_000

export interface Disrupted {
  /** Names of pods whose eviction was granted, and when. */
  pods: Record<string, string>
  /** Milliseconds until the first of them counts again. */
  recheck: number | undefined
  /** Those that were not deleted in time. */
  overdue: Pod[]
}

/** Entries whose pods are gone, going, or late fall out. */
export const disruptedOf = ({ status }: PodDisruptionBudget, pods: readonly Pod[], now: Date): Disrupted => {
  const found: Disrupted = { pods: {}, recheck: undefined, overdue: [] }
  const granted = new Map(Object.entries(status.disruptedPods ?? {}))
  for (const pod of pods) {
    const time = granted.get(pod.metadata.name)
    if (time === undefined || pod.metadata.deletionTimestamp !== undefined) continue
    const left = Date.parse(time) + deletionTimeoutMilliseconds - now.getTime()
    if (left < 0) found.overdue.push(pod)
    else {
      found.pods[pod.metadata.name] = time
      found.recheck = Math.min(found.recheck ?? Infinity, left)
    }
  }
  return found
}

const healthy = (pods: readonly Pod[], { pods: disrupted }: Disrupted): number =>
  pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && !Object.hasOwn(disrupted, pod.metadata.name) && isPodReady(pod)).length

/** As apimachinery's meta.SetStatusCondition: the time changes with the status only. */
const withDisruptionAllowed = (conditions: readonly Condition[], next: Omit<Condition, 'type' | 'lastTransitionTime'>, now: Date): Condition[] => {
  const old = findCondition(conditions, 'DisruptionAllowed')
  const condition: Condition = { type: 'DisruptionAllowed', ...next, lastTransitionTime: old?.status === next.status ? old.lastTransitionTime : timestamp(now) }
  return old ? conditions.map((each) => (each === old ? condition : each)) : [...conditions, condition]
}

export const calculateStatus = (budget: PodDisruptionBudget, of: { pods: readonly Pod[]; expected: Expected; disrupted: Disrupted }, now: Date): PodDisruptionBudgetStatus => {
  const { pods, expected: { expectedPods, desiredHealthy }, disrupted } = of
  const currentHealthy = healthy(pods, disrupted)
  // Nothing is allowed while no pods are known: the first ones are safe from the beginning.
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy)
  const generation = budget.metadata.generation ?? 0
  const allowed = disruptionsAllowed > 0 ? { status: 'True', reason: 'SufficientPods' } : { status: 'False', reason: 'InsufficientPods' }
  return {
    currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed, observedGeneration: generation,
    ...(Object.keys(disrupted.pods).length > 0 && { disruptedPods: disrupted.pods }),
    conditions: withDisruptionAllowed(budget.status.conditions ?? [], { ...allowed, message: '', observedGeneration: generation }, now),
  }
}

/** Nothing is allowed when nobody knows how much may be. */
export const failedStatus = (budget: PodDisruptionBudget, message: string, now: Date): PodDisruptionBudgetStatus => ({
  ...budget.status, disruptionsAllowed: 0, currentHealthy: budget.status.currentHealthy ?? 0, desiredHealthy: budget.status.desiredHealthy ?? 0, expectedPods: budget.status.expectedPods ?? 0,
  conditions: withDisruptionAllowed(budget.status.conditions ?? [], { status: 'False', reason: 'SyncFailed', message, observedGeneration: budget.status.observedGeneration }, now),
})
