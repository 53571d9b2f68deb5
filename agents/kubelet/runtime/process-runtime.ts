/** The runtime whose containers are processes of this machine: namespaces, cgroups and one small shim for each attempt (architecture, section 7). */
import path from 'node:path'
import { adopt } from './adopt.ts'
import { arm, shapeOf } from './arm.ts'
import { attach } from './attach.ts'
import { type Attempt, discard, forget, removeFiles } from './attempt.ts'
import { removeDirectory } from './attempt-files.ts'
import { cgroupPids, emptyCgroup, pinCgroup, removeCgroup, updateCgroup } from './cgroups/cgroup.ts'
import { type Context, nodeCgroup, podDirectory, rootsDirectory, type RuntimeOptions } from './context.ts'
import { dial } from './dial.ts'
import { eventQueue } from './event-queue.ts'
import { exec } from './exec.ts'
import { fifoPool } from './fifo-pool.ts'
import { newLauncher } from './launcher.ts'
import { logLimits } from './logs/log-file.ts'
import { newLogWriter } from './logs/log-writer.ts'
import { setUpNode, tearDownNode } from './node-setup.ts'
import { identify, signalProcess } from './proc/stat.ts'
import { readPodDetails, readPodUsage } from './pod-usage.ts'
import { readUsage } from './cgroups/usage.ts'
import type { Credentials } from './rootfs/credentials.ts'
import { rootStock } from './rootfs/root-stock.ts'
import type { ContainerSpec, ContainerState, Runtime, RuntimeEvent } from './runtime.ts'
import { runSandbox, type Sandbox, stopSandbox } from './sandbox/sandbox.ts'
import { signalNumber } from './signals.ts'
import { start } from './start.ts'
import { stopAttempt } from './stop.ts'

export interface ProcessRuntime extends Runtime {
  /** Stops listening; everything goes on running, for the next kubelet to adopt. */
  close(): void
  /** Ends all pods of the node at once and removes every trace of them: processes, cgroups, mounts, links, rules, directories. */
  destroy(): Promise<void>
}

/** Adopts what runs here already. */
export const processRuntime = async (options: RuntimeOptions): Promise<ProcessRuntime> => {
  const queue = eventQueue<RuntimeEvent>()
  const node = await setUpNode(options)
  const failed = (error: unknown): void => { options.log.warn('cannot make roots in stock', { error: String(error) }) }
  const roots = node.ownUsers.whole ? rootStock({ directory: path.join(rootsDirectory(options), '.stock'), clock: options.clock, random: options.random, failed }) : undefined
  const shared: Omit<Context, 'launcher' | 'logWriter'> = {
    ...options, ...node, roots, logLimits: options.logLimits ?? logLimits(), pods: new Map(), fifos: fifoPool({ stock: path.join(options.stateDirectory, 'fifos'), clock: options.clock, random: options.random, failed: (error) => { options.log.warn('cannot make FIFOs in stock', { error: String(error) }) } }),
    emit: (event) => { queue.push({ ...event, monotonicMilliseconds: options.clock.monotonic() }) },
  }
  const context: Context = { ...shared, launcher: newLauncher(shared), logWriter: await newLogWriter(shared) }
  await options.network.resume()
  await adopt(context)
  context.logWriter?.keepOnlyTaken()

  return {
    memoryEvents: context.hierarchies.version === 2 ? path.join(context.hierarchies.controllers.memory ?? '', nodeCgroup(context), 'memory.events') : undefined,
    listSandboxes: () => Promise.resolve([...context.pods.values()].flatMap(({ sandbox }) => (sandbox ? [{ ...sandbox.state }] : []))),
    listContainers: (podUid) => Promise.resolve([...context.pods.values()].filter(({ uid }) => podUid === undefined || uid === podUid)
      .flatMap(({ attempts }) => attempts.filter(({ phase }) => phase !== 'arming').map(({ state, identity }) => ({ ...state, ...(identity && { user: userOf(identity.credentials) }) })))),
    runSandbox: async (spec, signal) => {
      await disarm(context, spec.podUid, spec.attempt)
      return { ...(await runSandbox(context, spec, signal)) }
    },
    async stopSandbox(podUid) {
      await disarm(context, podUid)
      const sandbox = context.pods.get(podUid)?.sandbox
      if (sandbox) await stopSandbox(context, sandbox)
    },
    removeSandbox: (podUid) => removePod(context, podUid),
    async createContainer(spec, signal) {
      const sandbox = readySandbox(context, spec.podUid)
      return { ...(await armed(context, { sandbox, spec, signal })).state }
    },
    async startContainer(spec) {
      const sandbox = readySandbox(context, spec.podUid)
      const attempt = await armed(context, { sandbox, spec, signal: new AbortController().signal })
      // Whose CPUs are whose may have changed while it was armed.
      if (spec.cpus !== undefined) pinCgroup(context.hierarchies, attempt.cgroup, spec.cpus)
      return { ...(await start(context, attempt, spec, sandbox.record.hostname)) }
    },
    stopContainer: async (podUid, name, graceSeconds) => {
      for (const attempt of running(context, podUid, name)) await stopAttempt(context, attempt, graceSeconds)
    },
    async updateSandbox(podUid, limits) { updateCgroup(context.hierarchies, readySandbox(context, podUid).record.cgroup, limits); return Promise.resolve() },
    async updateNode(limits) { updateCgroup(context.hierarchies, nodeCgroup(context), limits); return Promise.resolve() },
    async setCpus(podUid, name, cpus) {
      for (const { record, phase, cgroup } of context.pods.get(podUid)?.attempts ?? []) if (record.name === name && ['armed', 'starting', 'running'].includes(phase)) pinCgroup(context.hierarchies, cgroup, cpus)
      return Promise.resolve()
    },
    async updateContainer(podUid, name, limits) { updateCgroup(context.hierarchies, runningOne(context, podUid, name).cgroup, limits); return Promise.resolve() },
    async signalContainer(podUid, name, signal, pid) {
      const attempt = runningOne(context, podUid, name)
      const target = pid === undefined ? attempt.identity?.process : identify(pid)
      if (pid !== undefined && !cgroupPids(context.hierarchies, attempt.cgroup).includes(pid)) throw new Error(`process ${pid} does not belong to container ${name}`)
      if (!target || !signalProcess(target, typeof signal === 'number' ? signal : signalNumber(signal))) throw new Error(`process ${pid ?? ''} of container ${name} has ended`)
    },
    async removeContainer(podUid, name, number) {
      const attempt = find(context, podUid, name, number)
      if (!attempt) return
      if (attempt.phase === 'starting' || attempt.phase === 'running') throw new Error(`container ${name} (attempt ${number}) runs: stop it first`)
      if (attempt.phase !== 'ended') { await discard(context, attempt); return }
      forget(context, attempt)
      await removeFiles(context, attempt)
    },
    exec: (podUid, name, execOptions) => exec(context, runningOne(context, podUid, name), execOptions),
    attach: (podUid, name, attachOptions) => attach(context, runningOne(context, podUid, name), attachOptions),
    dial: (podUid, port) => dial(readySandbox(context, podUid), port),
    usage: (podUid) => Promise.resolve(readPodUsage(context, podUid)),
    usageDetails: (podUid) => Promise.resolve(readPodDetails(context, podUid)),
    nodeUsage: () => readUsage(context.hierarchies, nodeCgroup(context), context.clock.now()),
    layers: (podUid) => Promise.resolve((context.pods.get(podUid)?.attempts ?? []).filter(({ phase }) => phase === 'starting' || phase === 'running').map(({ record }) => ({ container: record.name, directory: record.rootDirectory }))),
    processes: (podUid, name) => Promise.resolve(running(context, podUid, name).flatMap(({ cgroup }) => cgroupPids(context.hierarchies, cgroup))),
    events: (signal) => queue.events(signal),
    close: () => { closeAll(context) },
    async destroy() {
      closeAll(context)
      await tearDownNode(context)
      await context.network.remove()
    },
  }
}

