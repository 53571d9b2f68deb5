/** A kubelet over real processes with an API server in memory: for tests of what becomes of pods on a node. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { kubelet } from '../../agents/kubelet/kubelet.ts'
import type { KubeletOptions } from '../../agents/kubelet/options.ts'
import type { ProcessRuntime } from '../../agents/kubelet/runtime/process-runtime.ts'
import { systemClock } from '../../src/api/clock.ts'
import { Namespaces, Pods } from '../../src/api/kinds.ts'
import { systemRandom } from '../../src/api/random.ts'
import { isNotFound } from '../../src/api/status.ts'
import type { Container, Pod, PodSpec } from '../../src/api/types.ts'
import type { AdmissionPlugin } from '../../src/apiserver/admission/plugin.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { admin, startTestServer } from '../apiserver/support.ts'
import { logs } from './logs.ts'
import { collect, leavePlace, logText, newPlace, type NodePlace, openRuntime, until } from './runtime-node.ts'

export interface Wanted { container?: Partial<Container>; spec?: Partial<PodSpec>; namespace?: string; annotations?: Record<string, string> }

export interface KubeletNode extends AsyncDisposable {
  place: NodePlace
  client: Client
  runtime: ProcessRuntime
  /** The kubelet's own directory, where local seccomp profiles lie. */
  directory: string
  /** A pod of one container `main` with `image: host`. */
  create(name: string, wanted: Wanted): Promise<Pod>
  untilPod(name: string, what: string, wanted: (pod: Pod) => boolean, namespace?: string): Promise<Pod>
  /** Created, and run to its end. */
  runToEnd(name: string, script: string, wanted?: Wanted): Promise<{ pod: Pod; output: string }>
  /** A shell script in its container. */
  exec(pod: Pod, script: string): Promise<{ code: number; out: string; err: string }>
  logOf(pod: Pod, attempt?: number): string
  /** What the kubelet itself says. */
  said(): readonly string[]
}

export const shell = (script: string): string[] => ['/bin/sh', '-c', script]
export const isReady = ({ status }: Pod): boolean => status.conditions?.some(({ type, status: verdict }) => type === 'Ready' && verdict === 'True') ?? false
const hasEnded = ({ status }: Pod): boolean => ['Succeeded', 'Failed'].includes(status.phase ?? '')

export const startKubeletNode = async ({ namespaces = {}, admission = [], prepare = () => {}, ...over }: { namespaces?: Record<string, Record<string, string>>; admission?: AdmissionPlugin[]; prepare?(place: NodePlace): void } & Partial<KubeletOptions> = {}): Promise<KubeletNode> => {
  const place = newPlace()
  prepare(place)
  const log = logs()
  const directory = path.join(place.scratch, 'kubelet')
  mkdirSync(directory, { recursive: true })
  const server = await startTestServer({ admission })
  const client = createClient(server.server.inMemoryTransport(admin))
  for (const [name, labels] of Object.entries({ default: {}, 'kube-node-lease': {}, ...namespaces })) await client.create(Namespaces, { metadata: { name, labels } } as never).catch(() => {}) // some are there already
  const runtime = await openRuntime(place)
  const stop = new AbortController()
  const running = kubelet({
    nodeName: 'node-1', nodeIP: '127.0.0.1', client, runtime, clock: systemClock, random: systemRandom, log, staticPodDirectory: undefined, dataDirectory: directory,
    memoryDirectory: path.join(place.stateDirectory, 'volumes'), clusterDNS: ['10.96.0.10'], clusterDomain: 'cluster.local', server: undefined, version: 'v1.36.0', ...over,
  }).run(stop.signal)
  const get = (name: string, namespace = 'default'): Promise<Pod> => client.get(Pods, { name, namespace })
  const node: KubeletNode = {
    place, client, runtime, directory,
    async create(name, { container = {}, spec = {}, namespace = 'default', annotations = {} }) {
      // A test that is tried again finds what it left.
      const isGone = (): Promise<boolean> => get(name, namespace).then(() => false, (error: unknown) => { if (isNotFound(error)) return true; throw error })
      if (!(await isGone())) {
        await client.delete(Pods, { name, namespace }, { gracePeriodSeconds: 0 })
        await until(`the pod ${name} of before to go`, isGone)
      }
      return client.create(Pods, { metadata: { name, namespace, annotations },
        spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'host', ...container }], ...spec } } as never)
    },
    untilPod: (name, what, wanted, namespace) => until(`${name} ${what}`, async () => { const pod = await get(name, namespace); return wanted(pod) ? pod : undefined })
      .catch(async (error: unknown) => { throw new Error(`${String(error)}\n${JSON.stringify((await get(name, namespace)).status, undefined, 1)}\n${log.lines.join('\n')}`) }),
    async runToEnd(name, script, wanted = {}) {
      await node.create(name, { ...wanted, container: { command: shell(script), ...wanted.container }, spec: { restartPolicy: 'Never', ...wanted.spec } })
      const pod = await node.untilPod(name, 'ends', hasEnded, wanted.namespace)
      return { pod, output: node.logOf(pod) }
    },
    exec: (pod, script) => collect(runtime, pod.metadata.uid, shell(script)),
    logOf: ({ metadata }, attempt = 0) => logText(path.join(directory, 'logs', `${metadata.namespace ?? ''}_${metadata.name}_${metadata.uid}`, 'main', `${attempt}.log`)),
    said: () => log.lines,
    async [Symbol.asyncDispose]() {
      for (const { metadata } of (await client.list(Pods)).items) await client.delete(Pods, { name: metadata.name, namespace: metadata.namespace ?? '' }, { gracePeriodSeconds: 0 }).catch(() => {}) // gone meanwhile
      stop.abort()
      await running
      runtime.close()
      await (await openRuntime(place)).destroy()
      await server[Symbol.asyncDispose]()
      leavePlace(place)
    },
  }
  return node
}
