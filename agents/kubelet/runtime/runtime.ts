/**
 * What the kubelet asks of whatever runs its pods: our CRI. The real one is process/ (namespaces, cgroups, shims); tests use a fake whose processes exit on request.
 * Everything here is about facts of this machine; Kubernetes' rules (restart policy, back-off, probes, phases) live above it in plan.ts and status.ts.
 */
import type { Pressures } from './proc/pressure.ts'

/** A pod's sandbox: its network, IPC and UTS namespaces (held by a process) and its cgroup. */
export interface SandboxSpec {
  podUid: string
  podName: string
  podNamespace: string
  /** 0 for the first; a rebuilt sandbox counts up. */
  attempt: number
  hostname: string
  /** Domain for the FQDN, '' if none. */
  domainName: string
  hostNetwork: boolean
  hostPid: boolean
  hostIpc: boolean
  sharedProcessNamespace: boolean
  /** The pod's users are none of the machine's: it has a user namespace. */
  ownUsers?: boolean
  sysctls: Readonly<Record<string, string>>
  /** The pod's cgroup limits (sum over containers, upstream's ResourceConfigForPod); undefined: no limit. */
  resources: ResourceLimits
  qosClass: 'Guaranteed' | 'Burstable' | 'BestEffort'
  /** Contents of /etc/resolv.conf and /etc/hosts for its containers (hosts gets the pod's own line by `hostsFor`). */
  resolvConf: string
  hostsFor(podIP: string): string
  portMappings: readonly { hostPort: number; containerPort: number; protocol: 'TCP' | 'UDP'; hostIP: string }[]
}

export interface ResourceLimits {
  cpuShares?: number
  cpuQuotaMicroseconds?: number
  cpuPeriodMicroseconds?: number
  memoryLimitBytes?: number
  pidsLimit?: number
  /** Bytes by size of page as the kernel names it (`2MB`); sizes that are not named get none. undefined: they are not limited. */
  hugePages?: Readonly<Record<string, number>>
}

export interface Mount {
  /** Where it is on the machine (a file or a directory), already prepared by volumes/. */
  hostPath: string
  containerPath: string
  readOnly: boolean
  /** What is mounted below is read-only, too. */
  recursiveReadOnly?: boolean
  /** Programs in it cannot be executed. */
  noExec?: boolean
  /** It is an image's content: the image is in use as long as the attempt is known. */
  imageId?: string
  /** It is a device, to be used as one. */
  device?: boolean
  /** Of a device: it may not be written. */
  unwritable?: boolean
  propagation: 'private' | 'rslave' | 'rshared'
}

/** All that a container's process needs, resolved: no references to ConfigMaps or fields are left. */
export interface ContainerSpec {
  podUid: string
  name: string
  attempt: number
  image: ImageRef
  /** What is said of the image in the pod's status: its name ('' for the pod's own) and id; by default what `image` is. */
  shownImage?: ShownImage
  command: readonly string[]
  workingDir: string
  env: readonly { name: string; value: string }[]
  mounts: readonly Mount[]
  stdin: boolean
  stdinOnce: boolean
  tty: boolean
  readOnlyRootFilesystem: boolean
  privileged: boolean
  runAsUser: number | undefined
  runAsGroup: number | undefined
  supplementalGroups: readonly number[]
  /** Only these groups, not those that the image's /etc/group gives the user as well. */
  strictGroups?: boolean
  capabilities: { add: readonly string[]; drop: readonly string[] }
  allowPrivilegeEscalation: boolean
  /** All of /proc, nothing masked or read-only. */
  unmaskedProc?: boolean
  /** undefined: unconfined. */
  seccomp?: SeccompProfile
  resources: ResourceLimits
  oomScoreAdj: number
  /** CPUs that it may run on, `0-1,4`; undefined: on all. They can change while it is armed or runs. */
  cpus?: string
  terminationMessagePath: string
  /** Where the kubelet keeps this attempt's log, `<n>.log` in CRI format. */
  logPath: string
  stopSignal: string
  /** The running container of the pod whose process namespace is to be joined (an ephemeral container's target). */
  targetContainer?: string
}

/** Which system calls a container may make: what runtimes give by default, or a profile that was read from a file of the machine. */
export type SeccompProfile = { kind: 'default' } | { kind: 'file'; path: string; text: string }

export interface ShownImage { name: string; id: string }

/** An image as this machine has it. */
export type ImageRef = { kind: 'host' } | { kind: 'root'; path: string; id: string }

export interface SandboxState {
  podUid: string
  podName: string
  podNamespace: string
  attempt: number
  ready: boolean
  createdAt: Date
  podIP: string | undefined
}

export interface ContainerState {
  podUid: string
  name: string
  attempt: number
  /** `wherry://<id>` in status. */
  id: string
  state: 'created' | 'running' | 'exited' | 'unknown'
  /** The host's pid of the container's first process; undefined unless it runs. */
  pid: number | undefined
  createdAt: Date
  startedAt: Date | undefined
  finishedAt: Date | undefined
  /** As wait(2) gives it to a shell: 128 + signal for a killed one. */
  exitCode: number | undefined
  signal: number | undefined
  oomKilled: boolean
  /** Why it could not start, upstream's words (`StartError`, `ContainerCannotRun`), or `ContainerStatusUnknown`. */
  reason: string | undefined
  /** What was wrong; of a container that ran and ended, the last 4096 bytes of its termination message file, if it left any. */
  message: string | undefined
  imageRef: string
  shownImage?: ShownImage
  logPath: string
  /** Who its first process was when it began, in the container's own numbers. */
  user?: { uid: number; gid: number; groups: readonly number[] }
}

