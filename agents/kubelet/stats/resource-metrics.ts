/** What /metrics/resource says. Pure. Mirrors pkg/kubelet/metrics/collectors/resource_metrics.go. */
import type { Pod } from '../../../src/api/types.ts'
import type { Usage } from '../runtime/runtime.ts'
import { type Metric, type Point, prometheusText } from './prometheus-text.ts'
import { startOf } from './summary.ts'
import type { Sample } from './usage-sampler.ts'

interface Of { labels: Record<string, string>; usage: Usage }

const seconds = (nanoseconds: bigint): number => Number(nanoseconds) / 1e9
const cpu = ({ labels, usage }: Of): Point => ({ labels, value: seconds(usage.cpuNanoseconds), at: usage.at })
const memory = ({ labels, usage }: Of): Point => ({ labels, value: usage.memoryWorkingSetBytes, at: usage.at })
const swap = ({ labels, usage }: Of): Point[] => (usage.swapBytes === undefined ? [] : [{ labels, value: usage.swapBytes, at: usage.at }])

export const resourceMetrics = ({ node, pods: samples }: Sample, pods: readonly Pod[]): string => {
  const containers = samples.flatMap(({ podUid, namespace, name, containers: inside }) => inside.map(({ name: container, usage }) => ({ labels: { container, namespace, pod: name }, usage, start: startOf(pods, podUid, container) })))
  const ofPods = samples.map(({ namespace, name, usage }) => ({ labels: { namespace, pod: name }, usage }))
  const metrics: Metric[] = [
    { name: 'container_cpu_usage_seconds_total', help: '[STABLE] Cumulative cpu time consumed by the container in core-seconds', type: 'counter', points: containers.map(cpu) },
    { name: 'container_memory_working_set_bytes', help: '[STABLE] Current working set of the container in bytes', type: 'gauge', points: containers.map(memory) },
    { name: 'container_start_time_seconds', help: '[STABLE] Start time of the container since unix epoch in seconds', type: 'gauge', points: containers.flatMap(({ labels, start }) => (start === null ? [] : [{ labels, value: Date.parse(start) / 1000 }])) },
    { name: 'container_swap_usage_bytes', help: '[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems', type: 'gauge', points: containers.flatMap(swap) },
    { name: 'node_cpu_usage_seconds_total', help: '[STABLE] Cumulative cpu time consumed by the node in core-seconds', type: 'counter', points: [{ labels: {}, value: seconds(node.cpuNanoseconds), at: node.at }] },
    { name: 'node_memory_working_set_bytes', help: '[STABLE] Current working set of the node in bytes', type: 'gauge', points: [{ labels: {}, value: node.memoryWorkingSetBytes, at: node.at }] },
    { name: 'node_swap_usage_bytes', help: '[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems', type: 'gauge', points: [{ labels: {}, value: node.swapTotalBytes - node.swapFreeBytes, at: node.at }] },
    { name: 'pod_cpu_usage_seconds_total', help: '[STABLE] Cumulative cpu time consumed by the pod in core-seconds', type: 'counter', points: ofPods.map(cpu) },
    { name: 'pod_memory_working_set_bytes', help: '[STABLE] Current working set of the pod in bytes', type: 'gauge', points: ofPods.map(memory) },
    { name: 'pod_swap_usage_bytes', help: '[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems', type: 'gauge', points: ofPods.flatMap(swap) },
    { name: 'resource_scrape_error', help: '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise', type: 'gauge', points: [{ labels: {}, value: 0 }] },
  ]
  return prometheusText(metrics)
}
