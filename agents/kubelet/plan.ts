/**
 * What is to be done for a pod that shall run: a pure function from the pod, what the runtime says, what the probes say and the back-off
 * state to a list of actions. Mirrors kuberuntime's computePodActions, computeInitContainerActions and doBackOff
 * (pkg/kubelet/kuberuntime/kuberuntime_manager.go). What is to be done for one that shall stop: plan-termination.ts.
 */
import type { Container, Pod, ResourceRequirements } from '../../src/api/types.ts'
import { planResize, type ResizeStep } from './allocation/resize-plan.ts'
import { type BackOff, remainingBackOff } from './back-off.ts'
import { currentOf, isRunning, type Observed, runningOf, spareOf } from './observed.ts'
import { type ContainerRole, containersOf, ephemeralContainersOf, initContainersOf, mainContainersOf, type RoledContainer } from './pod.ts'
import { mayRestart, podMayRestart, restartsAfter } from './restart-policy.ts'
import type { ContainerState, ResourceLimits } from './runtime/runtime.ts'

export type KillReason = 'livenessProbe' | 'startupProbe' | 'definition' | 'resize' | 'unknownState' | 'sandbox' | 'podStops'

/** Everything that the kubelet can do to a pod. Each has an executor (executors.ts). */
export type PodAction =
  /** Another sandbox in place of one that is lost: tell it, stop what is left of the old one. */
  | { do: 'discardSandbox' }
  | { do: 'createSandbox'; attempt: number }
  | { do: 'startContainer'; container: string; role: ContainerRole; attempt: number; armed: boolean }
  /** It would start, but has to wait. */
  | { do: 'holdBack'; container: string; role: ContainerRole; delayMilliseconds: number; remainingMilliseconds: number }
  /** Prepare the next attempt of a container that runs, so that its restart is quick. */
  | { do: 'armContainer'; container: string; attempt: number }
  | { do: 'killContainer'; container: string; attempt: number; graceSeconds: number; reason: KillReason; message: string; preStop: boolean }
  /** Give running containers and the pod's cgroup what is allocated to them, step by step. */
  | { do: 'resize'; steps: ResizeStep[] }
  /** Forget a dead attempt, or disarm a spare. */
  | { do: 'removeContainer'; container: string; attempt: number }
  | { do: 'stopSandbox' }

export type ProbeVerdict = 'success' | 'failure' | 'unknown'

export interface PlanInput {
  pod: Pod
  observed: Observed
  /** The newest verdict for this attempt of a container; undefined before the first, or without such a probe. */
  verdict(probe: 'liveness' | 'startup', state: ContainerState): ProbeVerdict | undefined
  /** The image with which an attempt was made, if it is known. */
  imageOf(state: ContainerState): string | undefined
  backOff(container: string): BackOff | undefined
  /** The number for the next attempt of a container, from what is known beyond the runtime (checkpoint, status). */
  nextAttempt(container: string): number
  nextSandboxAttempt: number
  /** Attempts that are being stopped now. */
  isBeingKilled(state: ContainerState): boolean
  /** With what an attempt runs, and the limits of the pod's cgroup, where somebody remembers. */
  actuated(state: ContainerState): ResourceRequirements | undefined
  /** Limits of the pod as a whole with which it runs. */
  actuatedWhole?(state: ContainerState): Record<string, string> | undefined
  podLimits: ResourceLimits | undefined
  /** The attempt was stopped to be started with other resources. */
  resizeOf(state: ContainerState): boolean
  /** Whether a spare may be armed for this container. */
  mayArm(container: string): boolean
  /** Milliseconds since the epoch. */
  now: number
}

export const plan = (input: PlanInput): PodAction[] => {
  const { pod, observed } = input
  if (isSandboxLost(pod, observed)) return planSandbox(input)
  const ephemeral = ephemeralContainersOf(pod)
    .filter(({ container }) => currentOf(observed, container.name) === undefined)
    .map((each) => start(input, each))
  const init = planInit(input)
  if (init.failed) return [...ephemeral, ...init.actions]
  const main = init.initialized ? mainContainersOf(pod).flatMap((each) => planMain(input, each)) : []
  const actions = [...init.actions, ...main]
  const kills = actions.filter((action) => action.do === 'killContainer')
  const rest = actions.filter((action) => action.do !== 'killContainer')
  const resize = planResizes(input, kills)
  return [...kills, ...resize, ...ephemeral, ...rest, ...(resize.length > 0 ? [] : planSpares(input)), ...planRemovals(input)]
}

/** Spares are armed with the resources of before, and hold the pod's cgroup at its size: they go first. */
const planResizes = (input: PlanInput, kills: readonly PodAction[]): PodAction[] => {
  const dies = (state: ContainerState): boolean => input.isBeingKilled(state) || kills.some((action) => action.do === 'killContainer' && action.container === state.name && action.attempt === state.attempt)
  const { restarts, steps } = planResize({ ...input, isBeingKilled: dies })
  if (restarts.length === 0 && steps.length === 0) return []
  const spares: PodAction[] = input.observed.containers.filter(({ state }) => state === 'created').map(({ name, attempt }) => ({ do: 'removeContainer', container: name, attempt }))
  return [
    ...restarts.map((state) => kill(input, state, 'resize', `Container ${state.name} resize requires restart`)), ...spares,
    ...(steps.length > 0 ? [{ do: 'resize', steps } as const] : []),
  ]
}

