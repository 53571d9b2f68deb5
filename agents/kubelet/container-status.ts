/** A container's status in the API from what the runtime says of its attempts. Mirrors upstream's convertToAPIContainerStatuses (pkg/kubelet/kubelet_pods.go). Pure. */
import { timestamp } from '../../src/api/clock.ts'
import { toMilli } from '../../src/api/quantity.ts'
import type { ContainerState as ApiState, ContainerStateTerminated, ContainerStatus, Pod, ResourceRequirements } from '../../src/api/types.ts'
import { currentOf, type Observed, previousOf } from './observed.ts'
import type { RoledContainer } from './pod.ts'
import { mayRestart } from './restart-policy.ts'
import type { ContainerState } from './runtime/runtime.ts'

/** Why a container does not run, when it should. */
export interface Waiting { reason: string; message?: string }

export interface ContainerStatusInput {
  pod: Pod
  observed: Observed
  /** The container's status as last reported. */
  old: ContainerStatus | undefined
  waiting: Waiting | undefined
  /** Of the current attempt, from the probes. */
  started: boolean
  ready: boolean
  /** Nothing of the pod will run again. */
  stopped: boolean
  /** With which resources it runs; undefined: with those that are allocated to it. */
  actuated?: ResourceRequirements | undefined
}

export const containerIdOf = (state: ContainerState): string => `wherry://${state.id}`

export const containerStatus = (each: RoledContainer, input: ContainerStatusInput): ContainerStatus => {
  const current = currentOf(input.observed, each.container.name)
  const base = current ? fromRuntime(each, current, input) : fromNothing(each, input)
  const allocated = each.container.resources
  const resources = actualResources(allocated, input.actuated)
  const described: ContainerStatus = {
    ...base,
    ...(each.role !== 'ephemeral' && resources && (resources.requests || resources.limits) && { resources }),
    ...(each.role !== 'ephemeral' && allocated?.requests && { allocatedResources: allocated.requests }),
    ...(each.container.volumeMounts && each.container.volumeMounts.length > 0 && {
      volumeMounts: each.container.volumeMounts.map(({ name, mountPath, readOnly, recursiveReadOnly }) => ({ name, mountPath, ...(readOnly && { readOnly, recursiveReadOnly: recursiveReadOnly && recursiveReadOnly !== 'Disabled' ? 'Enabled' : 'Disabled' }) })),
    }),
  }
  return described
}

/** Less than this the kernel does not count: a quota of a millisecond in a hundred, two shares. */
const leastMilliCpu = { limit: 10n, request: 2n }

/** Where neither amount is more than the least, nothing is to be written for a change, and what is allocated is told. */
const leastCpu = (allocated: Record<string, string> | undefined, actual: Record<string, string> | undefined, least: bigint): Record<string, string> => {
  const [wanted, has] = [allocated?.['cpu'], actual?.['cpu']]
  return wanted !== undefined && has !== undefined && toMilli(wanted) <= least && toMilli(has) <= least ? { cpu: wanted } : {}
}

/** What the kernel enforces, as it was last written; of the request of memory, which nothing enforces, what is allocated. Mirrors convertContainerStatusResources. */
const actualResources = (allocated: ResourceRequirements | undefined, actuated: ResourceRequirements | undefined): ResourceRequirements | undefined => {
  if (!actuated) return allocated && { ...(allocated.limits && { limits: allocated.limits }), ...(allocated.requests && { requests: allocated.requests }) }
  const others = (list: Record<string, string> | undefined): Record<string, string> => Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => name !== 'cpu' && name !== 'memory'))
  const cpuAndMemory = (list: Record<string, string> | undefined): Record<string, string> => Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => name === 'cpu' || name === 'memory'))
  const memory = allocated?.requests?.['memory']
  const limits = { ...others(allocated?.limits), ...cpuAndMemory(actuated.limits), ...leastCpu(allocated?.limits, actuated.limits, leastMilliCpu.limit) }
  const requests = { ...others(allocated?.requests), ...cpuAndMemory(actuated.requests), ...leastCpu(allocated?.requests, actuated.requests, leastMilliCpu.request), ...(memory !== undefined && { memory }) }
  return { ...(Object.keys(limits).length > 0 && { limits }), ...(Object.keys(requests).length > 0 && { requests }) }
}

