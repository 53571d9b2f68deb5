/** What a pod's worker and its executors share: the machine around all pods, and the state of the one. */
import type { Clock } from '../../src/api/clock.ts'
import type { Pod, Service } from '../../src/api/types.ts'
import type { Log } from '../../src/client/component.ts'
import type { Occurrence } from '../../src/client/events.ts'
import type { Waiting } from './container-status.ts'
import type { CpuManager } from './cpu-manager/manager.ts'
import type { Csi } from './csi/csi.ts'
import type { DeviceManager } from './devices/manager.ts'
import type { HealLog } from './heal.ts'
import type { RunHook } from './hooks.ts'
import type { ImageManager } from './images/image-manager.ts'
import type { Observed } from './observed.ts'
import type { PodRecord, PodRecords } from './pod-record.ts'
import type { Prober } from './prober/prober.ts'
import type { References } from './references.ts'
import type { OwnUsers } from './runtime/proc/own-users.ts'
import type { ContainerState, Runtime, RuntimeEvent } from './runtime/runtime.ts'
import type { SandboxFacts } from './sandbox-spec.ts'
import type { Spares } from './spares.ts'
import type { StatusManager } from './status-manager.ts'
import type { Turns } from './turns.ts'
import type { Volumes } from './volumes/volumes.ts'
import type { Wakeable } from './wakeable.ts'

/** The machine, as every pod's worker sees it. */
export interface Machine {
  nodeName: string
  hostIPs: readonly string[]
  memoryCapacityBytes: number
  /** Where the kubelet keeps what is its own about pods, and their logs. */
  directory: string
  /** Whether containers without a seccomp profile get the runtime's. */
  seccompDefault: boolean
  /** Whether the kernel has AppArmor. */
  appArmor: boolean
  ownUsers?: OwnUsers
  allowedUnsafeSysctls: readonly string[]
  logDirectory: string
  /** The longest that a container waits for its restart; upstream's if undefined. */
  maxRestartBackOffMilliseconds?: number | undefined
  clock: Clock
  log: Log
  runtime: Runtime
  images: ImageManager
  cpus: CpuManager
  devices: DeviceManager
  prober: Prober
  hook: RunHook
  volumes: Volumes
  csi: Csi
  references: References
  records: PodRecords
  statuses: StatusManager
  heal: HealLog
  spares: Spares
  /** For pods that begin. */
  turns: Turns
  /** undefined: not known yet. */
  services(): readonly Service[] | undefined
  allocatable(): Readonly<Record<string, string>>
  /** What the node is short of. */
  pressures(): readonly string[]
  isShuttingDown(): boolean
  sandboxFacts(): Promise<SandboxFacts>
  /** Rejects where this node has no such runtime. */
  checkRuntimeClass(pod: Pod, signal: AbortSignal): Promise<void>
  /** Why pods cannot have a network yet. */
  networkProblem(): string | undefined
  record(pod: Pod, what: Occurrence): void
  /** An event of the node itself. */
  recordNode(what: Occurrence): void
  /** What parts of the kubelet have counted, as Prometheus' text. */
  ownMetrics(): string
  /** Called with what the kernel tells of pods, after the workers have been woken. */
  heard: Set<(event: RuntimeEvent) => void>
}

/** A stop that is under way. This and the next are of the monotonic clock. */
export interface Killing { deadline: number; hook: AbortController }

/** Why and since when the pod is to stop. */
export interface Stopping { graceSeconds: number; since: number }

/** One pod's state in its worker. Only the worker and its executors change it. */
export interface PodRun {
  /** With what is allocated to its containers. */
  pod: Pod
  /** As the API server has it; the same object, unless a resize is not allocated. */
  wanted: Pod
  record: PodRecord
  observed: Observed
  /** Containers that a restart of the machine has swallowed. */
  lost: ContainerState[]
  waiting: Map<string, Waiting>
  killing: Map<string, Killing>
  stopping: Stopping | undefined
  wake: Wakeable
  /** Aborts when the pod begins to stop, or the kubelet ends: whatever is being started is given up. */
  starting: AbortSignal
  /** Volumes are as they should be. */
  volumesReady: boolean
}

export const attemptKey = ({ name, attempt }: Pick<ContainerState, 'name' | 'attempt'>): string => `${name}#${attempt}`
export const spareKey = (pod: Pod, container: string): string => `${pod.metadata.uid}/${container}`
