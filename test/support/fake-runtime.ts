/**
 * A runtime whose processes are only numbers: they exit on request, obey or ignore signals, and can be armed, adopted and lost. It keeps the contract of
 * agents/kubelet/runtime/runtime.ts and refuses what breaks it. It outlives any kubelet that uses it, as processes do.
 */
import { appendFile, mkdir } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import type { ContainerSpec, ContainerState, ExecOptions, ResourceLimits, Runtime, RuntimeEvent, SandboxSpec, SandboxState, Usage } from '../../agents/kubelet/runtime/runtime.ts'
import type { Clock } from '../../src/api/clock.ts'

/** How a program behaves; by default it runs until it is told to stop. */
export interface Program {
  /** Exits with this code as soon as it has started. */
  exitsWith?: number
  /** Does not end on the stop signal, only on SIGKILL. */
  ignoresStop?: boolean
}

export type ExecHandler = (command: readonly string[], options: ExecOptions) => Promise<number> | number

export interface FakeRuntime extends Runtime {
  /** Decides how a container behaves when it starts. */
  program: (spec: ContainerSpec) => Program
  execHandler: ExecHandler
  /** Of every pod and container. */
  memoryUsageBytes: number
  /** `pod uid/container` → the CPUs that it was pinned to. */
  readonly cpus: ReadonlyMap<string, string>
  /** What the node was limited to. */
  nodeLimits: ResourceLimits
  /** The running process of a container ends. */
  exit(podUid: string, name: string, code: number, more?: { signal?: number; oomKilled?: boolean }): void
  loseSandbox(podUid: string): void
  /** As after a restart of the machine: nothing runs, nothing is known. */
  reboot(): void
  /** A line in the container's log, in CRI's format. */
  write(podUid: string, name: string, stream: 'stdout' | 'stderr', text: string): Promise<void>
  /** `web-1/web#0`, of everything that runs, in order of their names. */
  running(): string[]
  specOf(podUid: string, name: string, attempt: number): ContainerSpec | undefined
  readonly log: readonly string[]
  /** The next call of this method fails. */
  failNext(method: Failing, error: Error): void
  /** Every call of this method fails, until what is returned is called. */
  failAlways(method: Failing, error: Error): () => void
}

type Failing = 'runSandbox' | 'createContainer' | 'startContainer' | 'updateSandbox' | 'updateContainer'

interface Process { spec: ContainerSpec; state: ContainerState; program: Program; ended: Set<() => void> }