const userOf = ({ uid, gid, groups }: Credentials): NonNullable<ContainerState['user']> => ({ uid, gid, groups })

const readySandbox = (context: Context, podUid: string): Sandbox => {
  const sandbox = context.pods.get(podUid)?.sandbox
  if (!sandbox?.state.ready) throw new Error(`pod ${podUid} has no running sandbox`)
  return sandbox
}

const find = (context: Context, podUid: string, name: string, number: number): Attempt | undefined =>
  context.pods.get(podUid)?.attempts.find(({ record }) => record.name === name && record.attempt === number)

const running = (context: Context, podUid: string, name: string): Attempt[] =>
  (context.pods.get(podUid)?.attempts ?? []).filter(({ record, phase }) => record.name === name && (phase === 'starting' || phase === 'running'))

const runningOne = (context: Context, podUid: string, name: string): Attempt => {
  const attempt = running(context, podUid, name).at(-1)
  if (!attempt) throw new Error(`container ${name} of pod ${podUid} is not running`)
  return attempt
}

/** The attempt as it is armed already, if it is what the spec wants; else a new one in its place. */
const armed = async (context: Context, { sandbox, spec, signal }: { sandbox: Sandbox; spec: ContainerSpec; signal: AbortSignal }): Promise<Attempt> => {
  const known = find(context, spec.podUid, spec.name, spec.attempt)
  if (known?.phase === 'arming') throw new Error(`container ${spec.name} (attempt ${spec.attempt}) is being created already`)
  if (known?.phase === 'armed' && known.record.shape === shapeOf(spec, sandbox)) return known
  if (known?.phase === 'armed') await discard(context, known)
  else if (known) throw new Error(`container ${spec.name} (attempt ${spec.attempt}) exists already`)
  return arm(context, sandbox, spec, signal)
}

/** Spares belong to a sandbox and go with it. */
const disarm = async (context: Context, podUid: string, unlessAttempt?: number): Promise<void> => {
  const pod = context.pods.get(podUid)
  if (!pod || (pod.sandbox?.state.ready && pod.sandbox.record.attempt === unlessAttempt)) return
  await Promise.all(pod.attempts.filter(({ phase }) => phase === 'armed' || phase === 'arming').map((attempt) => discard(context, attempt)))
}

const removePod = async (context: Context, podUid: string): Promise<void> => {
  const pod = context.pods.get(podUid)
  if (!pod) return
  await disarm(context, podUid)
  for (const attempt of pod.attempts.filter(({ phase }) => phase === 'running' || phase === 'starting')) await stopAttempt(context, attempt, 0)
  if (pod.sandbox) {
    await stopSandbox(context, pod.sandbox)
    await emptyCgroup(context.hierarchies, pod.sandbox.record.cgroup, context.clock)
    await removeCgroup(context.hierarchies, pod.sandbox.record.cgroup, context.clock)
  }
  await Promise.all([podDirectory(context, podUid), path.join(rootsDirectory(context), podUid)].map(removeDirectory))
  context.pods.delete(podUid)
}

const closeAll = (context: Context): void => {
  context.roots?.close()
  context.fifos.close()
  context.launcher?.close()
  context.logWriter?.close()
  for (const { sandbox, attempts } of context.pods.values()) {
    sandbox?.life?.close()
    for (const attempt of attempts) {
      attempt.life?.close()
      if (attempt.phase !== 'ended') attempt.pump?.leave()
    }
  }
}
