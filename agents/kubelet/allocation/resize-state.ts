/** How far a resize has got, as it is remembered, and as conditions and events tell it. Pure. Mirrors pkg/kubelet/status (resize conditions) and pkg/kubelet/events/resize.go. */
import { timestamp } from '../../../src/api/clock.ts'
import type { Pod, PodCondition, ResourceRequirements } from '../../../src/api/types.ts'

export interface ResizeState {
  /** `since`: milliseconds since the epoch. */
  pending?: { reason: 'Infeasible' | 'Deferred'; message: string; generation: number; since: number }
  /** `error`: what went wrong when it was last tried. */
  inProgress?: { error?: string; generation: number; since: number }
}

export const resizeConditions = ({ pending, inProgress }: ResizeState): PodCondition[] => [
  ...(pending ? [{ type: 'PodResizePending', status: 'True', reason: pending.reason, message: pending.message, observedGeneration: pending.generation, lastTransitionTime: timestamp(new Date(pending.since)) }] : []),
  ...(inProgress ? [{ type: 'PodResizeInProgress', status: 'True', ...(inProgress.error !== undefined && { reason: 'Error', message: inProgress.error }),
    observedGeneration: inProgress.generation, lastTransitionTime: timestamp(new Date(inProgress.since)) }] : []),
]

const listed = (resources: ResourceRequirements | undefined): object => ({ ...(resources?.limits && { limits: resources.limits }), ...(resources?.requests && { requests: resources.requests }) })

/** `Pod resize started: {"containers":[…],"generation":2}`, with `resources` before where the pod as a whole has them. */
export const resizeMessage = (words: string, { spec }: Pod, generation: number, error?: string): string => {
  const named = (containers: Pod['spec']['containers'] | undefined): object[] => (containers ?? []).map(({ name, resources }) => ({ name, resources: listed(resources) }))
  const init = named(spec.initContainers)
  return `Pod resize ${words}: ${JSON.stringify({ ...(spec.resources && { resources: listed(spec.resources) }), ...(init.length > 0 && { initContainers: init }), containers: named(spec.containers), generation, ...(error && { error }) })}`
}