/** Mirrors kuberuntime/util's PodSandboxChanged. */
export const isSandboxLost = (pod: Pod, { sandbox }: Observed): boolean =>
  !sandbox?.ready || (!pod.spec.hostNetwork && sandbox.podIP === undefined)

const planSandbox = (input: PlanInput): PodAction[] => {
  const { pod, observed } = input
  const ran = observed.containers.some(({ state }) => state !== 'created')
  // A pod that never restarts has had its one run: its lost sandbox is not made again.
  if (!podMayRestart(pod) && ran) return killAll(input)
  const starts = firstStarts(input)
  if (starts.length === 0) return killAll(input)
  const kills = killAll(input)
  if (kills.length > 0 || runningOf(observed).length > 0) return kills
  const forgotten: PodAction[] = observed.containers
    .filter((state) => state.state === 'created' || initContainersOf(pod).some(({ container }) => container.name === state.name))
    .map((state) => ({ do: 'removeContainer', container: state.name, attempt: state.attempt }))
  return [...(observed.sandbox ? [{ do: 'discardSandbox' } as const] : []), ...forgotten, { do: 'createSandbox', attempt: input.nextSandboxAttempt }, ...starts]
}

const killAll = (input: PlanInput): PodAction[] => runningOf(input.observed)
  .filter((state) => !input.isBeingKilled(state))
  .map((state) => kill(input, state, 'sandbox', `Stopping container ${state.name}`))

/** In a new sandbox the pod starts from its beginning; containers that have done their work stay done. */
const firstStarts = (input: PlanInput): PodAction[] => {
  const init = initContainersOf(input.pod)[0]
  const main = mainContainersOf(input.pod).filter(({ container }) => {
    const state = currentOf(input.observed, container.name)
    return state === undefined || mayRestart(input.pod, container, state)
  })
  if (main.length === 0) return []
  // Armed attempts belong to the old sandbox; they are removed before.
  return (init ? [init] : main).map((each) => startOrHold(input, each, false))
}

interface InitPlan { actions: PodAction[]; initialized: boolean; failed: boolean }

/**
 * From the last init container back to the first, since those that are done may have been forgotten: the first one found with a state says how far the pod got.
 * Then all sidecars before it are kept running.
 */
const planInit = (input: PlanInput): InitPlan => {
  const init = initContainersOf(input.pod)
  if (init.length === 0) return { actions: [], initialized: true, failed: false }
  let initialized = input.pod.spec.containers.some(({ name }) => isRunning(currentOf(input.observed, name)))
  let passed = initialized
  const backwards: PodAction[][] = []
  for (const [index, each] of [...init.entries()].reverse()) {
    const state = currentOf(input.observed, each.container.name)
    if (state === undefined) {
      if (passed && each.role === 'sidecar') backwards.push([start(input, each)])
      continue
    }
    if (passed && each.role === 'init') continue
    const verdict = each.role === 'sidecar' ? judgeSidecar(input, each, state) : judgeInit(input, each, state)
    if (verdict.failed) return { actions: runningOf(input.observed).filter((running) => !input.isBeingKilled(running)).map((running) => kill(input, running, 'podStops', `Stopping container ${running.name}`)), initialized: false, failed: true }
    const next = init[index + 1]
    if (verdict.done && !next) initialized = true
    else if (verdict.done && next && !passed) backwards.push([startOrHold(input, next)])
    backwards.push(verdict.actions)
    passed = true
  }
  if (!passed && init[0]) backwards.push([startOrHold(input, init[0])])
  const actions = backwards.reverse().flat()
  // A start that was decided on twice (as the next one, and as one that has exited) happens once.
  return { actions: actions.filter((action, index) => actions.findIndex((other) => other.do === action.do && 'container' in other && 'container' in action && other.container === action.container) === index), initialized, failed: false }
}

interface Judgement { actions: PodAction[]; done: boolean; failed: boolean }
const judgement = (actions: PodAction[], done = false, failed = false): Judgement => ({ actions, done, failed })

const judgeInit = (input: PlanInput, each: RoledContainer, state: ContainerState): Judgement => {
  if (state.state === 'running') return judgement([])
  if (state.state === 'exited' && state.exitCode === 0) return judgement([], true)
  if (!restartsAfter(input.pod, each.container, state)) return judgement([], false, true)
  return judgement([startOrHold(input, each)])
}