export const fakeRuntime = (clock: Clock): FakeRuntime => {
  const sandboxes = new Map<string, { spec: SandboxSpec; state: SandboxState }>()
  const processes: Process[] = []
  const readers = new Set<(event: RuntimeEvent) => void>()
  const failures = new Map<string, Error>()
  const lasting = new Set<string>()
  const log: string[] = []
  const cpus = new Map<string, string>()
  let pids = 1000
  let addresses = 2

  const emit = (event: Omit<RuntimeEvent, 'monotonicMilliseconds'>): void => { for (const reader of readers) reader({ ...event, monotonicMilliseconds: clock.monotonic() }) }
  const find = (podUid: string, name: string, attempt: number): Process | undefined =>
    processes.find(({ state }) => state.podUid === podUid && state.name === name && state.attempt === attempt)
  const running = (podUid: string, name: string): Process | undefined => processes.find(({ state }) => state.podUid === podUid && state.name === name && state.state === 'running')
  const failIfAsked = (method: string): void => {
    const error = failures.get(method)
    if (!lasting.has(method)) failures.delete(method)
    if (error) throw error
  }
  const end = (process: Process, code: number, more: { signal?: number; oomKilled?: boolean } = {}): void => {
    if (process.state.state !== 'running') return
    process.state = { ...process.state, state: 'exited', pid: undefined, finishedAt: clock.now(), exitCode: code, signal: more.signal, oomKilled: more.oomKilled ?? false }
    log.push(`exit ${process.state.name}#${process.state.attempt} ${code}`)
    for (const wake of process.ended) wake()
    const of = { podUid: process.state.podUid, container: process.state.name, attempt: process.state.attempt }
    if (more.oomKilled) emit({ ...of, kind: 'oom' })
    emit({ ...of, kind: 'exited', exitedMilliseconds: clock.monotonic() })
  }
  const usage = (): Usage => ({ at: clock.now(), cpuNanoseconds: BigInt(Math.round(clock.monotonic() * 1000)), memoryWorkingSetBytes: 1_000_000, memoryRssBytes: 900_000, memoryUsageBytes: runtime.memoryUsageBytes, processCount: 1 })

  const runtime: FakeRuntime = {
    memoryUsageBytes: 1_100_000,
    nodeLimits: {},
    cpus,
    program: () => ({}),
    execHandler: () => 0,
    log,
    listSandboxes: () => Promise.resolve([...sandboxes.values()].map(({ state }) => state)),
    listContainers: (podUid) => Promise.resolve(processes.map(({ state }) => state).filter((state) => podUid === undefined || state.podUid === podUid)),
    async runSandbox(spec, signal) {
      signal.throwIfAborted()
      failIfAsked('runSandbox')
      const before = sandboxes.get(spec.podUid)
      if (before?.state.ready) {
        if (before.state.attempt === spec.attempt) return before.state
        throw new Error(`fake runtime: sandbox ${before.state.attempt} of pod ${spec.podUid} still runs`)
      }
      const state: SandboxState = { podUid: spec.podUid, podName: spec.podName, podNamespace: spec.podNamespace, attempt: spec.attempt, ready: true, createdAt: clock.now(), podIP: spec.hostNetwork ? undefined : `10.244.0.${addresses++}` }
      sandboxes.set(spec.podUid, { spec, state })
      log.push(`sandbox ${spec.podName}#${spec.attempt}`)
      return state
    },
    async stopSandbox(podUid) {
      const sandbox = sandboxes.get(podUid)
      if (!sandbox?.state.ready) return
      if (processes.some(({ state }) => state.podUid === podUid && state.state === 'running')) throw new Error(`fake runtime: containers of pod ${podUid} still run`)
      sandbox.state = { ...sandbox.state, ready: false }
      log.push(`stop sandbox ${sandbox.spec.podName}#${sandbox.spec.attempt}`)
    },
    async removeSandbox(podUid) {
      await runtime.stopSandbox(podUid)
      sandboxes.delete(podUid)
      for (const process of [...processes]) if (process.state.podUid === podUid) processes.splice(processes.indexOf(process), 1)
    },
    async createContainer(spec, signal) {
      signal.throwIfAborted()
      failIfAsked('createContainer')
      if (!sandboxes.get(spec.podUid)?.state.ready) throw new Error(`fake runtime: pod ${spec.podUid} has no sandbox`)
      const before = find(spec.podUid, spec.name, spec.attempt)
      if (before) {
        if (before.state.state === 'created') return before.state
        throw new Error(`fake runtime: attempt ${spec.name}#${spec.attempt} has been made before`)
      }
      const state: ContainerState = {
        podUid: spec.podUid, name: spec.name, attempt: spec.attempt, id: `${spec.podUid}-${spec.name}-${spec.attempt}`, state: 'created', pid: undefined, createdAt: clock.now(), startedAt: undefined,
        finishedAt: undefined, exitCode: undefined, signal: undefined, oomKilled: false, reason: undefined, message: undefined, imageRef: spec.image.kind === 'host' ? 'host' : spec.image.id, ...(spec.shownImage && { shownImage: spec.shownImage }), logPath: spec.logPath,
      }
      processes.push({ spec, state, program: {}, ended: new Set() })
      log.push(`create ${spec.name}#${spec.attempt}`)
      return state
    },
    async startContainer(spec) {
      failIfAsked('startContainer')
      const process = find(spec.podUid, spec.name, spec.attempt)
      if (process?.state.state !== 'created') throw new Error(`fake runtime: ${spec.name}#${spec.attempt} is not armed`)
      if (running(spec.podUid, spec.name)) throw new Error(`fake runtime: another attempt of ${spec.name} runs`)
      process.spec = spec
      process.program = runtime.program(spec)
      if (spec.cpus !== undefined) cpus.set(`${spec.podUid}/${spec.name}`, spec.cpus)
      process.state = { ...process.state, state: 'running', pid: pids++, startedAt: clock.now() }
      log.push(`start ${spec.name}#${spec.attempt}`)
      const started = process.state
      const { exitsWith } = process.program
      if (exitsWith !== undefined) queueMicrotask(() => end(process, exitsWith))
      return started
    },
    async stopContainer(podUid, name, graceSeconds) {
      const process = running(podUid, name)
      if (!process) return
      log.push(`stop ${name}#${process.state.attempt} ${graceSeconds}s`)
      if (!process.program.ignoresStop) { end(process, 143, { signal: 15 }); return }
      const over = new AbortController()
      const ended = new Promise<void>((resolve) => { process.ended.add(resolve) })
      await Promise.race([ended, clock.sleep(graceSeconds * 1000, over.signal).then(() => end(process, 137, { signal: 9 }), () => {})])
      over.abort()
    },
    async updateSandbox(podUid, limits) {
      failIfAsked('updateSandbox')
      const sandbox = sandboxes.get(podUid)
      if (!sandbox?.state.ready) throw new Error(`fake runtime: pod ${podUid} has no sandbox`)
      sandbox.spec = { ...sandbox.spec, resources: { ...sandbox.spec.resources, ...limits } }
      log.push(`update ${sandbox.spec.podName} ${JSON.stringify(limits)}`)
    },
    updateNode: (limits) => { runtime.nodeLimits = limits; return Promise.resolve() },
    setCpus(podUid, name, set) { cpus.set(`${podUid}/${name}`, set); return Promise.resolve() },
    async updateContainer(podUid, name, limits) {
      failIfAsked('updateContainer')
      const process = running(podUid, name)
      if (!process) throw new Error(`fake runtime: ${name} does not run`)
      process.spec = { ...process.spec, resources: { ...process.spec.resources, ...limits } }
      log.push(`update ${name}#${process.state.attempt} ${JSON.stringify(limits)}`)
    },
    async signalContainer(podUid, name, signal) {
      const process = running(podUid, name)
      if (!process) throw new Error(`fake runtime: ${name} does not run`)
      log.push(`signal ${name} ${signal}`)
      if (signal === 'SIGKILL' || signal === 9) end(process, 137, { signal: 9 })
    },
    async removeContainer(podUid, name, attempt) {
      const process = find(podUid, name, attempt)
      if (!process) return
      if (process.state.state === 'running') throw new Error(`fake runtime: ${name}#${attempt} runs`)
      processes.splice(processes.indexOf(process), 1)
      log.push(`remove ${name}#${attempt}`)
    },
    async exec(podUid, name, options) {
      if (!running(podUid, name)) throw new Error(`container ${name} is not running`)
      return runtime.execHandler(options.command, options)
    },
    async attach(podUid, name, options) {
      if (!running(podUid, name)) throw new Error(`container ${name} is not running`)
      for await (const chunk of options.stdin ?? []) await options.stdout(chunk)
    },
    async dial(_, port) {
      const socket = net.connect({ host: '127.0.0.1', port })
      await new Promise((resolve, reject) => { socket.once('connect', resolve).once('error', reject) })
      return socket.pipe(new PassThrough()) && socket
    },
    async usage(podUid) {
      if (!sandboxes.has(podUid)) return undefined
      return { pod: usage(), containers: Object.fromEntries(processes.filter(({ state }) => state.podUid === podUid && state.state === 'running').map(({ state }) => [state.name, usage()])) }
    },
    usageDetails: () => Promise.resolve(undefined),
    layers: () => Promise.resolve([]),
    processes: async (podUid, name) => { const pid = running(podUid, name)?.state.pid; return pid === undefined ? [] : [pid] },
    async *events(signal) {
      const waiting: RuntimeEvent[] = []
      let wake: (() => void) | undefined
      const reader = (event: RuntimeEvent): void => { waiting.push(event); wake?.() }
      const stop = (): void => wake?.()
      readers.add(reader)
      signal.addEventListener('abort', stop)
      try {
        while (!signal.aborted) {
          const next = waiting.shift()
          if (next) yield next
          else await new Promise<void>((resolve) => { wake = resolve })
        }
      } finally { readers.delete(reader) }
    },
    exit(podUid, name, code, more) {
      const process = running(podUid, name)
      if (!process) throw new Error(`fake runtime: ${name} does not run`)
      end(process, code, more)
    },
    loseSandbox(podUid) {
      const sandbox = sandboxes.get(podUid)
      if (!sandbox) throw new Error(`fake runtime: no sandbox of ${podUid}`)
      sandbox.state = { ...sandbox.state, ready: false }
      emit({ podUid, kind: 'sandboxGone' })
    },
    reboot() {
      sandboxes.clear()
      processes.splice(0)
    },
    async write(podUid, name, stream, text) {
      const process = processes.filter(({ state }) => state.podUid === podUid && state.name === name && state.state !== 'created').at(-1)
      if (!process) throw new Error(`fake runtime: ${name} has not run`)
      await mkdir(path.dirname(process.spec.logPath), { recursive: true })
      await appendFile(process.spec.logPath, `${clock.now().toISOString().replace('Z', '000000Z')} ${stream} F ${text}\n`)
    },
    running: () => processes.filter(({ state }) => state.state === 'running').map(({ state }) => `${sandboxes.get(state.podUid)?.spec.podName ?? state.podUid}/${state.name}#${state.attempt}`).sort(),
    specOf: (podUid, name, attempt) => find(podUid, name, attempt)?.spec,
    failNext: (method, error) => { failures.set(method, error) },
    failAlways(method, error) {
      failures.set(method, error)
      lasting.add(method)
      return () => { lasting.delete(method); failures.delete(method) }
    },
  }
  return runtime
}
