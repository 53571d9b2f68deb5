/**
 * What is to be done for a pod that shall stop: everything is asked to stop at once, but sidecars only when what they serve is gone, the last
 * one first; then the sandbox. Mirrors kuberuntime's killContainersWithSyncResult and its termination ordering. Pure.
 */
import type { Pod } from '../../src/api/types.ts'
import { type Observed, runningOf } from './observed.ts'
import type { PodAction } from './plan.ts'
import { findContainer, initContainersOf } from './pod.ts'
import type { ContainerState } from './runtime/runtime.ts'

// Upstream's minimumGracePeriodInSeconds: what comes late in the order still gets a moment.
const minimumGraceSeconds = 2

export interface TerminationInput {
  pod: Pod
  observed: Observed
  graceSeconds: number
  /** When the stop began; this, `killDeadline` and `now` are of the monotonic clock: setting the other one neither takes grace away nor gives more. */
  since: number
  /** When the stop of an attempt that is under way will end in SIGKILL; undefined if nobody stops it. */
  killDeadline(state: ContainerState): number | undefined
  now: number
}

export interface TerminationPlan {
  actions: PodAction[]
  /** Nothing runs any more, the sandbox included. */
  stopped: boolean
  /** Look again after so long, if nothing happens before. */
  wakeMilliseconds?: number
}

export const planTermination = (input: TerminationInput): TerminationPlan => {
  const { pod, observed, now } = input
  const spares: PodAction[] = observed.containers.filter(({ state }) => state === 'created')
    .map(({ name, attempt }) => ({ do: 'removeContainer', container: name, attempt }))
  const running = runningOf(observed)
  if (running.length === 0) {
    return observed.sandbox?.ready ? { actions: [...spares, { do: 'stopSandbox' }], stopped: false } : { actions: spares, stopped: true }
  }
  const deadline = input.since + input.graceSeconds * 1000
  const turn = running.filter((state) => now >= deadline || !waitsFor(pod, state, running))
  const remaining = Math.ceil(Math.max(0, deadline - now) / 1000)
  const kills = turn.flatMap((state): PodAction[] => {
    const graceSeconds = isSidecar(pod, state) ? Math.max(minimumGraceSeconds, remaining) : input.graceSeconds
    const underWay = input.killDeadline(state)
    // A later, shorter deletion shortens what is under way; its preStop hook is not run twice.
    if (underWay !== undefined && underWay <= Math.max(deadline, now + minimumGraceSeconds * 1000) + 1000) return []
    return [{ do: 'killContainer', container: state.name, attempt: state.attempt, reason: 'podStops', message: `Stopping container ${state.name}`,
      graceSeconds: underWay === undefined ? graceSeconds : Math.max(minimumGraceSeconds, remaining), preStop: underWay === undefined }]
  })
  return { actions: [...kills, ...spares], stopped: false, ...(turn.length < running.length && { wakeMilliseconds: Math.max(0, deadline - now) }) }
}

const isSidecar = (pod: Pod, state: ContainerState): boolean => findContainer(pod, state.name)?.role === 'sidecar'

/** A sidecar waits for the containers and for the sidecars that started after it. */
const waitsFor = (pod: Pod, state: ContainerState, running: readonly ContainerState[]): boolean => {
  if (!isSidecar(pod, state)) return false
  const order = initContainersOf(pod).map(({ container }) => container.name)
  return running.some((other) => !isSidecar(pod, other) || order.indexOf(other.name) > order.indexOf(state.name))
}
