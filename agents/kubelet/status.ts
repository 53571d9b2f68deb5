/** A pod's status from the pod and what is observed of it. Pure. Mirrors upstream's generateAPIPodStatus (pkg/kubelet/kubelet_pods.go) and mergePodStatus (pkg/kubelet/status). */
import { timestamp } from '../../src/api/clock.ts'
import { hasPodLevelResources } from '../../src/api/pod-resources.ts'
import type { ContainerStatus, Pod, PodCondition, PodStatus, ResourceRequirements } from '../../src/api/types.ts'
import { resizeConditions, type ResizeState } from './allocation/resize-state.ts'
import { mergeConditions, ownConditions } from './conditions.ts'
import { containerStatus, settled, type Waiting } from './container-status.ts'
import { currentOf, type Observed, runningOf } from './observed.ts'
import { phaseOf, type Phase } from './phase.ts'
import { isSandboxLost } from './plan.ts'
import { ephemeralContainersOf, initContainersOf, isTerminalPhase, mainContainersOf, qosClassOf, type RoledContainer } from './pod.ts'
import { requestsBeforeOverhead } from './resources.ts'
import type { ContainerState } from './runtime/runtime.ts'

/** Why a pod fails as a whole. */
export interface PodFailure {
  reason: string
  message: string
  /** How much time its containers get; absent: the pod's own grace. */
  graceSeconds?: number
  /** Nothing that the pod has done: who replaces it must not count it as its failure. */
  disrupted?: boolean
}

export interface StatusInput {
  pod: Pod
  observed: Observed
  /** The status as the kubelet last made it, or as the API server has it. */
  old: PodStatus
  /** Why a container waits, by name. */
  waiting: ReadonlyMap<string, Waiting>
  /** What the probes say of a running attempt; without a probe both are true. */
  health(state: ContainerState): { started: boolean; ready: boolean }
  /** The pod failed as a whole: evicted, past its deadline. */
  failure: PodFailure | undefined
  /** How far a resize has got. */
  resize?: ResizeState | undefined
  /** With which resources a running attempt runs, where that is remembered. */
  actuated?(state: ContainerState): ResourceRequirements | undefined
  /** How the devices are that a container has. */
  deviceHealth?(container: string): ContainerStatus['allocatedResourcesStatus']
  /** With what the pod as a whole runs, where that is remembered. */
  podResources?: ResourceRequirements | undefined
  /** Everything has been stopped, for good. */
  stopped: boolean
  hostIPs: readonly string[]
  now: Date
}

/** `phase` is where the pod is; `status.phase` follows when nothing of it runs any more. */
export const podStatus = (input: StatusInput): { status: PodStatus; phase: Phase } => {
  const { pod, observed, old } = input
  const make = (each: RoledContainer): ContainerStatus => statusOf(each, input)
  const initStatuses = initContainersOf(pod).map(make)
  // Before it is initialized, containers of a pod that stops have never been; afterwards a missing one is a lost one.
  const initialized = initContainersOf(pod).every(({ role }, index) => role === 'sidecar' || initStatuses[index]?.ready)
  const mainStatuses = mainContainersOf(pod).map(make).map((status) => (input.stopped && initialized ? settled(status) : status))
  const ephemeralStatuses = ephemeralContainersOf(pod).filter(({ container }) => currentOf(observed, container.name) || input.waiting.has(container.name) || !input.stopped).map(make)
  const { phase, reason, message } = phaseAndReason(input, [...initStatuses, ...mainStatuses])
  const own = ownConditions({ pod, statuses: [...initStatuses, ...mainStatuses], phase, sandboxReady: !isSandboxLost(pod, observed), conditions: old.conditions ?? [] })
  const now = timestamp(input.now)
  // A phase becomes terminal only when nothing runs: who sees it may count on that. The conditions say it at once.
  const shown = isTerminalPhase({ phase }) && !isTerminalPhase(old) && runningOf(observed).length > 0 ? (old.phase as Phase | undefined) ?? 'Running' : phase
  const podIPs = addressesOf(input)
  const status: PodStatus = {
    phase: shown,
    ...(shown === phase && reason && { reason }),
    ...(shown === phase && message && { message }),
    conditions: mergeConditions(old.conditions ?? [], [...own, ...(isTerminalPhase({ phase }) ? [] : resizeConditions(input.resize ?? {})), ...disruption(input.failure)], { now, observedGeneration: pod.metadata.generation }),
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    ...(input.hostIPs[0] && { hostIP: input.hostIPs[0], hostIPs: input.hostIPs.map((ip) => ({ ip })) }),
    ...(podIPs[0] && { podIP: podIPs[0], podIPs: podIPs.map((ip) => ({ ip })) }),
    startTime: old.startTime ?? now,
    ...(initStatuses.length > 0 && { initContainerStatuses: initStatuses }),
    containerStatuses: mainStatuses.map((status) => withDevices(status, input.deviceHealth?.(status.name))),
    ...(ephemeralStatuses.length > 0 && { ephemeralContainerStatuses: ephemeralStatuses }),
    qosClass: old.qosClass ?? qosClassOf(pod),
    ...(hasPodLevelResources(pod.spec) && { resources: input.podResources ?? pod.spec.resources, allocatedResources: requestsBeforeOverhead(pod) }),
    ...(old.nominatedNodeName && { nominatedNodeName: old.nominatedNodeName }),
  }
  return { status, phase }
}

const withDevices = (status: ContainerStatus, health: ContainerStatus['allocatedResourcesStatus']): ContainerStatus => (health && health.length > 0 ? { ...status, allocatedResourcesStatus: health } : status)

const disruption = (failure: PodFailure | undefined): PodCondition[] =>
  (failure?.disrupted ? [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message: failure.message }] : [])

const statusOf = (each: RoledContainer, input: StatusInput): ContainerStatus => {
  const state = currentOf(input.observed, each.container.name)
  const health = state?.state === 'running' ? input.health(state) : { started: false, ready: false }
  const list = each.role === 'main' ? input.old.containerStatuses : each.role === 'ephemeral' ? input.old.ephemeralContainerStatuses : input.old.initContainerStatuses
  return containerStatus(each, {
    pod: input.pod, observed: input.observed, old: list?.find(({ name }) => name === each.container.name),
    waiting: input.waiting.get(each.container.name), ...health, stopped: input.stopped, actuated: state?.state === 'running' ? input.actuated?.(state) : undefined,
  })
}

const phaseAndReason = (input: StatusInput, statuses: readonly ContainerStatus[]): { phase: Phase; reason: string | undefined; message: string | undefined } => {
  const { pod, old, failure, stopped } = input
  if (failure) return { phase: 'Failed', reason: failure.reason, message: failure.message }
  const computed = phaseOf(pod, statuses, stopped)
  // A terminal phase is never left, whoever set it.
  const phase = isTerminalPhase(old) ? (old.phase as Phase) : isTerminalPhase(pod.status ?? {}) ? (pod.status.phase as Phase) : computed
  const kept = phase === old.phase ? old : phase === pod.status?.phase ? pod.status : {}
  return { phase, reason: kept.reason, message: kept.message }
}

const addressesOf = ({ pod, observed, old, hostIPs, stopped }: StatusInput): string[] => {
  if (pod.spec.hostNetwork) return observed.sandbox || old.podIP ? [...hostIPs] : []
  const ip = observed.sandbox?.podIP
  if (ip && observed.sandbox?.ready) return [ip]
  // What has stopped keeps the address that it had, as upstream's cached status does.
  return stopped || isTerminalPhase(old) || !observed.sandbox?.ready ? (old.podIPs ?? []).map((each) => each.ip) : []
}
