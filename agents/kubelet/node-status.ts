/** The Node object as this kubelet reports it. Pure. Mirrors pkg/kubelet/nodestatus/setters.go and initialNode, with upstream's reasons and messages. */
import { timestamp } from '../../src/api/clock.ts'
import type { Draft } from '../../src/api/meta.ts'
import { formatQuantity, quantityOf, toMilli, toNumber } from '../../src/api/quantity.ts'
import type { Node, NodeCondition, NodeStatus, Taint } from '../../src/api/types.ts'
import { amountOf, defaultThresholds, type Threshold } from './eviction/threshold.ts'
import type { MachineFacts } from './machine-facts.ts'
import { runtimeHandler } from './runtime-class.ts'
import type { ResourceLimits } from './runtime/runtime.ts'

export interface NodeFacts {
  nodeName: string
  nodeIP: string
  machine: MachineFacts
  maxPods: number
  /** How many its status names; upstream's default if absent, all for -1. */
  maxImages?: number
  /** For the system and for Kubernetes' own daemons, summed up: not for pods. */
  reserved?: Readonly<Record<string, string>>
  /** Upstream's defaults if absent. */
  thresholds?: readonly Threshold[]
  labels: Readonly<Record<string, string>>
  taints: readonly Taint[]
  version: string
  providerID: string | undefined
  kubeletPort: number
}

export interface Health {
  /** What the node is short of. */
  pressures: readonly string[]
  shuttingDown?: boolean
  /** Why pods cannot have a network yet; undefined: they can. */
  networkProblem: string | undefined
  images: readonly { names: string[]; sizeBytes: number }[]
  /** Volumes that are not to be detached. */
  volumesInUse?: readonly string[]
  /** What device plugins have, in all and in order. */
  devices?: { capacity: Readonly<Record<string, string>>; allocatable: Readonly<Record<string, string>> }
}

/** Upstream's nodeStatusMaxImages: the largest are named. */
const defaultMaxImages = 50
/** Upstream's MaxNamesPerImageInNodeStatus. */
const maxNames = 5


// As the API server keeps it: the largest unit that loses nothing.
const kibibytes = (bytes: number): string => formatQuantity(quantityOf(Math.floor(bytes / 1024) * 1024, 'BinarySI'))

const capacityOf = ({ machine, maxPods }: Pick<NodeFacts, 'machine' | 'maxPods'>): Record<string, string> => ({
  cpu: String(machine.cpus), 'ephemeral-storage': kibibytes(machine.diskBytes), 'hugepages-1Gi': '0', 'hugepages-2Mi': '0', ...Object.fromEntries(Object.entries(machine.hugePages ?? {}).map(([name, bytes]) => [name, formatQuantity(quantityOf(bytes, 'BinarySI'))])), memory: kibibytes(machine.memoryBytes), pods: String(maxPods),
})

/** What hard thresholds keep free is nobody's. */
const keptFree = (thresholds: readonly Threshold[], signal: Threshold['signal'], capacity: number): number => {
  const threshold = thresholds.find((each) => each.signal === signal && each.graceMilliseconds === 0)
  return threshold ? amountOf(threshold.value, capacity) : 0
}

type AllocatableFacts = Pick<NodeFacts, 'machine' | 'maxPods' | 'reserved' | 'thresholds'>

/** Capacity without what is reserved, and without what hard thresholds keep free. Mirrors GetNodeAllocatableReservation. */
export const allocatableOf = (facts: AllocatableFacts): Record<string, string> => {
  const { machine, reserved = {}, thresholds = defaultThresholds } = facts
  const taken = (name: string): number => toNumber(reserved[name] ?? '0')
  return {
    ...capacityOf(facts), cpu: formatQuantity(quantityOf(Math.max(0, machine.cpus * 1000 - Number(toMilli(reserved['cpu'] ?? '0'))), 'DecimalSI', -3)),
    'ephemeral-storage': formatQuantity(quantityOf(Math.max(0, machine.diskBytes - taken('ephemeral-storage') - keptFree(thresholds, 'nodefs.available', machine.diskBytes)))),
    // Huge pages are memory, too, that nothing else can use.
    memory: kibibytes(Math.max(0, machine.memoryBytes - taken('memory') - Object.values(machine.hugePages ?? {}).reduce((sum, bytes) => sum + bytes, 0) - keptFree(thresholds, 'memory.available', machine.memoryBytes))),
  }
}

/** What all pods together may use: capacity without what is reserved. Upstream's limit of the cgroup kubepods. */
export const podsLimits = ({ machine, reserved = {} }: AllocatableFacts): ResourceLimits => ({
  memoryLimitBytes: Math.max(1, machine.memoryBytes - toNumber(reserved['memory'] ?? '0')), cpuShares: Math.max(2, Math.floor((machine.cpus * 1000 - Number(toMilli(reserved['cpu'] ?? '0'))) * 1024 / 1000)),
})

export const nodeLabels = ({ nodeName, machine, labels }: NodeFacts): Record<string, string> => ({
  'beta.kubernetes.io/arch': machine.architecture, 'beta.kubernetes.io/os': 'linux', 'kubernetes.io/arch': machine.architecture, 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': 'linux', ...labels,
})

