/** What a kubelet is given. Flags and files are read by whoever composes it. */
import type { Clock } from '../../src/api/clock.ts'
import type { Random } from '../../src/api/random.ts'
import type { Taint } from '../../src/api/types.ts'
import type { Client } from '../../src/client/client.ts'
import type { Log } from '../../src/client/component.ts'
import type { CpuManagerSettings } from './cpu-manager/manager.ts'
import type { Images } from './image.ts'
import type { EvictionSettings } from './eviction/evictor.ts'
import type { GarbagePolicy } from './images/garbage.ts'
import type { CredentialProvider } from './images/credential-provider/configuration.ts'
import type { ImageStore } from './images/image-store.ts'
import type { Registries } from './images/registries.ts'
import type { MachineFacts, MachineReadings } from './machine-facts.ts'
import type { Inhibitor } from './node-shutdown/inhibitor.ts'
import type { GraceOfPriority } from './node-shutdown/shutdown-groups.ts'
import type { Rate } from './rate-limit.ts'
import type { Runtime } from './runtime/runtime.ts'
import type { Mounter } from './volumes/mounter.ts'

export interface ServerOptions {
  /** 10250, unless several nodes share a network namespace. */
  port: number
  /** '' or absent: all addresses. */
  address?: string
  /** PEM. */
  cert: string
  key: string
  /** The cluster's CA: client certificates that it signed are believed. */
  clientCA: string
  /** Where the machine's own logs are; /var/log if absent. */
  systemLogs?: string
}

export interface KubeletOptions {
  nodeName: string
  /** The address under which the API server and pods reach this node. */
  nodeIP: string
  /** undefined: static pods only, no API server. It may be away for long, or start later. */
  client: Client | undefined
  runtime: Runtime
  /** The pod network, where the runtime has one: told the node's range as soon as the API server has assigned it. */
  network?: { configure(podCIDR: string): Promise<void>; isReady(): boolean }
  images?: Images
  /** undefined: no registries, only what is on this machine. */
  registries?: Registries
  /** Programs that know credentials for images, and where they are. */
  credentialProviders?: { providers: readonly CredentialProvider[]; directory: string }
  /** undefined: images are not collected when the disk is full. */
  imageStore?: ImageStore
  imageGarbagePolicy?: GarbagePolicy
  /** How many pulls may begin; more fail and are tried again. No limit if absent. */
  pullRate?: Rate
  /** How many events may be told; more are dropped. No limit if absent. */
  eventRate?: Rate
  /** Events of one moment are written together, so much after the first of them, that no pod waits for them; at once if absent. */
  eventPauseMilliseconds?: number
  /** The longest that a container waits for its restart; five minutes if absent. */
  maxRestartBackOffMilliseconds?: number
  /** Whether the kernel keeps all pods together within what is allocatable; it does if absent. */
  enforcePods?: boolean
  /** How many images are pulled at a time; 1 if absent. */
  maxParallelPulls?: number
  clock: Clock
  random: Random
  log: Log
  /** Manifests of static pods; undefined: none. */
  staticPodDirectory: string | undefined
  /** Containers that ask for whole CPUs have them alone; undefined: nobody is pinned. */
  cpuManager?: CpuManagerSettings
  /** More of them, where the node's configuration names a directory of its own. */
  moreStaticPods?: string
  /** Where more static pods are asked for. */
  staticPodURL?: { url: string; headers: Readonly<Record<string, readonly string[]>>; checkMilliseconds: number }
  /** The kubelet's own: records, volumes, logs. Survives a restart of the machine. */
  dataDirectory: string
  /** On tmpfs: secrets and tokens. */
  memoryDirectory: string
  clusterDNS: readonly string[]
  clusterDomain: string
  server: ServerOptions | undefined
  /** Of the machine; read from it if absent. */
  machine?: MachineFacts
  mounter?: Mounter
  maxPods?: number
  /** No more pods than so many for each CPU. */
  podsPerCore?: number
  /** How many images the node's status names; 50 if absent, all for -1. */
  maxStatusImages?: number
  /** Logs of pods; below `dataDirectory` if absent. */
  podLogsDirectory?: string
  /** An image that lies here may be used by pods without the credentials with which it was pulled. */
  neverVerifyImages?: boolean
  /** Containers that name no seccomp profile get RuntimeDefault instead of none. */
  seccompDefault?: boolean
  /** Names, or beginnings of names with an asterisk behind them, of sysctls that pods may set besides the safe ones. */
  allowedUnsafeSysctls?: readonly string[]
  /** How many processes each pod may have. */
  podPidsLimit?: number
  labels?: Readonly<Record<string, string>>
  taints?: readonly Taint[]
  /** How a cloud knows this machine; set once, when the node registers. */
  providerID?: string
  /** `v1.36.0`: what `kubectl get nodes` shows. */
  version: string
  /** When pods are evicted; upstream's defaults if absent. */
  eviction?: Partial<EvictionSettings>
  /** Whether the kernel is asked to tell when memory is short; unless it is false, it is. */
  kernelMemcgNotification?: boolean
  /** Kept for the system and for Kubernetes' own daemons (systemReserved and kubeReserved, summed up). */
  reserved?: Readonly<Record<string, string>>
  /** How pods end when the machine shuts down; without any group they do not wait for each other, nor the machine for them. */
  shutdown?: { graces: readonly GraceOfPriority[]; inhibitor?: (neededSeconds: number) => Promise<Inhibitor | undefined>; requests?: (signal: AbortSignal) => AsyncIterable<boolean> }
  /** Where kube-proxy of this machine answers, for the last steps of the heal log; absent: nobody is asked. */
  proxyPort?: number
  /** What is free on the machine; read from it if absent. */
  readMachine?: (directory: string, memoryCapacityBytes: number) => Promise<MachineReadings>
  /** Where images are kept, if on a disk of their own that must not fill up. */
  imageDirectory?: string
  /** Deletes images that nobody uses, to make room. */
  reclaimImages?: () => Promise<void>
  /** How many attempts may be armed ahead of need; default by the machine's memory. */
  maxSpares?: number
  /** The machine's resolver and hosts file. */
  resolvConfFile?: string
  hostsFile?: string
}
