/** A whole kubelet over processes that are only numbers, a clock that moves when told, and the real API server in memory. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { kubelet } from '../../agents/kubelet/kubelet.ts'
import type { MachineFacts, MachineReadings } from '../../agents/kubelet/machine-facts.ts'
import type { KubeletOptions } from '../../agents/kubelet/options.ts'
import type { Mounter } from '../../agents/kubelet/volumes/mounter.ts'
import { Events, type Kind, Namespaces, Pods } from '../../src/api/kinds.ts'
import type { KubeObject, Pod, PodSpec } from '../../src/api/types.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { admin, startTestServer, type TestServer, type TestServerOptions } from '../apiserver/support.ts'
import { type FakeClock, fakeClock, settle } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { type FakeRuntime, fakeRuntime } from '../support/fake-runtime.ts'
import { type Logs, logs } from '../support/logs.ts'

export const machineFacts: MachineFacts = {
  cpus: 4, memoryBytes: 8 * 2 ** 30, diskBytes: 100 * 2 ** 30, machineID: 'machine', systemUUID: 'uuid', bootID: 'boot', kernelVersion: '6.1.0', osImage: 'Debian GNU/Linux 12', architecture: 'amd64', maxPids: 32_768,
}

/** Nothing is short. */
export const readings: MachineReadings = { memoryAvailableBytes: 4 * 2 ** 30, diskAvailableBytes: 50 * 2 ** 30, diskUsableBytes: 100 * 2 ** 30, inodesFree: 900_000, inodes: 1_000_000, processes: 300 }

/** Mounts that are only remembered. */
export const fakeMounter = (): Mounter & { mounts: Map<string, string> } => {
  const mounts = new Map<string, string>()
  return {
    mounts,
    tmpfs: (target, { sizeBytes }) => { mounts.set(target, `tmpfs ${sizeBytes ?? ''}`.trim()); return Promise.resolve() },
    hugePages: (target, { pageSize, sizeBytes }) => { mounts.set(target, `hugetlbfs ${pageSize} ${sizeBytes ?? ''}`.trim()); return Promise.resolve() },
    bind: (source, target) => { mounts.set(target, source); return Promise.resolve() },
    share: (directory) => { mounts.set(directory, 'shared'); return Promise.resolve() },
    remote: (type, source, target, options) => { mounts.set(target, [type, source, ...options].join(' ')); return Promise.resolve() },
    unmount: (target) => { mounts.delete(target); return Promise.resolve() },
    below: (directory) => Promise.resolve([...mounts.keys()].filter((each) => each === directory || each.startsWith(`${directory}/`))),
  }
}

export interface TestNode extends AsyncDisposable {
  clock: FakeClock
  runtime: FakeRuntime
  server: TestServer | undefined
  client: Client
  log: Logs
  directory: string
  staticDirectory: string
  mounter: ReturnType<typeof fakeMounter>
  /** Starts a kubelet; a second one after `kill` finds what the first has left. */
  start(more?: Partial<KubeletOptions>): void
  /** Ends the kubelet at once; pods stay. */
  kill(): Promise<void>
  /** Resolves with the value when it is not undefined, false or null any more; rejects after five seconds. */
  until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>>
  createPod(spec: Partial<PodSpec>, metadata?: { name?: string; labels?: Record<string, string>; annotations?: Record<string, string> }): Promise<Pod>
  pod(name: string, namespace?: string): Promise<Pod | undefined>
  get<T extends KubeObject>(kind: Kind<T>, name: string, namespace?: string): Promise<T | undefined>
  /** Resolves with the pod once it is as wanted. */
  untilPod(name: string, what: string, wanted: (pod: Pod) => boolean, namespace?: string): Promise<Pod>
  /** `Killing Stopping container web`, of pods, in order. */
  events(): Promise<string[]>
}

const deadlineMilliseconds = 30_000

