/** metrics.k8s.io/v1beta1: what the kubelets report of nodes and pods. Mirrors metrics-server's API; the readings are the kubelets' own Summary. */
import type { IncomingMessage } from 'node:http'
import { timestamp, type Clock } from '../api/clock.ts'
import { kind, Nodes, Pods, type Kind } from '../api/kinds.ts'
import type { KubeObject } from '../api/meta.ts'
import { notFound, type StatusError } from '../api/status.ts'
import type { ExtensionRequest, VirtualResource } from './extension.ts'
import type { Column, Lookup } from './registry/strategy.ts'
import { kubeletAddress, type KubeletClient } from './streaming/kubelet-access.ts'

export interface Usage { cpu: string; memory: string }
export interface NodeMetrics extends KubeObject { timestamp: string; window: string; usage: Usage }
export interface PodMetrics extends KubeObject { timestamp: string; window: string; containers: { name: string; usage: Usage }[] }

const group = { group: 'metrics.k8s.io', version: 'v1beta1', verbs: ['get', 'list'] as const, singular: '' }
export const NodeMetricsKind: Kind<NodeMetrics> = kind({ ...group, kind: 'NodeMetrics', plural: 'nodes', namespaced: false })
export const PodMetricsKind: Kind<PodMetrics> = kind({ ...group, kind: 'PodMetrics', plural: 'pods' })

interface CpuStats { time?: string; usageNanoCores?: number }
interface MemoryStats { workingSetBytes?: number }
export interface Summary {
  node: { nodeName: string; cpu?: CpuStats; memory?: MemoryStats }
  pods: { podRef: { name: string; namespace: string; uid: string }; containers?: { name: string; cpu?: CpuStats; memory?: MemoryStats }[] }[]
}

/** An answer serves everybody who asks within this time. */
const keepMilliseconds = 1_000
const timeoutMilliseconds = 3_000
const largestBytes = 32 << 20

const usageOf = (cpu: CpuStats | undefined, memory: MemoryStats | undefined): Usage | undefined =>
  (cpu?.usageNanoCores === undefined || memory?.workingSetBytes === undefined ? undefined : { cpu: `${cpu.usageNanoCores}n`, memory: `${Math.floor(memory.workingSetBytes / 1024)}Ki` })

const textOf = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > largestBytes) throw new Error('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

export interface SummarySource {
  /** Undefined when the node's kubelet does not answer: its metrics are then missing, as upstream. */
  summary(node: string, lookup: Lookup): Promise<Summary | undefined>
}

export const summarySource = (kubelets: KubeletClient, clock: Clock): SummarySource => {
  const kept = new Map<string, { until: number; summary: Promise<Summary | undefined> }>()
  const fetchSummary = async (node: string, lookup: Lookup): Promise<Summary | undefined> => {
    try {
      const response = await kubelets.get(kubeletAddress(lookup, node), '/stats/summary?only_cpu_and_memory=true', AbortSignal.timeout(timeoutMilliseconds))
      const text = await textOf(response)
      return response.statusCode === 200 ? (JSON.parse(text) as Summary) : undefined
    } catch {
      return undefined
    }
  }
  return {
    summary: (node, lookup) => {
      const known = kept.get(node)
      if (known && known.until > clock.monotonic()) return known.summary
      const summary = fetchSummary(node, lookup)
      kept.set(node, { until: clock.monotonic() + keepMilliseconds, summary })
      return summary
    },
  }
}

const meta = (name: string, namespace: string | undefined, { labels, clock }: { labels: Record<string, string> | undefined; clock: Clock }): KubeObject['metadata'] =>
  ({ name, ...(namespace && { namespace }), creationTimestamp: timestamp(clock.now()), ...(labels && { labels }) }) as KubeObject['metadata']

/** As metrics-server says it: of an object that is not there by its own name, of one that nobody has measured yet by this one. */
const unmeasured = (plural: string, name: string): StatusError => notFound({ group: 'metrics.k8s.io', plural }, name)

export const metricsApi = (source: SummarySource, clock: Clock): readonly VirtualResource[] => {
  const common = { timestamp: '', window: '10s' }
  const nodeMetrics = async (name: string, lookup: Lookup): Promise<NodeMetrics | undefined> => {
    const node = lookup.get(Nodes, name)
    const summary = node && await source.summary(name, lookup)
    const usage = usageOf(summary?.node.cpu, summary?.node.memory)
    return node && usage && { apiVersion: 'metrics.k8s.io/v1beta1', kind: 'NodeMetrics', metadata: meta(name, undefined, { labels: node.metadata.labels, clock }), ...common, timestamp: summary?.node.cpu?.time ?? timestamp(clock.now()), usage }
  }
  const podMetrics = async (nodeName: string, { lookup, namespace, name }: Pick<ExtensionRequest, 'lookup' | 'namespace' | 'name'>): Promise<PodMetrics[]> => {
    const summary = await source.summary(nodeName, lookup)
    return (summary?.pods ?? []).flatMap(({ podRef, containers }) => {
      const pod = lookup.get(Pods, podRef.name, podRef.namespace)
      if ((namespace && podRef.namespace !== namespace) || (name && podRef.name !== name) || !pod) return []
      const read = (containers ?? []).flatMap((container) => { const usage = usageOf(container.cpu, container.memory); return usage ? [{ name: container.name, usage }] : [] })
      const time = containers?.[0]?.cpu?.time ?? timestamp(clock.now())
      return read.length === 0 ? [] : [{ apiVersion: 'metrics.k8s.io/v1beta1', kind: 'PodMetrics', metadata: meta(podRef.name, podRef.namespace, { labels: pod.metadata.labels, clock }), ...common, timestamp: time, containers: read }]
    })
  }
  const nodeColumns: Column<NodeMetrics>[] = [
    { name: 'Name', type: 'string', format: 'name', description: 'Name of the node', value: ({ metadata }) => metadata.name },
    { name: 'cpu', type: 'string', description: 'CPU in use', value: ({ usage }) => usage.cpu },
    { name: 'memory', type: 'string', description: 'Memory in use', value: ({ usage }) => usage.memory },
  ]
  const nodes: VirtualResource<NodeMetrics> = {
    kind: NodeMetricsKind, columns: nodeColumns,
    get: async ({ name, lookup }) => {
      if (!lookup.get(Nodes, name)) throw notFound(Nodes, name)
      const measured = await nodeMetrics(name, lookup)
      if (!measured) throw unmeasured('nodemetrics', name)
      return measured
    },
    list: async ({ lookup }) => (await Promise.all(lookup.list(Nodes).map(({ metadata }) => nodeMetrics(metadata.name, lookup)))).filter((each) => each !== undefined),
  }
  const pods: VirtualResource<PodMetrics> = {
    kind: PodMetricsKind,
    get: async (request) => {
      const pod = request.lookup.get(Pods, request.name, request.namespace)
      if (!pod) throw notFound(Pods, request.name)
      const [measured] = pod.spec.nodeName ? await podMetrics(pod.spec.nodeName, request) : []
      if (!measured) throw unmeasured('podmetrics', `${request.namespace}/${request.name}`)
      return measured
    },
    list: async (request) => (await Promise.all(request.lookup.list(Nodes).map(({ metadata }) => podMetrics(metadata.name, request)))).flat(),
  }
  return [nodes, pods] as readonly VirtualResource<KubeObject>[]
}