const judgeSidecar = (input: PlanInput, each: RoledContainer, state: ContainerState): Judgement => {
  if (input.isBeingKilled(state)) return judgement([])
  if (state.state === 'unknown') return judgement([kill(input, state, 'unknownState', `Init container is in "unknown" state, try killing it before restart`)])
  if (state.state !== 'running') return judgement([startOrHold(input, each)])
  const { name, startupProbe } = each.container
  if (startupProbe) {
    const verdict = input.verdict('startup', state)
    if (verdict === 'failure') return judgement([kill(input, state, 'startupProbe', `Init container ${name} failed startup probe`)])
    if (verdict !== 'success') return judgement([])
  }
  if (isRedefined(input, each.container, state)) return judgement([kill(input, state, 'definition', `Init container ${name} definition changed`)], true)
  if (each.container.livenessProbe && input.verdict('liveness', state) === 'failure') {
    return judgement([kill(input, state, 'livenessProbe', `Init container ${name} failed liveness probe`)], true)
  }
  return judgement([], true)
}

const planMain = (input: PlanInput, each: RoledContainer): PodAction[] => {
  const { container } = each
  const state = currentOf(input.observed, container.name)
  if (state === undefined) return [startOrHold(input, each)]
  if (input.isBeingKilled(state)) return []
  if (state.state === 'unknown') {
    return mayRestart(input.pod, container, state)
      ? [kill(input, state, 'unknownState', `Container is in "unknown" state, try killing it before restart`)] : []
  }
  if (state.state !== 'running') return mayRestart(input.pod, container, state) || input.resizeOf(state) ? [startOrHold(input, each)] : []
  const why = reasonToKill(input, container, state)
  if (!why) return []
  const restarts = why.reason === 'definition' || podMayRestart(input.pod, container)
  return [kill(input, state, why.reason, restarts ? `${why.message}, will be restarted` : why.message)]
}

const reasonToKill = (input: PlanInput, container: Container, state: ContainerState): { reason: KillReason; message: string } | undefined => {
  if (isRedefined(input, container, state)) return { reason: 'definition', message: `Container ${container.name} definition changed` }
  if (input.verdict('liveness', state) === 'failure') return { reason: 'livenessProbe', message: `Container ${container.name} failed liveness probe` }
  if (input.verdict('startup', state) === 'failure') return { reason: 'startupProbe', message: `Container ${container.name} failed startup probe` }
  return undefined
}

// Of a container only its image can change in place (API validation), so it stands for upstream's hash of the container.
const isRedefined = (input: PlanInput, container: Container, state: ContainerState): boolean => {
  const image = input.imageOf(state)
  return image !== undefined && image !== container.image
}

const kill = ({ pod }: PlanInput, state: ContainerState, reason: KillReason, message: string): PodAction => {
  const container = containersOf(pod).find((each) => each.container.name === state.name)?.container
  const probe = reason === 'livenessProbe' ? container?.livenessProbe : reason === 'startupProbe' ? container?.startupProbe : undefined
  return { do: 'killContainer', container: state.name, attempt: state.attempt, reason, message, preStop: true,
    graceSeconds: probe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30 }
}

const start = (input: PlanInput, { role, container }: RoledContainer, useSpare = true): PodAction => {
  const spare = useSpare ? spareOf(input.observed, container.name) : undefined
  return { do: 'startContainer', container: container.name, role, attempt: spare?.attempt ?? input.nextAttempt(container.name), armed: spare !== undefined }
}

const startOrHold = (input: PlanInput, each: RoledContainer, useSpare = true): PodAction => {
  const state = currentOf(input.observed, each.container.name)
  const backOff = input.backOff(each.container.name)
  const remainingMilliseconds = state?.state === 'exited' && !input.resizeOf(state) ? remainingBackOff(backOff, state.finishedAt?.getTime() ?? 0, input.now) : 0
  return remainingMilliseconds > 0 && backOff
    ? { do: 'holdBack', container: each.container.name, role: each.role, delayMilliseconds: backOff.delayMilliseconds, remainingMilliseconds }
    : start(input, each, useSpare)
}

/** Spares for what runs (or waits for its back-off) and would be restarted. */
const planSpares = (input: PlanInput): PodAction[] => [...initContainersOf(input.pod).filter(({ role }) => role === 'sidecar'), ...mainContainersOf(input.pod)]
  .filter(({ container }) => {
    const state = currentOf(input.observed, container.name)
    return state?.state === 'running' && podMayRestart(input.pod, container) && !input.isBeingKilled(state)
      && spareOf(input.observed, container.name) === undefined && input.mayArm(container.name)
  })
  .map(({ container }) => ({ do: 'armContainer', container: container.name, attempt: input.nextAttempt(container.name) }))

/** Of each container the current attempt and the one before it are kept, for `kubectl logs --previous` and lastState. */
const planRemovals = ({ observed }: PlanInput): PodAction[] => {
  const names = [...new Set(observed.containers.map(({ name }) => name))]
  return names.flatMap((name) => observed.containers
    .filter((state) => state.name === name && state.state === 'exited')
    .sort((left, right) => right.attempt - left.attempt)
    .slice(isRunning(currentOf(observed, name)) ? 1 : 2)
    .map(({ attempt }): PodAction => ({ do: 'removeContainer', container: name, attempt })))
}
