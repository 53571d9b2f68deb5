/**
 * From what containers run with to what is allocated to them: which are restarted for it, and what is written to which cgroup in which order. Pure.
 * Mirrors computePodResizeAction and doPodResizeAction (pkg/kubelet/kuberuntime/kuberuntime_manager.go).
 */
import type { Container, Pod, ResourceRequirements } from '../../../src/api/types.ts'
import { isRunning, currentOf, type Observed } from '../observed.ts'
import { initContainersOf, mainContainersOf } from '../pod.ts'
import { containerLimits, sandboxLimits } from '../resources.ts'
import type { ContainerState, ResourceLimits } from '../runtime/runtime.ts'

export interface ResizeStep {
  /** undefined: the pod's own cgroup. */
  container?: string
  resource: 'memory' | 'cpu'
  limits: ResourceLimits
  /** The limit is smaller than the one before, or is the first: not below what is in use. */
  lowersMemory?: true
}

export interface ResizePlan { restarts: ContainerState[]; steps: ResizeStep[] }

export interface ResizePlanInput {
  /** With what is allocated to it. */
  pod: Pod
  observed: Observed
  /** With what an attempt runs; undefined: nobody remembers, and it counts as being as it should. */
  actuated(state: ContainerState): ResourceRequirements | undefined
  /** The limits of its pod as a whole with which an attempt runs, where it has none of its own; undefined: those of now. */
  actuatedWhole?(state: ContainerState): Record<string, string> | undefined
  /** The pod's cgroup as it was last written. */
  podLimits: ResourceLimits | undefined
  isBeingKilled(state: ContainerState): boolean
}

interface Running { container: Container; state: ContainerState; now: ResourceLimits; desired: ResourceLimits }

const memoryKeys = ['memoryLimitBytes'] as const
const cpuLimitKeys = ['cpuQuotaMicroseconds', 'cpuPeriodMicroseconds'] as const
const cpuKeys = [...cpuLimitKeys, 'cpuShares'] as const

const pick = (limits: ResourceLimits, keys: readonly (keyof ResourceLimits)[]): ResourceLimits => Object.fromEntries(keys.flatMap((key) => (limits[key] === undefined ? [] : [[key, limits[key]]])))
const differs = ({ now, desired }: Pick<Running, 'now' | 'desired'>, keys: readonly (keyof ResourceLimits)[]): boolean => keys.some((key) => now[key] !== desired[key])
const size = (limits: ResourceLimits, key: Exclude<keyof ResourceLimits, 'hugePages'>): number => limits[key] ?? Infinity

const mustRestart = (running: Running): boolean => {
  const restarts = (resource: string): boolean => running.container.resizePolicy?.some(({ resourceName, restartPolicy }) => resourceName === resource && restartPolicy === 'RestartContainer') ?? false
  return (differs(running, memoryKeys) && restarts('memory')) || (differs(running, cpuKeys) && restarts('cpu'))
}

const runningContainers = ({ pod, observed, actuated, actuatedWhole, isBeingKilled }: ResizePlanInput): Running[] =>
  [...initContainersOf(pod).filter(({ role }) => role === 'sidecar'), ...mainContainersOf(pod)].flatMap(({ container }) => {
    const state = currentOf(observed, container.name)
    if (!state || !isRunning(state) || isBeingKilled(state)) return []
    const resources = actuated(state)
    const whole = pod.spec.resources?.limits
    return resources === undefined ? [] : [{ container, state, now: containerLimits({ ...container, resources }, actuatedWhole?.(state) ?? whole), desired: containerLimits(container, whole) }]
  })

/** The pod's cgroup grows before its containers do, limits before requests, and shrinks after them, requests before limits. */
const podSteps = (now: ResourceLimits, desired: ResourceLimits, resource: 'memory' | 'cpu'): { before: ResizeStep[]; after: ResizeStep[] } => {
  const [limitKeys, limit] = resource === 'memory' ? [memoryKeys, 'memoryLimitBytes' as const] : [cpuLimitKeys, 'cpuQuotaMicroseconds' as const]
  const limits: ResizeStep = { resource, limits: pick(desired, limitKeys) }
  const shares: ResizeStep = { resource, limits: pick(desired, ['cpuShares']) }
  // What is not limited any more stays limited as it was: upstream does not remove limits of a pod that runs.
  const [was, becomes] = [size(now, limit), desired[limit] ?? size(now, limit)]
  const [wasShares, becomesShares] = resource === 'cpu' ? [now.cpuShares ?? 0, desired.cpuShares ?? 0] : [0, 0]
  return {
    before: [...(becomes > was ? [limits] : []), ...(becomesShares > wasShares ? [shares] : [])],
    after: [...(becomesShares < wasShares ? [shares] : []), ...(becomes < was ? [{ ...limits, ...(resource === 'memory' && { lowersMemory: true as const }) }] : [])],
  }
}

/** Those that give come before those that take. */
const containerSteps = (running: readonly Running[], resource: 'memory' | 'cpu'): ResizeStep[] => {
  const [keys, limit] = resource === 'memory' ? [memoryKeys, 'memoryLimitBytes' as const] : [cpuKeys, 'cpuQuotaMicroseconds' as const]
  const growth = ({ now, desired }: Running): number => {
    const key = size(now, limit) === size(desired, limit) && resource === 'cpu' ? 'cpuShares' : limit
    return size(desired, key) > size(now, key) ? 1 : -1
  }
  return running.filter((each) => differs(each, keys) && Object.keys(pick(each.desired, keys)).length > 0).sort((left, right) => growth(left) - growth(right)).map((each) => ({
    container: each.container.name, resource, limits: pick(each.desired, keys), ...(resource === 'memory' && growth(each) < 0 && { lowersMemory: true as const }),
  }))
}

export const planResize = (input: ResizePlanInput): ResizePlan => {
  const running = runningContainers(input)
  const restarted = running.filter(mustRestart)
  const kept = running.filter((each) => !restarted.includes(each))
  const settled = restarted.length === 0 && !input.observed.containers.some((state) => isRunning(state) && input.isBeingKilled(state))
  const desired = sandboxLimits(input.pod)
  const now = input.podLimits ?? desired
  const steps = (['memory', 'cpu'] as const).flatMap((resource) => {
    const { before, after } = podSteps(now, desired, resource)
    // What is restarted takes its old limits with it; until then the pod does not shrink.
    return [...before, ...containerSteps(kept, resource), ...(settled ? after : [])]
  })
  return { restarts: restarted.map(({ state }) => state), steps }
}

/** Nothing is left to be done for a resize. */
export const isResized = (input: ResizePlanInput): boolean => {
  const { restarts, steps } = planResize({ ...input, isBeingKilled: () => false })
  return restarts.length === 0 && steps.length === 0
}