const fromRuntime = ({ role, container }: RoledContainer, current: ContainerState, input: ContainerStatusInput): ContainerStatus => {
  const previous = previousOf(input.observed, container.name)
  const lastState = previous ? { terminated: terminatedOf(previous) } : input.old?.restartCount === current.attempt ? (input.old.lastState ?? {}) : lastOf(input.old)
  const running = current.state === 'running'
  const status: ContainerStatus = {
    name: container.name,
    image: current.shownImage?.name || (container.image ?? ''),
    imageID: current.shownImage?.id ?? current.imageRef,
    containerID: containerIdOf(current),
    restartCount: current.attempt,
    state: stateOf(current),
    lastState,
    ...(current.user && { user: { linux: { uid: current.user.uid, gid: current.user.gid, ...(current.user.groups.length > 0 && { supplementalGroups: [...current.user.groups] }) } } }),
    started: running && input.started,
    ready: running ? role !== 'init' && input.started && input.ready : role === 'init' && current.state === 'exited' && current.exitCode === 0,
  }
  const held = input.waiting && !running && !input.stopped && (current.state !== 'exited' || mayRestart(input.pod, container, current) || role === 'sidecar')
  return held && input.waiting ? { ...status, state: { waiting: { ...input.waiting } }, lastState: status.state?.terminated ? { terminated: status.state.terminated } : lastState } : status
}

const lastOf = (old: ContainerStatus | undefined): ApiState => (old?.state?.terminated ? { terminated: old.state.terminated } : (old?.lastState ?? {}))

const fromNothing = ({ role, container }: RoledContainer, { pod, old, waiting }: ContainerStatusInput): ContainerStatus => {
  const hasInit = (pod.spec.initContainers?.length ?? 0) > 0
  const state: ApiState = { waiting: waiting ? { ...waiting } : { reason: hasInit && role !== 'ephemeral' ? 'PodInitializing' : 'ContainerCreating' } }
  const status: ContainerStatus = { name: container.name, image: container.image ?? '', imageID: '', restartCount: old?.restartCount ?? 0, state, lastState: old?.lastState ?? {}, ready: false, started: false }
  if (old?.state?.terminated && !waiting) return { ...old, ready: role === 'init' && old.state.terminated.exitCode === 0, started: false }
  if (!old?.state?.running || old.lastState?.terminated) return status
  return { ...status, lastState: { terminated: lost('The container could not be located when the pod was deleted.  The container used to be Running') },
    restartCount: status.restartCount + (pod.metadata.deletionTimestamp ? 0 : 1) }
}

const lost = (message: string): ContainerStateTerminated => ({ reason: 'ContainerStatusUnknown', message, exitCode: 137 })

const stateOf = (state: ContainerState): ApiState => {
  if (state.state === 'running') return { running: { startedAt: timestamp(state.startedAt ?? state.createdAt) } }
  if (state.state === 'exited') return { terminated: terminatedOf(state) }
  if (state.state === 'unknown') return { terminated: { ...lost('The container could not be located when the pod was terminated'), containerID: containerIdOf(state) } }
  return { waiting: { reason: 'ContainerCreating' } }
}

const terminatedOf = (state: ContainerState): ContainerStateTerminated => {
  const exitCode = state.exitCode ?? 137
  return {
    exitCode,
    // Upstream's runtimes report the code 128 + n and leave `signal` out.
    reason: state.oomKilled ? 'OOMKilled' : (state.reason ?? (exitCode === 0 ? 'Completed' : 'Error')),
    ...(state.message && { message: state.message }),
    startedAt: timestamp(state.startedAt ?? state.createdAt),
    finishedAt: timestamp(state.finishedAt ?? state.createdAt),
    containerID: containerIdOf(state),
  }
}

/** After the pod has stopped for good no container is said to run or wait: statusManager.TerminatePod. */
export const settled = (status: ContainerStatus): ContainerStatus =>
  status.state?.terminated ? status : { ...status, started: false, ready: false, state: { terminated: lost('The container could not be located when the pod was terminated') } }