/** `api`: what its API server has beyond the plain one; false for none. */
export const testNode = async ({ api = () => ({}) }: { api?: ((clock: FakeClock) => TestServerOptions) | false } = {}): Promise<TestNode> => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'wherry-kubelet-'))
  const staticDirectory = path.join(directory, 'manifests')
  await mkdir(staticDirectory)
  const clock = fakeClock()
  const runtime = fakeRuntime(clock)
  const log = logs()
  const mounter = fakeMounter()
  const server = api ? await startTestServer(api(clock)) : undefined
  const client = server ? createClient(server.server.inMemoryTransport(admin)) : undefined
  if (client) for (const name of ['default', 'kube-system', 'kube-node-lease']) await client.create(Namespaces, { metadata: { name } } as never).catch(() => {})
  let running: { controller: AbortController; done: Promise<void> } | undefined
  const needed = (): Client => { if (!client) throw new Error('this node has no API server'); return client }
  const node: TestNode = {
    clock, runtime, server, log, directory, staticDirectory, mounter,
    get client() { return needed() },
    start(more = {}) {
      const controller = new AbortController()
      const component = kubelet({
        nodeName: 'node-1', nodeIP: '192.0.2.1', client, runtime, clock, random: fakeRandom(), log, staticPodDirectory: staticDirectory, dataDirectory: path.join(directory, 'data'),
        memoryDirectory: path.join(directory, 'memory'), clusterDNS: ['10.96.0.10'], clusterDomain: 'cluster.local', server: undefined, machine: machineFacts, readMachine: () => Promise.resolve(readings), mounter, version: 'v1.36.0', ...more,
      })
      running = { controller, done: component.run(controller.signal) }
      running.done.catch((error: unknown) => log.error(`kubelet ended: ${String(error)}`))
    },
    async kill() {
      running?.controller.abort(new Error('killed'))
      await running?.done.catch(() => {}) // a test that wants it to end well asks for `done` itself
      running = undefined
    },
    async until(what, look) {
      const deadline = performance.now() + deadlineMilliseconds
      for (;;) {
        const found = await look()
        if (found) return found
        if (performance.now() > deadline) throw new Error(`not so within ${deadlineMilliseconds} ms: ${what}\nruntime: ${runtime.log.join(', ')}\nlog: ${log.lines.join('\n')}`)
        await settle(5)
      }
    },
    createPod: (spec, { name = 'web-1', ...metadata } = {}) => needed().create(Pods, {
      metadata: { name, namespace: 'default', ...metadata },
      spec: { containers: [{ name: 'web', image: 'host', command: ['serve'] }], nodeName: 'node-1', ...spec },
    } as never),
    pod: (name, namespace = 'default') => node.get(Pods, name, namespace),
    get: (kind, name, namespace) => needed().get(kind, { name, namespace }).catch(() => undefined),
    untilPod: (name, what, wanted, namespace) => node.until(`pod ${name} ${what}`, async () => { const pod = await node.pod(name, namespace); return pod && wanted(pod) ? pod : undefined })
      .catch(async (error: unknown) => { throw new Error(`${error instanceof Error ? error.message : String(error)}\nstatus: ${JSON.stringify((await node.pod(name, namespace))?.status, undefined, 1)}`) }) as Promise<Pod>,
    events: async () => (await needed().list(Events)).items.filter(({ source, involvedObject }) => source?.component === 'kubelet' && involvedObject.kind === 'Pod')
      .sort((left, right) => (left.metadata.name.split('.').at(-1) ?? '' ) < (right.metadata.name.split('.').at(-1) ?? '') ? -1 : 1).map(({ reason, message }) => `${reason ?? ''} ${message ?? ''}`),
    async [Symbol.asyncDispose]() {
      await node.kill()
      await server?.[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
  return node
}

export const isReady = (pod: Pod): boolean => pod.status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
export const isGone = async (node: TestNode, name: string): Promise<boolean> => (await node.pod(name)) === undefined

/** Pod web-1, asked to stop, is in its preStop hook, which takes four seconds of the node's clock. */
export const stoppingInHook = async (node: TestNode): Promise<void> => {
  const commands: string[] = []
  node.runtime.execHandler = async (command) => { commands.push(command.join(' ')); await node.clock.sleep(4_000, new AbortController().signal); return 0 }
  node.start()
  await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['serve'], lifecycle: { preStop: { exec: { command: ['drain'] } } } }] })
  await node.untilPod('web-1', 'is ready', isReady)
  await node.client.delete(Pods, { name: 'web-1', namespace: 'default' })
  await node.until('the hook runs', () => commands.includes('drain'))
}
