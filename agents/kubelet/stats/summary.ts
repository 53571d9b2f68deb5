/** What /stats/summary and /metrics/resource say. Pure. Mirrors kubelet/pkg/apis/stats/v1alpha1 and pkg/kubelet/metrics/collectors/resource_metrics.go. */
import { timestamp } from '../../../src/api/clock.ts'
import type { JsonObject } from '../../../src/api/meta.ts'
import type { Pod } from '../../../src/api/types.ts'
import type { MachineReadings } from '../machine-facts.ts'
import type { Usage } from '../runtime/runtime.ts'
import type { Sample } from './usage-sampler.ts'

export interface SummaryInput { nodeName: string; sample: Sample; pods: readonly Pod[]; readings: MachineReadings; diskBytes: number; maxPids: number; bootedAt: Date }

const number = (value: bigint): number => Number(value)

const cpu = (at: Date, nanoseconds: bigint, nanoCores: number | undefined): JsonObject =>
  ({ time: timestamp(at), ...(nanoCores !== undefined && { usageNanoCores: nanoCores }), usageCoreNanoSeconds: number(nanoseconds) })
const memory = ({ at, memoryUsageBytes, memoryWorkingSetBytes, memoryRssBytes }: Usage): JsonObject =>
  ({ time: timestamp(at), usageBytes: memoryUsageBytes, workingSetBytes: memoryWorkingSetBytes, rssBytes: memoryRssBytes, pageFaults: 0, majorPageFaults: 0 })

export const summaryOf = ({ nodeName, sample, pods, readings, diskBytes, maxPids, bootedAt }: SummaryInput): JsonObject => {
  const { node, at } = sample
  const disk = { time: timestamp(at), availableBytes: readings.diskAvailableBytes, capacityBytes: diskBytes, usedBytes: diskBytes - readings.diskAvailableBytes, inodesFree: readings.inodesFree, inodes: readings.inodes, inodesUsed: readings.inodes - readings.inodesFree }
  return {
    node: {
      nodeName, systemContainers: [], startTime: timestamp(bootedAt), cpu: cpu(node.at, node.cpuNanoseconds, sample.nodeCpuNanoCores),
      memory: { time: timestamp(node.at), availableBytes: Math.max(0, node.memoryTotalBytes - node.memoryWorkingSetBytes), usageBytes: node.memoryUsageBytes, workingSetBytes: node.memoryWorkingSetBytes, rssBytes: node.memoryRssBytes, pageFaults: 0, majorPageFaults: 0 },
      fs: disk, runtime: { imageFs: disk, containerFs: disk }, rlimit: { time: timestamp(at), maxpid: maxPids, curproc: node.processCount },
    },
    pods: sample.pods.map(({ podUid, namespace, name, usage, cpuNanoCores, containers }) => ({
      podRef: { name, namespace, uid: podUid }, startTime: pods.find(({ metadata }) => metadata.uid === podUid)?.status?.startTime ?? null,
      containers: containers.map((container) => ({ name: container.name, startTime: startOf(pods, podUid, container.name), cpu: cpu(container.usage.at, container.usage.cpuNanoseconds, container.cpuNanoCores), memory: memory(container.usage) })),
      cpu: cpu(usage.at, usage.cpuNanoseconds, cpuNanoCores), memory: memory(usage), process_stats: { process_count: usage.processCount },
    })),
  }
}

const startOf = (pods: readonly Pod[], podUid: string, container: string): string | null => {
  const status = pods.find(({ metadata }) => metadata.uid === podUid)?.status
  return [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find(({ name }) => name === container)?.state?.running?.startedAt ?? null
}

interface Metric { name: string; help: string; type: 'counter' | 'gauge'; points: { labels: Record<string, string>; value: number; at: Date }[] }

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const render = ({ name, help, type, points }: Metric): string => [
  `# HELP ${name} [STABLE] ${help}`, `# TYPE ${name} ${type}`,
  ...points.map(({ labels, value, at }) => {
    const inside = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`).join(',')
    return `${name}${inside && `{${inside}}`} ${value} ${at.getTime()}`
  }),
].join('\n')

const seconds = (nanoseconds: bigint): number => Number(nanoseconds) / 1e9

/** In Prometheus' text format. */
export const resourceMetrics = ({ node, pods }: Sample): string => {
  const containers = pods.flatMap(({ namespace, name, containers: inside }) => inside.map(({ name: container, usage }) => ({ labels: { container, namespace, pod: name }, usage })))
  const ofPods = pods.map(({ namespace, name, usage }) => ({ labels: { namespace, pod: name }, usage }))
  const cpuPoint = ({ labels, usage }: { labels: Record<string, string>; usage: Usage }): Metric['points'][number] => ({ labels, value: seconds(usage.cpuNanoseconds), at: usage.at })
  const memoryPoint = ({ labels, usage }: { labels: Record<string, string>; usage: Usage }): Metric['points'][number] => ({ labels, value: usage.memoryWorkingSetBytes, at: usage.at })
  const metrics: Metric[] = [
    { name: 'container_cpu_usage_seconds_total', help: 'Cumulative cpu time consumed by the container in core-seconds', type: 'counter', points: containers.map(cpuPoint) },
    { name: 'container_memory_working_set_bytes', help: 'Current working set of the container in bytes', type: 'gauge', points: containers.map(memoryPoint) },
    { name: 'node_cpu_usage_seconds_total', help: 'Cumulative cpu time consumed by the node in core-seconds', type: 'counter', points: [{ labels: {}, value: seconds(node.cpuNanoseconds), at: node.at }] },
    { name: 'node_memory_working_set_bytes', help: 'Current working set of the node in bytes', type: 'gauge', points: [{ labels: {}, value: node.memoryWorkingSetBytes, at: node.at }] },
    { name: 'pod_cpu_usage_seconds_total', help: 'Cumulative cpu time consumed by the pod in core-seconds', type: 'counter', points: ofPods.map(cpuPoint) },
    { name: 'pod_memory_working_set_bytes', help: 'Current working set of the pod in bytes', type: 'gauge', points: ofPods.map(memoryPoint) },
  ]
  return `${metrics.map(render).join('\n')}\n# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise\n# TYPE resource_scrape_error gauge\nresource_scrape_error 0\n`
}
