/** Whether disruption budgets allow an eviction. Mirrors checkAndDecrement and what surrounds it in upstream's `pkg/registry/core/pod/storage/eviction.go`. Pure. */
import { timestamp } from '../../api/clock.ts'
import { SelectorError } from '../../api/requirement.ts'
import { selectorFromObject, selectorMatches } from '../../api/selector.ts'
import { forbidden, StatusError } from '../../api/status.ts'
import type { Condition, Pod, PodDisruptionBudget } from '../../api/types.ts'

/** Evictions that the disruption controller has not seen yet. */
const maxDisruptedPods = 2000
const resource = { group: 'policy', plural: 'poddisruptionbudget' }
const conditionType = 'DisruptionAllowed'

const isReady = ({ status }: Pod): boolean => (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True')
export const hasEnded = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed'
/** Pods whose going disrupts nobody: not begun, ended, or going already. */
export const needsNoBudget = (pod: Pod): boolean => hasEnded(pod) || pod.status.phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined

const selects = ({ spec }: PodDisruptionBudget, pod: Pod): boolean => {
  try {
    return selectorMatches(selectorFromObject(spec.selector), pod.metadata.labels)
  } catch (error) {
    if (error instanceof SelectorError) return false
    throw error
  }
}

export const budgetsOf = (pod: Pod, budgets: readonly PodDisruptionBudget[]): PodDisruptionBudget[] =>
  (Object.keys(pod.metadata.labels ?? {}).length === 0 ? [] : budgets.filter((budget) => selects(budget, pod)))

/** A pod that is not ready counts for nothing, so that its going costs nothing where the rest suffices. */
export const costsNothing = (pod: Pod, { spec, status }: PodDisruptionBudget): boolean => {
  if (isReady(pod)) return false
  const { currentHealthy = 0, desiredHealthy = 0 } = status
  return spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' || (currentHealthy >= desiredHealthy && desiredHealthy > 0)
}

const refused = (cause: string, retryAfterSeconds = 0): StatusError => new StatusError({
  kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: "Cannot evict pod as it would violate the pod's disruption budget.", reason: 'TooManyRequests',
  details: { causes: [{ reason: 'DisruptionBudget', message: cause }], ...(retryAfterSeconds > 0 && { retryAfterSeconds }) }, code: 429,
})

/** The budget has changed, or the pod has: the client may try again soon. */
export const stillProcessed = (name: string): StatusError => refused(`The disruption budget ${name} is still being processed by the server.`, 10)

export const severalBudgets = (): StatusError => new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure',
  message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.', code: 500 })

const notAllowed = ({ metadata, status }: PodDisruptionBudget): StatusError => {
  const failed = status.conditions?.find(({ type, status: is, reason }) => type === conditionType && is === 'False' && reason === 'SyncFailed')
  if (failed) return refused(`The disruption budget ${metadata.name} does not allow evicting pods currently because it failed sync: ${failed.message}`)
  return refused(`The disruption budget ${metadata.name} needs ${status.desiredHealthy ?? 0} healthy pods and has ${status.currentHealthy ?? 0} currently`)
}

/** No disruption is left now. */
const exhausted = ({ metadata, status }: PodDisruptionBudget, now: Date): Condition[] => {
  const conditions = status.conditions ?? []
  const before = conditions.find(({ type }) => type === conditionType)
  const condition: Condition = {
    type: conditionType, status: 'False', ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
    lastTransitionTime: before?.status === 'False' ? before.lastTransitionTime : timestamp(now), reason: 'InsufficientPods', message: '',
  }
  return before ? conditions.map((each) => (each === before ? condition : each)) : [...conditions, condition]
}

/** The budget after the eviction. Throws 429 or 403 where it does not allow one. */
export const spend = (budget: PodDisruptionBudget, podName: string, now: Date): PodDisruptionBudget => {
  const { metadata, status } = budget
  const { disruptionsAllowed = 0, disruptedPods = {} } = status
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) throw stillProcessed(metadata.name)
  if (disruptionsAllowed < 0) throw forbidden(resource, metadata.name, 'pdb disruptions allowed is negative')
  if (Object.keys(disruptedPods).length > maxDisruptedPods) throw forbidden(resource, metadata.name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  if (disruptionsAllowed === 0) throw notAllowed(budget)
  return { ...budget, status: {
    ...status, disruptionsAllowed: disruptionsAllowed - 1, disruptedPods: { ...disruptedPods, [podName]: timestamp(now) },
    ...(disruptionsAllowed === 1 && { conditions: exhausted(budget, now) }),
  } }
}
