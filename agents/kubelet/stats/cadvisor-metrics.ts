/** What /metrics/cadvisor says: the metrics of cadvisor that this kubelet knows, in its names and labels. Pure. Mirrors cadvisor's metrics/prometheus.go as pkg/kubelet/server serves it. */
import type { Pod } from '../../../src/api/types.ts'
import type { Pressures } from '../runtime/proc/pressure.ts'
import type { Usage, UsageDetails } from '../runtime/runtime.ts'
import type { PodDisk } from './disk-stats.ts'
import type { InterfaceUsage } from './network-usage.ts'
import { type Metric, type Point, prometheusText } from './prometheus-text.ts'
import { startOf } from './summary.ts'
import type { Sample } from './usage-sampler.ts'

export interface CadvisorInput { sample: Sample; pods: readonly Pod[]; cpus: number; memoryBytes: number; disks: ReadonlyMap<string, PodDisk>; networks: ReadonlyMap<string, readonly InterfaceUsage[]>; details: ReadonlyMap<string, DetailsOfPod> }

export interface DetailsOfPod { pod: UsageDetails; containers: Record<string, UsageDetails> }

interface Of { labels: Record<string, string>; usage: Usage; start: string | null; /** undefined: the pod as a whole. */ container: string | undefined; podUid: string }

const statusOf = (pod: Pod | undefined, container: string) =>
  [...(pod?.status.containerStatuses ?? []), ...(pod?.status.initContainerStatuses ?? []), ...(pod?.status.ephemeralContainerStatuses ?? [])].find(({ name }) => name === container)