/** A change that the kernel told: the pod it concerns wants another look. */
export interface RuntimeEvent {
  podUid: string
  container?: string
  attempt?: number
  kind: 'started' | 'exited' | 'sandboxGone' | 'oom'
  monotonicMilliseconds: number
  /** Of an exit: when it was heard of. The event itself comes when nothing of the attempt runs any more and its code is known. */
  exitedMilliseconds?: number
}

export interface ExecOptions {
  command: readonly string[]
  tty: boolean
  stdin: AsyncIterable<Uint8Array> | undefined
  stdout(chunk: Uint8Array): void | Promise<void>
  stderr(chunk: Uint8Array): void | Promise<void>
  resize: AsyncIterable<{ columns: number; rows: number }> | undefined
  timeoutSeconds?: number
  signal: AbortSignal
}

/** Usage of a pod, a container or the machine at a moment. */
export interface Usage {
  at: Date
  cpuNanoseconds: bigint
  memoryWorkingSetBytes: number
  memoryRssBytes: number
  memoryUsageBytes: number
  processCount: number
  pageFaults?: number
  majorPageFaults?: number
  /** undefined: none. */
  memoryLimitBytes?: number
  /** undefined: the kernel does not count it. */
  swapBytes?: number
  /** How long its processes have waited; undefined where the kernel does not tell it of a cgroup (version 1). */
  pressure?: Pressures
}

/** What dashboards show beside the usage. undefined: this kernel does not tell it, or there is no limit. */
export interface UsageDetails {
  cpuUserNanoseconds: number | undefined
  cpuSystemNanoseconds: number | undefined
  /** Periods of the CPU's quota so far, those in which it was used up, and how long the processes have waited then. */
  cpuPeriods: number
  cpuThrottledPeriods: number
  cpuThrottledNanoseconds: number
  cpuShares: number | undefined
  cpuQuotaMicroseconds: number | undefined
  cpuPeriodMicroseconds: number | undefined
  memoryCacheBytes: number
  memoryMappedFileBytes: number
  memoryActiveFileBytes: number
  memoryInactiveFileBytes: number
  memoryMaxUsageBytes: number | undefined
  memoryLimitHits: number | undefined
  memoryKernelBytes: number | undefined
  oomKills: number
  /** Without their threads, which the usage's count has too. */
  processCount: number
  maxThreads: number | undefined
}

export interface Runtime {
  /** What runs and ran here, adopted from the kernel and from files: also after the kubelet's own death. */
  listSandboxes(): Promise<SandboxState[]>
  listContainers(podUid?: string): Promise<ContainerState[]>
  /** Makes namespaces, address and cgroup. Idempotent per (podUid, attempt). */
  runSandbox(spec: SandboxSpec, signal: AbortSignal): Promise<SandboxState>
  /** Ends the sandbox's process and frees its address; its containers have been stopped by then. Idempotent. */
  stopSandbox(podUid: string): Promise<void>
  /** Forgets everything about the pod: cgroup, state directory. */
  removeSandbox(podUid: string): Promise<void>
  /** Prepares an attempt up to the point of execution: "arm before need". A started container's next attempt may be armed while it still runs. */
  createContainer(spec: ContainerSpec, signal: AbortSignal): Promise<ContainerState>
  /** Lets an armed attempt execute its program, with the final environment and arguments of `spec`. */
  startContainer(spec: ContainerSpec): Promise<ContainerState>
  /** Sends the stop signal, then SIGKILL to everything in the attempt's cgroup after `graceSeconds`; resolves when nothing of it runs. */
  stopContainer(podUid: string, name: string, graceSeconds: number): Promise<void>
  /** Other limits for a sandbox's cgroup, or for a running container's; those that are not named stay. */
  updateSandbox(podUid: string, limits: ResourceLimits): Promise<void>
  updateContainer(podUid: string, name: string, limits: ResourceLimits): Promise<void>
  /** Pins the container, its armed attempts as well, to these CPUs (`0-1,4`). */
  setCpus(podUid: string, name: string, cpus: string): Promise<void>
  /** Limits for all pods of the node together. */
  updateNode(limits: ResourceLimits): Promise<void>
  /** A signal to the container's first process, or to one pid inside its cgroup. */
  signalContainer(podUid: string, name: string, signal: NodeJS.Signals | number, pid?: number): Promise<void>
  removeContainer(podUid: string, name: string, attempt: number): Promise<void>
  /** Resolves with the exit code. */
  exec(podUid: string, name: string, options: ExecOptions): Promise<number>
  attach(podUid: string, name: string, options: Omit<ExecOptions, 'command' | 'timeoutSeconds'>): Promise<void>
  /** A byte stream to a TCP port inside the pod's network namespace. */
  dial(podUid: string, port: number): Promise<import('node:stream').Duplex>
  usage(podUid: string): Promise<{ pod: Usage; containers: Record<string, Usage> } | undefined>
  /** As `usage`, and of those that the kernel does not count: nothing. */
  usageDetails(podUid: string): Promise<{ pod: UsageDetails; containers: Record<string, UsageDetails> } | undefined>
  /** Of all pods of the node together, with the limit that they have; undefined: nobody counts it. */
  nodeUsage?(): Usage | undefined
  /** Directories on disks in which is what the running containers of a pod have written to their roots. */
  layers(podUid: string): Promise<{ container: string; directory: string }[]>
  /** Pids in a container's cgroup. */
  processes(podUid: string, name: string): Promise<number[]>
  /** The file in which the kernel counts how often the node's pods came to the limit of their memory, where it has one. */
  memoryEvents?: string | undefined
  /** Exits, OOM kills and lost sandboxes, as the kernel tells them; one consumer. */
  events(signal: AbortSignal): AsyncIterable<RuntimeEvent>
}
