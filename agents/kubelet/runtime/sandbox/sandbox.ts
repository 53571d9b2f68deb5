/** A pod's sandbox: a process that holds its network, IPC and UTS namespaces, and the pod's cgroup. */
import { spawn } from 'node:child_process'
import { readlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { notNeeded } from '../../../../src/api/clock.ts'
import { readErrors, readJson, removeDirectory, writeJson } from '../attempt-files.ts'
import { cgroupDirectories, createCgroup, emptyCgroup, killCgroup, removeCgroup } from '../cgroups/cgroup.ts'
import { bareEnvironment, type Context, podCgroup, podOf, sandboxDirectory, scriptsDirectory } from '../context.ts'
import { run } from '../command.ts'
import { openForReading, type Reader, readFifo } from '../fifo.ts'
import { identify, type ProcessIdentity, readIfThere } from '../proc/stat.ts'
import { protocol } from '../protocol.ts'
import type { SandboxSpec, SandboxState } from '../runtime.ts'
import { chooseUsers, mapUsers } from '../users.ts'
import { assignments } from '../shim/quote.ts'
import type { BridgedLink } from '../../network/pod-network.ts'
import { sandboxSteps } from '../steps/sandbox-steps.ts'
import { makeSharedMemory, sharedMemoryOptions, unmountSharedMemory } from './shared-memory.ts'

export interface SandboxRecord {
  /** Absent in those of before there was one (../protocol.ts). */
  protocol?: number
  bootId: string
  podUid: string
  podName: string
  podNamespace: string
  attempt: number
  createdAt: string
  /** The pod's cgroup. */
  cgroup: string
  hostname: string
  hostNetwork: boolean
  hostPid: boolean
  hostIpc: boolean
  /** Where the numbers of its own users begin; undefined: they are the machine's. */
  users?: number
  podIP: string | undefined
  /** As /proc/<pid>/ns/net names it. */
  networkNamespace: string
  /** undefined until it is ready. */
  holder: ProcessIdentity | undefined
  init: ProcessIdentity | undefined
}

export interface Sandbox {
  directory: string
  record: SandboxRecord
  state: SandboxState
  /** First process of the shared process namespace, if the pod has one. */
  init: ProcessIdentity | undefined
  life: Reader | undefined
  heard: PromiseWithResolvers<boolean>
  /** Why its process could not be started at all: no more processes, no more open files. Not in a file, for there may be none to be had. */
  problem?: string
}

const sandboxCgroupName = 'sandbox'
export const sandboxCgroup = (record: SandboxRecord): string => path.join(record.cgroup, sandboxCgroupName)

export const namespaceArguments = ({ record: { holder, hostNetwork, hostIpc } }: Sandbox): string[] => [
  ...(hostNetwork ? [] : [`--net=/proc/${holder?.pid}/ns/net`, `--uts=/proc/${holder?.pid}/ns/uts`]),
  ...(hostIpc ? [] : [`--ipc=/proc/${holder?.pid}/ns/ipc`]),
]

export const sandboxOf = (directory: string, record: SandboxRecord): Sandbox => ({
  directory, record, init: record.init, life: undefined, heard: Promise.withResolvers(),
  state: { podUid: record.podUid, podName: record.podName, podNamespace: record.podNamespace, attempt: record.attempt, ready: false, createdAt: new Date(record.createdAt), podIP: record.podIP },
})

export const runSandbox = async (context: Context, spec: SandboxSpec, signal: AbortSignal): Promise<SandboxState> => {
  const pod = podOf(context, spec.podUid)
  if (pod.sandbox?.state.ready && pod.sandbox.record.attempt === spec.attempt) return pod.sandbox.state
  if (pod.sandbox) await stopSandbox(context, pod.sandbox)
  signal.throwIfAborted()
  const directory = sandboxDirectory(context, spec.podUid, spec.attempt)
  await removeDirectory(path.dirname(directory))
  makeSharedMemory(directory)
  const record: SandboxRecord = {
    protocol, bootId: context.bootId, podUid: spec.podUid, podName: spec.podName, podNamespace: spec.podNamespace, attempt: spec.attempt, createdAt: context.clock.now().toISOString(),
    cgroup: podCgroup(context, spec.qosClass, spec.podUid), hostname: spec.hostname, hostNetwork: spec.hostNetwork, hostPid: spec.hostPid, hostIpc: spec.hostIpc,
    ...(spec.ownUsers && { users: chooseUsers(context, spec.podUid) }), podIP: undefined, networkNamespace: '', holder: undefined, init: undefined,
  }
  const sandbox = sandboxOf(directory, record)
  writeRecord(sandbox)
  pod.sandbox = sandbox
  try {
    await createCgroup(context.hierarchies, record.cgroup, spec.resources, sandboxCgroupName)
    const network = spec.hostNetwork ? undefined : await context.network.reserve(spec.podUid)
    record.podIP = network?.podIP
    sandbox.state.podIP = network?.podIP
    writeRecord(sandbox)
    const stepped = writeFiles(context, { sandbox, spec, inside: network?.inside ?? '', link: network?.link })
    await context.fifos.place(directory, ['life'])
    listenToSandbox(context, sandbox)
    let child: number | undefined
    if (stepped) context.launcher?.launch(directory, 'steps', `${spec.podNamespace}/${spec.podName}`)
    else child = launch(context, sandbox, spec)
    if (!(await isReady(context, sandbox))) throw new Error(`cannot set up the pod sandbox: ${sandbox.problem ?? (readErrors(directory) || 'its process ended without a word')}`)
    if (record.users !== undefined) await giveUsers(context, sandbox, child, record.users)
    if (network) await context.network.connect(spec.podUid, spec.portMappings, { linked: stepped })
    settle(sandbox, child ?? Number(readIfThere(path.join(directory, 'pid')) ?? 0))
    signal.throwIfAborted()
    return sandbox.state
  } catch (error) {
    await stopSandbox(context, sandbox)
    throw error
  }
}

const writeRecord = ({ directory, record }: Sandbox): void => { writeJson(path.join(directory, 'record.json'), record) }

export const readSandboxRecord = (directory: string): SandboxRecord | undefined => readJson<SandboxRecord>(path.join(directory, 'record.json'))

/** Answers whether the sandbox is made of steps: without users of its own and without a first process for all of its containers. */
const writeFiles = (context: Context, { sandbox, spec, inside, link }: { sandbox: Sandbox; spec: SandboxSpec; inside: string; link: BridgedLink | undefined }): boolean => {
  const { directory, record } = sandbox
  const write = (name: string, text: string): void => { writeFileSync(path.join(directory, name), text, { mode: 0o600 }) }
  write('resolv.conf', spec.resolvConf)
  write('hosts', spec.hostsFor(record.podIP ?? ''))
  const sysctls = Object.entries(spec.sysctls).map(([name, value]) => [sysctlPath(name), value] as const)
  const withInit = spec.sharedProcessNamespace && !spec.hostPid
  const groups = cgroupDirectories(context.hierarchies, sandboxCgroup(record))
  if (context.runner && context.launcher && !spec.ownUsers && !withInit) {
    const { hostNetwork, hostIpc, hostname, domainName } = spec
    writeFileSync(path.join(directory, 'steps'), sandboxSteps(context.runner.numbers, { groups, hostNetwork, hostIpc, hostname, domainName, link, sysctls, sharedMemory: spec.hostIpc ? undefined : sharedMemoryOptions(undefined) }), { mode: 0o600 })
    return true
  }
  write('network', inside)
  write('sysctls', sysctls.map(([name, value]) => `${name} ${value}\n`).join(''))
  write('spec', assignments({
    scripts: scriptsDirectory(context), groups: groups.join(' '),
    shared_memory: spec.hostIpc ? '' : sharedMemoryOptions(record.users), users: spec.ownUsers ? 'own' : '', hostname: spec.hostNetwork ? '' : spec.hostname, domain_name: spec.hostNetwork ? '' : spec.domainName, init: withInit ? 'yes' : '',
  }))
  return false
}

/** `net.ipv4.ip_forward` and `net/ipv4/ip_forward` are the same; in the second form dots belong to names. Throws for what is no name at all. */
export const sysctlPath = (name: string): string => {
  const file = /^[^/]*\./.test(name) && !name.includes('/') ? name.replaceAll('.', '/') : name
  if (!/^[a-zA-Z0-9_-]+(\/[a-zA-Z0-9_.-]+)+$/.test(file) || file.split('/').includes('..')) throw new Error(`invalid sysctl name ${JSON.stringify(name)}`)
  return file
}

const readyDeadlineMilliseconds = 30_000

const isReady = async (context: Context, { heard }: Sandbox): Promise<boolean> => {
  const giveUp = new AbortController()
  const late = context.clock.sleep(readyDeadlineMilliseconds, giveUp.signal).then(() => false)
  late.catch(() => {}) // given up
  const ready = await Promise.race([heard.promise, late])
  giveUp.abort(notNeeded)
  return ready
}

/** Nobody will ever be heard. */
const notStarted = (sandbox: Sandbox, { message }: Error): void => {
  sandbox.problem = message
  sandbox.heard.resolve(false)
}

const launch = (context: Context, sandbox: Sandbox, spec: SandboxSpec): number | undefined => {
  // With users of its own it makes its namespaces itself, so that they belong to its user namespace.
  const flags = spec.ownUsers ? [] : [...(spec.hostNetwork ? [] : ['--net', '--uts']), ...(spec.hostIpc ? [] : ['--ipc'])]
  const [command = '', ...args] = [...(flags.length > 0 ? ['unshare', ...flags] : []), 'sh', path.join(scriptsDirectory(context), 'sandbox')]
  const child = spawn(command, [...args, `${spec.podNamespace}/${spec.podName}`], { cwd: sandbox.directory, detached: true, stdio: 'ignore', env: bareEnvironment })
  child.on('error', (error) => { notStarted(sandbox, error) })
  child.unref()
  return child.pid
}

/** The namespaces are there: names who is who in them, and does from outside what the pod itself has no right to. */
const giveUsers = async (context: Context, { directory }: Sandbox, pid: number | undefined, users: number): Promise<void> => {
  if (pid === undefined) throw new Error('the process of the pod sandbox is gone')
  mapUsers(pid, users)
  await run('nsenter', [`--target=${pid}`, '--net', '--uts', '--ipc', 'sh', path.join(scriptsDirectory(context), 'inside')], { cwd: directory })
}

/** Hears the holder say that it is ready, and its end. */
export const listenToSandbox = (context: Context, sandbox: Sandbox): void => {
  sandbox.life = readFifo(openForReading(path.join(sandbox.directory, 'life')), {
    data() { sandbox.heard.resolve(true) },
    end() {
      sandbox.life?.close()
      sandbox.heard.resolve(false)
      if (!sandbox.state.ready) return
      sandbox.state.ready = false
      context.emit({ podUid: sandbox.record.podUid, kind: 'sandboxGone' })
    },
  })
}

const settle = (sandbox: Sandbox, pid: number): void => {
  const { record, directory } = sandbox
  const holder = identify(pid)
  if (!holder) throw new Error('the process of the pod sandbox is gone')
  const init = Number(readIfThere(path.join(directory, 'init')) ?? 0)
  record.holder = holder
  record.init = init ? identify(init) : undefined
  record.networkNamespace = readlinkSync(`/proc/${holder.pid}/ns/net`)
  sandbox.init = record.init
  writeRecord(sandbox)
  sandbox.state.ready = true
}

/** Ends its process and gives its address back; keeps its record. Idempotent. */
export const stopSandbox = async (context: Context, sandbox: Sandbox): Promise<void> => {
  sandbox.state.ready = false
  sandbox.life?.close()
  await unmountSharedMemory(sandbox.directory)
  killCgroup(context.hierarchies, sandboxCgroup(sandbox.record))
  await emptyCgroup(context.hierarchies, sandboxCgroup(sandbox.record), context.clock)
  await context.network.release(sandbox.record.podUid)
  await removeCgroup(context.hierarchies, sandboxCgroup(sandbox.record), context.clock)
}