/** The cgroup of the pod, without a container's name, and those of its containers. */
const all = ({ sample, pods }: CadvisorInput): Of[] => sample.pods.flatMap(({ podUid, namespace, name: pod, usage, containers }) => {
  const object = pods.find(({ metadata }) => metadata.uid === podUid)
  return [
    { labels: { container: '', id: `/kubepods/pod${podUid}`, image: '', name: '', namespace, pod }, usage, start: object?.status.startTime ?? null, container: undefined, podUid },
    ...containers.map(({ name: container, usage: own }): Of => {
      const status = statusOf(object, container)
      const id = (status?.containerID ?? '').replace(/^\w+:\/\//, '')
      return { labels: { container, id: `/kubepods/pod${podUid}/${id}`, image: status?.image ?? '', name: id, namespace, pod }, usage: own, start: startOf(pods, podUid, container), container, podUid }
    }),
  ]
})

const stalls = (of: readonly Of[], resource: keyof Pressures, kind: 'some' | 'full'): Point[] =>
  of.flatMap(({ labels, usage }) => (usage.pressure ? [{ labels, value: usage.pressure[resource][kind].total / 1e6, at: usage.at }] : []))

export const cadvisorMetrics = (input: CadvisorInput): string => {
  const of = all(input)
  const gauge = (name: string, help: string, value: (usage: Usage) => number | undefined, type: Metric['type'] = 'gauge'): Metric =>
    ({ name, help, type, points: of.flatMap(({ labels, usage }) => { const found = value(usage); return found === undefined ? [] : [{ labels, value: found, at: usage.at }] }) })
  const network = (name: string, help: string, value: (each: InterfaceUsage) => number): Metric => ({ name, help, type: 'counter', points: of.filter(({ container }) => container === undefined)
    .flatMap(({ labels, usage, podUid }) => (input.networks.get(podUid) ?? []).map((each) => ({ labels: { ...labels, interface: each.name }, value: value(each), at: usage.at }))) })
  const onDisk = (name: string, help: string, value: (use: { bytes: number; inodes: number }) => number): Metric => ({ name, help, type: 'gauge', points: of.flatMap(({ labels, podUid, container }) => {
    const disk = input.disks.get(podUid)
    const use = container === undefined ? undefined : disk?.containers[container]
    return disk && use ? [{ labels: { ...labels, device: '' }, value: value({ bytes: use.rootfs.bytes + use.logs.bytes, inodes: use.rootfs.inodes + use.logs.inodes }), at: disk.at }] : []
  }) })
  const detail = (name: string, help: string, value: (details: UsageDetails) => number | undefined, type: Metric['type'] = 'gauge'): Metric => ({ name, help, type, points: of.flatMap(({ labels, usage, podUid, container }) => {
    const pod = input.details.get(podUid)
    const details = container === undefined ? pod?.pod : pod?.containers[container]
    const found = details && value(details)
    return found === undefined ? [] : [{ labels, value: found, at: usage.at }]
  }) })
  const seconds = (nanoseconds: number | undefined): number | undefined => (nanoseconds === undefined ? undefined : nanoseconds / 1e9)
  // As cadvisor: told only of those that have a quota.
  const withQuota = (value: (details: UsageDetails) => number) => (details: UsageDetails): number | undefined => (details.cpuQuotaMicroseconds === undefined ? undefined : value(details))
  const waits = (resource: keyof Pressures, word: string): Metric[] => [
    { name: `container_pressure_${resource}_waiting_seconds_total`, help: `Total time duration tasks in the container have waited due to ${word} congestion.`, type: 'counter', points: stalls(of, resource, 'some') },
    { name: `container_pressure_${resource}_stalled_seconds_total`, help: `Total time duration no tasks in the container could make progress due to ${word} congestion.`, type: 'counter', points: stalls(of, resource, 'full') },
  ]
  return prometheusText([
    { name: 'container_cpu_usage_seconds_total', help: 'Cumulative cpu time consumed in seconds.', type: 'counter', points: of.map(({ labels, usage }) => ({ labels: { ...labels, cpu: 'total' }, value: Number(usage.cpuNanoseconds) / 1e9, at: usage.at })) },
    detail('container_cpu_user_seconds_total', 'Cumulative user cpu time consumed in seconds.', ({ cpuUserNanoseconds }) => seconds(cpuUserNanoseconds), 'counter'), detail('container_cpu_system_seconds_total', 'Cumulative system cpu time consumed in seconds.', ({ cpuSystemNanoseconds }) => seconds(cpuSystemNanoseconds), 'counter'),
    detail('container_cpu_cfs_periods_total', 'Number of elapsed enforcement period intervals.', withQuota(({ cpuPeriods }) => cpuPeriods), 'counter'), detail('container_cpu_cfs_throttled_periods_total', 'Number of throttled period intervals.', withQuota(({ cpuThrottledPeriods }) => cpuThrottledPeriods), 'counter'),
    detail('container_cpu_cfs_throttled_seconds_total', 'Total time duration the container has been throttled.', withQuota(({ cpuThrottledNanoseconds }) => cpuThrottledNanoseconds / 1e9), 'counter'),
    detail('container_spec_cpu_period', 'CPU period of the container.', ({ cpuPeriodMicroseconds }) => cpuPeriodMicroseconds), detail('container_spec_cpu_quota', 'CPU quota of the container.', ({ cpuQuotaMicroseconds }) => cpuQuotaMicroseconds), detail('container_spec_cpu_shares', 'CPU share of the container.', ({ cpuShares }) => cpuShares),
    detail('container_memory_cache', 'Number of bytes of page cache memory.', ({ memoryCacheBytes }) => memoryCacheBytes), detail('container_memory_mapped_file', 'Size of memory mapped files in bytes.', ({ memoryMappedFileBytes }) => memoryMappedFileBytes),
    detail('container_memory_total_active_file_bytes', 'Current total active file in bytes.', ({ memoryActiveFileBytes }) => memoryActiveFileBytes), detail('container_memory_total_inactive_file_bytes', 'Current total inactive file in bytes.', ({ memoryInactiveFileBytes }) => memoryInactiveFileBytes),
    detail('container_memory_max_usage_bytes', 'Maximum memory usage recorded in bytes', ({ memoryMaxUsageBytes }) => memoryMaxUsageBytes), detail('container_memory_failcnt', 'Number of memory usage hits limits', ({ memoryLimitHits }) => memoryLimitHits, 'counter'),
    detail('container_memory_kernel_usage', 'Size of kernel memory allocated in bytes.', ({ memoryKernelBytes }) => memoryKernelBytes), detail('container_oom_events_total', 'Count of out of memory events observed for the container', ({ oomKills }) => oomKills, 'counter'),
    gauge('container_memory_usage_bytes', 'Current memory usage in bytes, including all memory regardless of when it was accessed', ({ memoryUsageBytes }) => memoryUsageBytes),
    gauge('container_memory_working_set_bytes', 'Current working set in bytes.', ({ memoryWorkingSetBytes }) => memoryWorkingSetBytes),
    gauge('container_memory_rss', 'Size of RSS in bytes.', ({ memoryRssBytes }) => memoryRssBytes),
    gauge('container_memory_swap', 'Container swap usage in bytes.', ({ swapBytes }) => swapBytes),
    gauge('container_spec_memory_limit_bytes', 'Memory limit for the container.', ({ memoryLimitBytes }) => memoryLimitBytes ?? 0),
    detail('container_processes', 'Number of processes running inside the container.', ({ processCount }) => processCount), gauge('container_threads', 'Number of threads running inside the container', ({ processCount }) => processCount),
    detail('container_threads_max', 'Maximum number of threads allowed inside the container, infinity if value is zero', ({ maxThreads }) => maxThreads ?? 0),
    { name: 'container_memory_failures_total', help: 'Cumulative count of memory allocation failures.', type: 'counter', points: of.flatMap(({ labels, usage }) => [['pgfault', usage.pageFaults], ['pgmajfault', usage.majorPageFaults]]
      .flatMap(([failure, value]) => (typeof value === 'number' ? [{ labels: { ...labels, failure_type: String(failure), scope: 'hierarchy' }, value, at: usage.at }] : []))) },
    { name: 'container_start_time_seconds', help: 'Start time of the container since unix epoch in seconds.', type: 'gauge', points: of.flatMap(({ labels, usage, start }) => (start === null ? [] : [{ labels, value: Date.parse(start) / 1000, at: usage.at }])) },
    { name: 'container_last_seen', help: 'Last time a container was seen by the exporter', type: 'gauge', points: of.map(({ labels, usage }) => ({ labels, value: Math.floor(usage.at.getTime() / 1000), at: usage.at })) },
    network('container_network_receive_bytes_total', 'Cumulative count of bytes received', ({ rxBytes }) => rxBytes), network('container_network_receive_errors_total', 'Cumulative count of errors encountered while receiving', ({ rxErrors }) => rxErrors),
    network('container_network_transmit_bytes_total', 'Cumulative count of bytes transmitted', ({ txBytes }) => txBytes), network('container_network_transmit_errors_total', 'Cumulative count of errors encountered while transmitting', ({ txErrors }) => txErrors),
    network('container_network_receive_packets_total', 'Cumulative count of packets received', ({ rxPackets }) => rxPackets), network('container_network_receive_packets_dropped_total', 'Cumulative count of packets dropped while receiving', ({ rxDropped }) => rxDropped),
    network('container_network_transmit_packets_total', 'Cumulative count of packets transmitted', ({ txPackets }) => txPackets), network('container_network_transmit_packets_dropped_total', 'Cumulative count of packets dropped while transmitting', ({ txDropped }) => txDropped),
    onDisk('container_fs_usage_bytes', 'Number of bytes that are consumed by the container on this filesystem.', ({ bytes }) => bytes), ...waits('cpu', 'CPU'), ...waits('memory', 'memory'), ...waits('io', 'IO'),
    { name: 'machine_cpu_cores', help: 'Number of logical CPU cores.', type: 'gauge', points: [{ labels: {}, value: input.cpus }] }, { name: 'machine_memory_bytes', help: 'Amount of memory installed on the machine.', type: 'gauge', points: [{ labels: {}, value: input.memoryBytes }] },
    { name: 'container_scrape_error', help: '1 if there was an error while getting container metrics, 0 otherwise', type: 'gauge', points: [{ labels: {}, value: 0 }] },
  ])
}
