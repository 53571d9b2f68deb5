/** A node of its own for tests of the real runtime: unique names, specs that read aloud, and everything gone at the end. */
import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { podNetwork } from '../../agents/kubelet/network/pod-network.ts'
import type { RuntimeOptions } from '../../agents/kubelet/runtime/context.ts'
import { type ProcessRuntime, processRuntime } from '../../agents/kubelet/runtime/process-runtime.ts'
import type { ContainerSpec, ExecOptions, RuntimeEvent, SandboxSpec } from '../../agents/kubelet/runtime/runtime.ts'
import { systemClock } from '../../src/api/clock.ts'
import { systemRandom } from '../../src/api/random.ts'

export const isRoot = process.getuid?.() === 0

export interface NodePlace { clusterId: string; nodeName: string; stateDirectory: string; dataDirectory: string; networkDirectory: string; podCIDR: string; clusterCIDR: string; scratch: string }

/** A /24 of the test range that nobody else on this machine has; whoever ended without giving his back has none any more. */
const claimRange = (): number => {
  for (let third = randomInt(256); ; third = (third + 1) % 256) {
    const file = path.join(tmpdir(), `wherry-test-range-${third}`)
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      return third
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      try { if (!existsSync(`/proc/${readFileSync(file, 'utf8')}/stat`)) rmSync(file) } catch { /* its owner was quicker */ }
    }
  }
}

export const newPlace = (nodeName = 'node-1'): NodePlace => {
  const id = `t${randomBytes(4).toString('hex')}`
  const scratch = mkdtempSync(path.join(tmpdir(), `wherry-${id}-`))
  const third = isRoot ? claimRange() : 0
  return { clusterId: id, nodeName, scratch, stateDirectory: `/run/wherry/${id}/${nodeName}`, dataDirectory: path.join(scratch, 'data'), networkDirectory: path.join(scratch, 'network'),
    podCIDR: `10.213.${third}.0/24`, clusterCIDR: '10.213.0.0/16' }
}

const silent = { info() {}, debug() {}, warn(message: string, fields?: object) { console.error(message, fields) }, error(message: string, fields?: object) { console.error(message, fields) } }

export const openRuntime = async (place: NodePlace, over: Partial<RuntimeOptions> = {}): Promise<ProcessRuntime> => {
  const { clusterId, nodeName, stateDirectory, dataDirectory } = place
  const network = podNetwork({ clusterId, nodeName, directory: place.networkDirectory, log: silent, clock: systemClock })
  const runtime = await processRuntime({ clusterId, nodeName, stateDirectory, dataDirectory, cgroupRoot: '/', network, clock: systemClock, random: systemRandom, log: silent, ...over })
  await network.configure(place)
  return runtime
}

export const leavePlace = (place: NodePlace): void => {
  rmSync(place.scratch, { recursive: true, force: true })
  rmSync(path.join(tmpdir(), `wherry-test-range-${place.podCIDR.split('.')[2] ?? ''}`), { force: true })
}

export const aSandbox = (podUid: string, over: Partial<SandboxSpec> = {}): SandboxSpec => ({
  podUid, podName: podUid, podNamespace: 'default', attempt: 0, hostname: podUid, domainName: '', hostNetwork: false, hostPid: false, hostIpc: false, sharedProcessNamespace: false,
  sysctls: {}, resources: {}, qosClass: 'BestEffort', resolvConf: 'nameserver 10.96.0.10\n', hostsFor: (podIP) => `127.0.0.1 localhost\n${podIP} ${podUid}\n`, portMappings: [], ...over,
})

export const aContainer = (place: NodePlace, podUid: string, command: readonly string[], over: Partial<ContainerSpec> = {}): ContainerSpec => ({
  podUid, name: 'main', attempt: 0, image: { kind: 'host' }, command, workingDir: '/', env: [], mounts: [], stdin: false, stdinOnce: false, tty: false, readOnlyRootFilesystem: false,
  privileged: false, runAsUser: undefined, runAsGroup: undefined, supplementalGroups: [], capabilities: { add: [], drop: [] }, allowPrivilegeEscalation: true, resources: {},
  oomScoreAdj: 1000, terminationMessagePath: '/dev/termination-log', logPath: path.join(place.scratch, 'logs', podUid, `${over.name ?? 'main'}.log`), stopSignal: 'SIGTERM', ...over,
})

export const never = new AbortController().signal

export const launch = async (runtime: ProcessRuntime, spec: ContainerSpec): Promise<number> => {
  await runtime.createContainer(spec, never)
  return (await runtime.startContainer(spec)).pid ?? 0
}

/** Polls a condition; a test that waits in vain says for what. */
export const until = async <T>(what: string, condition: () => T | Promise<T>, milliseconds = 60_000): Promise<NonNullable<T>> => {
  const deadline = performance.now() + milliseconds
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`waited ${milliseconds} ms in vain for: ${what}`)
    await new Promise((resolve) => { setTimeout(resolve, 5) })
  }
}

export const untilExited = (runtime: ProcessRuntime, podUid: string, name = 'main', attempt = 0) =>
  until(`${podUid}/${name} to exit`, async () => (await runtime.listContainers(podUid)).find((state) => state.name === name && state.attempt === attempt && state.state === 'exited'))

/** The text of a log, put together as `kubectl logs` does. */
export const logText = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '').split('\n').filter(Boolean)
  .map((line) => line.replace(/^\S+ (stdout|stderr) ([FP]) /, '') + (/^\S+ \S+ F /.test(line) ? '\n' : '')).join('')

/** Runs a container to its end. */
export const runToEnd = async (runtime: ProcessRuntime, spec: ContainerSpec) => {
  await launch(runtime, spec)
  const state = await untilExited(runtime, spec.podUid, spec.name, spec.attempt)
  return { state, output: logText(spec.logPath) }
}

export const collect = async (runtime: ProcessRuntime, podUid: string, command: readonly string[], over: Partial<ExecOptions> & { name?: string } = {}) => {
  const out: string[] = []
  const err: string[] = []
  const decode = (chunk: Uint8Array): string => Buffer.from(chunk).toString()
  const code = await runtime.exec(podUid, over.name ?? 'main', { command, tty: false, stdin: undefined, resize: undefined, signal: never,
    stdout: (chunk) => { out.push(decode(chunk)) }, stderr: (chunk) => { err.push(decode(chunk)) }, ...over })
  return { code, out: out.join(''), err: err.join('') }
}

export const listenTo = (runtime: ProcessRuntime): { events: RuntimeEvent[]; stop(): void } => {
  const events: RuntimeEvent[] = []
  const stop = new AbortController()
  void (async () => { for await (const event of runtime.events(stop.signal)) events.push(event) })()
  return { events, stop: () => { stop.abort() } }
}
