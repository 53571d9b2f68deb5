/** What all parts of the runtime of one node share. */
import path from 'node:path'
import type { Clock } from '../../../src/api/clock.ts'
import type { Random } from '../../../src/api/random.ts'
import type { Log } from '../../../src/client/component.ts'
import type { PodNetwork } from '../network/pod-network.ts'
import type { Numbers } from '../seccomp/syscalls/tables.ts'
import type { Attempt } from './attempt.ts'
import type { Hierarchies } from './cgroups/hierarchies.ts'
import type { FifoPool } from './fifo-pool.ts'
import type { Launcher } from './launcher.ts'
import type { LogLimits } from './logs/log-file.ts'
import type { LogWriter } from './logs/log-writer.ts'
import type { OwnUsers } from './proc/own-users.ts'
import type { RootStock } from './rootfs/root-stock.ts'
import type { RuntimeEvent } from './runtime.ts'
import type { Sandbox } from './sandbox/sandbox.ts'

export interface RuntimeOptions {
  clusterId: string
  nodeName: string
  /** State of running things, erased by a reboot: /run/wherry/<cluster>/<node>. */
  stateDirectory: string
  /** Layers of containers, on a disk. */
  dataDirectory: string
  /** Parent of our cgroups in every hierarchy, normally `/`. */
  cgroupRoot: string
  /** Containers are pinned to CPUs. */
  pinsCpus?: boolean
  /** Directories of the machine that no container with `image: host` sees, beside the two above. */
  hiddenDirectories?: readonly string[]
  /** Upstream's defaults if absent. */
  logLimits?: LogLimits
  network: PodNetwork
  clock: Clock
  random: Random
  log: Log
}

export interface Pod {
  uid: string
  sandbox: Sandbox | undefined
  /** All attempts that are known, armed, running and ended. */
  attempts: Attempt[]
}

export interface Context extends RuntimeOptions {
  logLimits: LogLimits
  hierarchies: Hierarchies
  bootId: string
  /** Capabilities that exist here, as bits. */
  boundingSet: bigint
  ownUsers: OwnUsers
  /** What carries out steps (steps/steps.ts), and the numbers of system calls; undefined: nothing does here, and the scripts do it all. */
  runner: { program: string; numbers: Numbers } | undefined
  fifos: FifoPool
  /** Where there is a runner. */
  launcher: Launcher | undefined
  /** undefined: none is known for this machine's processor, and the kubelet carries logs itself. */
  logWriter: LogWriter | undefined
  /** undefined: roots are made as they are needed. */
  roots: RootStock | undefined
  pods: Map<string, Pod>
  emit(event: Omit<RuntimeEvent, 'monotonicMilliseconds'>): void
}

/** Names of the cgroups, relative to the hierarchies. */
export const nodeCgroup = ({ cgroupRoot, clusterId, nodeName }: Pick<RuntimeOptions, 'cgroupRoot' | 'clusterId' | 'nodeName'>): string => path.join(cgroupRoot, `wherry-${clusterId}`, nodeName)
export const shimCgroup = (context: RuntimeOptions): string => path.join(nodeCgroup(context), 'shims')
export const podCgroup = (context: RuntimeOptions, qosClass: string, podUid: string): string => path.join(nodeCgroup(context), qosClass.toLowerCase(), `pod${podUid}`)

export const podDirectory = (context: RuntimeOptions, podUid: string): string => path.join(context.stateDirectory, 'pods', podUid)
/** A name that no container can have. */
export const sandboxDirectory = (context: RuntimeOptions, podUid: string, attempt: number): string => path.join(podDirectory(context, podUid), '.sandbox', String(attempt))
export const attemptDirectory = (context: RuntimeOptions, { podUid, name, attempt }: { podUid: string; name: string; attempt: number }): string =>
  path.join(podDirectory(context, podUid), name, String(attempt))
export const rootsDirectory = ({ dataDirectory }: Pick<RuntimeOptions, 'dataDirectory'>): string => path.join(dataDirectory, 'roots')
export const toolsDirectory = ({ dataDirectory }: Pick<RuntimeOptions, 'dataDirectory'>): string => path.join(dataDirectory, 'tools')
/** What all containers share of their roots: the frame of /dev, an empty directory, a place to mount at. */
export const templateDirectory = ({ dataDirectory }: Pick<RuntimeOptions, 'dataDirectory'>): string => path.join(dataDirectory, 'template')
export const scriptsDirectory = ({ stateDirectory }: Pick<RuntimeOptions, 'stateDirectory'>): string => path.join(stateDirectory, 'scripts')

export const podOf = (context: Context, uid: string): Pod => {
  const known = context.pods.get(uid)
  if (known) return known
  const pod: Pod = { uid, sandbox: undefined, attempts: [] }
  context.pods.set(uid, pod)
  return pod
}

export const logWriterDirectory = ({ stateDirectory }: Pick<RuntimeOptions, 'stateDirectory'>): string => path.join(stateDirectory, 'log-writer')

/** Environment of our own programs: nothing of the kubelet's. */
export const bareEnvironment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }
