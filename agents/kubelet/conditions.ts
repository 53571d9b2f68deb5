/** The pod conditions that the kubelet owns, in upstream's reasons and words (pkg/kubelet/status/generate.go). Pure. */
import type { ContainerStatus, Pod, PodCondition } from '../../src/api/types.ts'
import type { Phase } from './phase.ts'
import { initContainersOf, mainContainersOf } from './pod.ts'

export const ownedConditions: readonly string[] = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled', 'PodResizePending', 'PodResizeInProgress']

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>
const yes: Verdict = { status: 'True' }
const no = (reason: string, message?: string): Verdict => ({ status: 'False', reason, ...(message && { message }) })

export interface ConditionInput {
  pod: Pod
  /** Of main and init containers. */
  statuses: readonly ContainerStatus[]
  phase: Phase
  sandboxReady: boolean
  /** The conditions as they are, for readiness gates. */
  conditions: readonly PodCondition[]
}

// Go prints a list of words in brackets, with spaces between.
const goList = (words: readonly string[]): string => `[${words.join(' ')}]`

const containersReady = ({ pod, statuses, phase }: ConditionInput): Verdict => {
  const wanted = [...initContainersOf(pod).filter(({ role }) => role === 'sidecar'), ...mainContainersOf(pod)].map(({ container }) => container.name)
  const find = (name: string): ContainerStatus | undefined => statuses.find((status) => status.name === name)
  const unknown = wanted.filter((name) => !find(name))
  const unready = wanted.filter((name) => find(name)?.ready === false)
  if (phase === 'Succeeded' && unknown.length === 0) return no('PodCompleted')
  if (phase === 'Failed') return no('PodFailed')
  const message = [
    ...(unknown.length > 0 ? [`containers with unknown status: ${goList(unknown)}`] : []),
    ...(unready.length > 0 ? [`containers with unready status: ${goList(unready)}`] : []),
  ].join(', ')
  return message ? no('ContainersNotReady', message) : yes
}

const ready = (input: ConditionInput): Verdict => {
  const containers = containersReady(input)
  if (containers.status !== 'True') return containers
  const problems = (input.pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = input.conditions.find(({ type }) => type === conditionType)
    if (!condition) return [`corresponding condition of pod readiness gate ${JSON.stringify(conditionType)} does not exist.`]
    return condition.status === 'True' ? [] : [`the status of pod readiness gate ${JSON.stringify(conditionType)} is not "True", but ${condition.status}`]
  })
  return problems.length > 0 ? no('ReadinessGatesNotReady', problems.join(', ')) : yes
}

const initialized = ({ pod, statuses, phase }: ConditionInput): Verdict => {
  const init = initContainersOf(pod)
  const find = (name: string): ContainerStatus | undefined => statuses.find((status) => status.name === name)
  const unknown = init.filter(({ container }) => !find(container.name)).map(({ container }) => container.name)
  const incomplete = init.filter(({ role, container }) => {
    const status = find(container.name)
    return status && !(role === 'sidecar' ? status.started : status.ready)
  }).map(({ container }) => container.name)
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' }
  if (pod.spec.containers.some(({ name }) => hasStarted(find(name)))) return yes
  const message = [
    ...(unknown.length > 0 ? [`containers with unknown status: ${goList(unknown)}`] : []),
    ...(incomplete.length > 0 ? [`containers with incomplete status: ${goList(incomplete)}`] : []),
  ].join(', ')
  return message ? no('ContainersNotInitialized', message) : yes
}

const hasStarted = (status: ContainerStatus | undefined): boolean =>
  Boolean(status?.started || status?.state?.running || status?.state?.terminated || status?.lastState?.terminated)

/** Without moments: `mergeConditions` adds them, and the generation, where a condition does not bring its own. */
export const ownConditions = (input: ConditionInput): PodCondition[] => [
  { type: 'PodReadyToStartContainers', status: input.sandboxReady ? 'True' : 'False' },
  { type: 'Initialized', ...initialized(input) },
  { type: 'Ready', ...ready(input) },
  { type: 'ContainersReady', ...containersReady(input) },
  { type: 'PodScheduled', status: 'True' },
]

/** `own` over `old`: foreign conditions stay as they are, a transition's moment stays while the status does. */
export const mergeConditions = (old: readonly PodCondition[], own: readonly PodCondition[], at: { now: string; observedGeneration: number | undefined }): PodCondition[] => {
  const merged = own.map((condition): PodCondition => {
    const before = old.find(({ type }) => type === condition.type)
    const same = before?.status === condition.status && before.lastTransitionTime !== undefined
    const observedGeneration = condition.observedGeneration ?? at.observedGeneration
    return { ...condition, lastTransitionTime: condition.lastTransitionTime ?? (same ? before.lastTransitionTime : at.now), ...(observedGeneration !== undefined && { observedGeneration }) }
  })
  return [...old.filter(({ type }) => !ownedConditions.includes(type) && !own.some((condition) => condition.type === type)), ...merged]
}
