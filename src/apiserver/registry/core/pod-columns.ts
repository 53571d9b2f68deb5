/** What `kubectl get pods` shows. Mirrors printPod of upstream's `pkg/printers/internalversion/printers.go`. */
import { ageOf } from '../../../api/human-duration.ts'
import type { ContainerState, ContainerStatus, Pod } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Column } from '../strategy.ts'

interface PodSummary {
  ready: number
  total: number
  status: string
  restarts: number
  /** When a counted container last ended before it was restarted; '' when none did. */
  lastRestart: string
}

const later = (a: string, b: string | undefined): string => (b !== undefined && (a === '' || Date.parse(b) > Date.parse(a)) ? b : a)

const countRestarts = (statuses: readonly ContainerStatus[]): Pick<PodSummary, 'restarts' | 'lastRestart'> => ({
  restarts: statuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
  lastRestart: statuses.reduce((last, { lastState }) => later(last, lastState?.terminated?.finishedAt), ''),
})

const terminationWord = (terminated: NonNullable<ContainerState['terminated']>): string =>
  terminated.reason ? terminated.reason : terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`

/** How an init container holds the pod up: `Init:Error`, `Init:1/2`. */
const initWord = ({ state }: ContainerStatus, index: number, count: number): string => {
  if (state?.terminated) return `Init:${terminationWord(state.terminated)}`
  const waiting = state?.waiting?.reason
  return waiting && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${index}/${count}`
}

const conditionIsTrue = (pod: Pod, type: string): boolean => pod.status.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false

const initialWord = ({ status }: Pod): string =>
  status.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated') ? 'SchedulingGated' : (status.reason || status.phase) ?? ''

/** What the containers say once the pod is initialized; the first container has the last word, as upstream reads them backwards. */
const containersWord = (statuses: readonly ContainerStatus[], before: string): string => {
  for (const { state } of statuses) {
    if (state?.waiting?.reason) return state.waiting.reason
    if (state?.terminated) return terminationWord(state.terminated)
  }
  return before
}

const isRunning = ({ ready, state }: ContainerStatus): boolean => ready && state?.running !== undefined && !state.waiting?.reason && !state.terminated

const deletionWord = ({ metadata, status }: Pod, before: string): string => {
  if (!metadata.deletionTimestamp) return before
  if (status.reason === 'NodeLost') return 'Unknown'
  return status.phase === 'Succeeded' || status.phase === 'Failed' ? before : 'Terminating'
}

const summarize = (pod: Pod): PodSummary => {
  const { spec, status } = pod
  const sidecars = new Set(spec.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name))
  const inits = status.initContainerStatuses ?? []
  const isDone = ({ name, state, started }: ContainerStatus): boolean => state?.terminated?.exitCode === 0 || (sidecars.has(name) && started === true)
  const blocking = inits.findIndex((each) => !isDone(each))
  const seen = blocking < 0 ? inits : inits.slice(0, blocking + 1)
  const readySidecars = seen.filter((each) => sidecars.has(each.name) && isDone(each) && each.state?.terminated?.exitCode !== 0 && each.ready).length
  const total = spec.containers.length + sidecars.size
  const holder = blocking < 0 ? undefined : inits[blocking]
  let word = holder ? initWord(holder, blocking, spec.initContainers?.length ?? 0) : initialWord(pod)
  if (holder && !conditionIsTrue(pod, 'Initialized')) return { ready: readySidecars, total, status: deletionWord(pod, word), ...countRestarts(seen) }

  const containers = status.containerStatuses ?? []
  const running = containers.filter(isRunning).length
  word = containersWord(containers, word)
  if (word === 'Completed' && running > 0) word = conditionIsTrue(pod, 'Ready') ? 'Running' : 'NotReady'
  return { ready: readySidecars + running, total, status: deletionWord(pod, word), ...countRestarts([...seen.filter(({ name }) => sidecars.has(name)), ...containers]) }
}

const readinessGates = ({ spec, status }: Pod): string => {
  const gates = spec.readinessGates ?? []
  const open = gates.filter(({ conditionType }) => status.conditions?.find(({ type }) => type === conditionType)?.status === 'True')
  return gates.length === 0 ? '<none>' : `${open.length}/${gates.length}`
}

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  { name: 'Ready', type: 'string', description: 'The aggregate readiness state of this pod for accepting traffic.', value(pod) {
    const { ready, total } = summarize(pod)
    return `${ready}/${total}`
  } },
  { name: 'Status', type: 'string', description: 'The aggregate status of the containers in this pod.', value: (pod) => summarize(pod).status },
  { name: 'Restarts', type: 'string', description: 'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.', value(pod, { now }) {
    const { restarts, lastRestart } = summarize(pod)
    return restarts === 0 || lastRestart === '' ? String(restarts) : `${restarts} (${ageOf(lastRestart, now)} ago)`
  } },
  ageColumn,
  { name: 'IP', type: 'string', priority: 1, description: 'The address of the pod, reachable at least within the cluster.', value: ({ status }) => status.podIPs?.[0]?.ip || '<none>' },
  { name: 'Node', type: 'string', priority: 1, description: 'The node that the pod is bound to.', value: ({ spec }) => spec.nodeName || '<none>' },
  { name: 'Nominated Node', type: 'string', priority: 1, description: 'The node where lower-priority pods make room for this pod.', value: ({ status }) => status.nominatedNodeName || '<none>' },
  { name: 'Readiness Gates', type: 'string', priority: 1, description: 'How many of the additional conditions for readiness are true.', value: readinessGates },
]