/** As it is created; the taint goes when the node is ready, and the node controllers see to it. */
export const initialNode = (facts: NodeFacts, status: NodeStatus): Draft<Node> => ({
  apiVersion: 'v1', kind: 'Node',
  metadata: { name: facts.nodeName, labels: nodeLabels(facts), annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } },
  spec: { ...(facts.providerID && { providerID: facts.providerID }), ...(facts.taints.length > 0 && { taints: [...facts.taints] }) }, status,
})

interface Verdict { type: string; status: 'True' | 'False'; reason: string; message: string }

const pressure = (type: string, low: boolean, [enough, scarce]: [[string, string], [string, string]]): Verdict =>
  (low ? { type, status: 'True', reason: scarce[0], message: scarce[1] } : { type, status: 'False', reason: enough[0], message: enough[1] })

const verdicts = ({ pressures, networkProblem, shuttingDown }: Health): Verdict[] => [
  pressure('MemoryPressure', pressures.includes('MemoryPressure'),
    [['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'], ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available']]),
  pressure('DiskPressure', pressures.includes('DiskPressure'),
    [['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'], ['KubeletHasDiskPressure', 'kubelet has disk pressure']]),
  pressure('PIDPressure', pressures.includes('PIDPressure'),
    [['KubeletHasSufficientPID', 'kubelet has sufficient PID available'], ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available']]),
  ready([
    ...(networkProblem === undefined ? [] : [`container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:${networkProblem}`]),
    ...(shuttingDown ? ['node is shutting down'] : []),
  ]),
]

// Several errors as Go prints them together.
const ready = (problems: readonly string[]): Verdict => (problems.length === 0 ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
  : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]` })

const conditions = (old: readonly NodeCondition[], fresh: readonly Verdict[], now: string): NodeCondition[] => [
  ...old.filter(({ type }) => !fresh.some((each) => each.type === type)),
  ...fresh.map((verdict): NodeCondition => {
    const before = old.find(({ type }) => type === verdict.type)
    return { ...verdict, lastHeartbeatTime: now, lastTransitionTime: before?.status === verdict.status ? (before.lastTransitionTime ?? now) : now }
  }),
]

/** Resources that others have put into the capacity stay, and are allocatable to the full; what is not in the capacity (any more) is not. */
export const nodeStatus = (facts: NodeFacts, health: Health, old: NodeStatus, now: Date): NodeStatus => ({
  addresses: [{ type: 'InternalIP', address: facts.nodeIP }, { type: 'Hostname', address: facts.nodeName }],
  capacity: { ...old.capacity, ...capacityOf(facts), ...health.devices?.capacity },
  allocatable: { ...old.capacity, ...allocatableOf(facts), ...health.devices?.allocatable },
  conditions: conditions(old.conditions ?? [], verdicts(health), timestamp(now)),
  daemonEndpoints: { kubeletEndpoint: { Port: facts.kubeletPort } },
  ...(health.volumesInUse && health.volumesInUse.length > 0 && { volumesInUse: [...health.volumesInUse] }),
  features: { supplementalGroupsPolicy: true },
  // Named twice, as upstream's runtimes do: the default, and by its name.
  runtimeHandlers: ['', runtimeHandler].map((name) => ({ name, features: { recursiveReadOnlyMounts: true, userNamespaces: facts.machine.userNamespaces ?? false } })),
  images: health.images.toSorted((left, right) => right.sizeBytes - left.sizeBytes).slice(0, facts.maxImages === -1 ? undefined : facts.maxImages ?? defaultMaxImages).map(({ names, sizeBytes }) => ({ names: names.slice(0, maxNames), sizeBytes })),
  nodeInfo: {
    architecture: facts.machine.architecture, bootID: facts.machine.bootID, containerRuntimeVersion: `wherry://${facts.version.replace(/^v/, '')}`, kernelVersion: facts.machine.kernelVersion,
    kubeProxyVersion: '', kubeletVersion: facts.version, machineID: facts.machine.machineID, operatingSystem: 'linux', osImage: facts.machine.osImage, systemUUID: facts.machine.systemUUID,
  },
})

/** Whether two statuses differ in more than heartbeats. */
export const nodeStatusDiffers = (left: NodeStatus, right: NodeStatus): boolean => JSON.stringify(essence(left)) !== JSON.stringify(essence(right))
const essence = (status: NodeStatus): object => ({
  addresses: status.addresses, images: status.images ?? [], volumesInUse: status.volumesInUse ?? [], features: status.features, runtimeHandlers: status.runtimeHandlers, capacity: sorted(status.capacity), allocatable: sorted(status.allocatable), daemonEndpoints: status.daemonEndpoints, nodeInfo: sorted(status.nodeInfo),
  conditions: [...(status.conditions ?? [])].sort((left, right) => (left.type < right.type ? -1 : 1)).map(({ type, status: verdict, reason, message }) => [type, verdict, reason, message]),
})
const sorted = (map: object | undefined): [string, unknown][] => Object.entries(map ?? {}).filter(([, value]) => value !== '' && value !== undefined).sort(([left], [right]) => (left < right ? -1 : 1))
