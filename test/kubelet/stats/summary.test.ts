/** What the Summary API and the metrics say of a pod, in upstream's names. */
import { describe, expect, test } from 'vitest'
import type { DiskUse } from '../../../agents/kubelet/eviction/disk-usage.ts'
import { parsePressures } from '../../../agents/kubelet/runtime/proc/pressure.ts'
import type { Usage, UsageDetails } from '../../../agents/kubelet/runtime/runtime.ts'
import { cadvisorMetrics } from '../../../agents/kubelet/stats/cadvisor-metrics.ts'
import { diskStats, type PodDisk } from '../../../agents/kubelet/stats/disk-stats.ts'
import { parseInterfaces } from '../../../agents/kubelet/stats/network-usage.ts'
import { resourceMetrics } from '../../../agents/kubelet/stats/resource-metrics.ts'
import { summaryOf } from '../../../agents/kubelet/stats/summary.ts'
import type { Sample } from '../../../agents/kubelet/stats/usage-sampler.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { logs } from '../../support/logs.ts'
import { aContainer, aPod } from '../builders.ts'

const at = new Date('2026-01-01T00:00:00Z')
const time = '2026-01-01T00:00:00Z'
const stalls = 'some avg10=1.00 avg60=2.00 avg300=3.00 total=4000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n'
const pressure = parsePressures(stalls, stalls, stalls)
const psi = { full: { avg10: 0, avg60: 0, avg300: 0, total: 1_000_000 }, some: { avg10: 1, avg60: 2, avg300: 3, total: 4_000_000 } }
const usage: Usage = { at, cpuNanoseconds: 5_000_000_000n, memoryUsageBytes: 300, memoryWorkingSetBytes: 200, memoryRssBytes: 100, processCount: 4, pageFaults: 7, majorPageFaults: 1, memoryLimitBytes: 1000, swapBytes: 50, ...(pressure && { pressure }) }
const pod = aPod({ containers: [aContainer('web')], volumes: [{ name: 'disk', emptyDir: {} }, { name: 'ram', emptyDir: { medium: 'Memory' } }, { name: 'secret', secret: { secretName: 's' } }] })
const { uid } = pod.metadata
pod.status = { startTime: time, containerStatuses: [{ name: 'web', image: 'nginx:1', imageID: 'i', containerID: 'wherry://abc', ready: true, restartCount: 0, state: { running: { startedAt: time } } }] }
const sample: Sample = {
  at, monotonicMilliseconds: 0, nodeCpuNanoCores: 9, pods: [{ podUid: uid, namespace: 'default', name: 'web-1', usage, cpuNanoCores: 8, containers: [{ name: 'web', usage, cpuNanoCores: 7 }] }],
  node: { cpuNanoseconds: 1_000_000_000n, memoryTotalBytes: 10_000, memoryAvailableBytes: 5000, memoryUsageBytes: 6000, memoryWorkingSetBytes: 4000, memoryRssBytes: 3000, processCount: 99, swapTotalBytes: 800, swapFreeBytes: 500, pageFaults: 3, majorPageFaults: 2, at },
}
const use = (bytes: number, inodes: number): DiskUse => ({ bytes, inodes })
const disk: PodDisk = { at, containers: { web: { logs: use(10, 1), rootfs: use(20, 2) } }, volumes: { disk: use(100, 3), ram: use(1000, 4), secret: use(2000, 5) } }
const fs = { availableBytes: 600, usableBytes: 900, inodesFree: 60, inodes: 100, capacityBytes: 1000 }
const networks = new Map([[uid, parseInterfaces('Inter-|   Receive\n face |bytes\n    lo: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n  eth0: 11 2 3 0 0 0 0 0 44 5 6 0 0 0 0 0\n')]])

describe('the summary', () => {
  const summary = summaryOf({ nodeName: 'node-1', sample, pods: [pod], nodeFs: fs, imageFs: { ...fs, capacityBytes: 5000 }, maxPids: 32, bootedAt: at, disks: new Map([[uid, disk]]), networks })
  const of = (used: number, inodesUsed: number) => ({ time, availableBytes: 600, capacityBytes: 1000, usedBytes: used, inodesFree: 60, inodes: 100, inodesUsed })
  const memory = { time, availableBytes: 800, usageBytes: 300, workingSetBytes: 200, rssBytes: 100, pageFaults: 7, majorPageFaults: 1, psi }
  test('of a pod', () => {
    expect(summary['pods']).toEqual([{
      podRef: { name: 'web-1', namespace: 'default', uid }, startTime: time, cpu: { time, usageNanoCores: 8, usageCoreNanoSeconds: 5_000_000_000, psi }, memory, io: { time, psi }, swap: { time, swapUsageBytes: 50 },
      containers: [{ name: 'web', startTime: time, cpu: { time, usageNanoCores: 7, usageCoreNanoSeconds: 5_000_000_000, psi }, memory, io: { time, psi }, swap: { time, swapUsageBytes: 50 }, rootfs: of(20, 2), logs: of(10, 1) }],
      network: { time, name: 'eth0', rxBytes: 11, rxErrors: 3, txBytes: 44, txErrors: 6, interfaces: [{ name: 'eth0', rxBytes: 11, rxErrors: 3, txBytes: 44, txErrors: 6 }] },
      volume: [{ name: 'disk', ...of(100, 3) }, { name: 'ram', ...of(1000, 4) }, { name: 'secret', ...of(2000, 5) }],
      'ephemeral-storage': of(130, 6), process_stats: { process_count: 4 },
    }])
  })
  test('of the node', () => {
    expect(summary['node']).toMatchObject({ fs: of(400, 40), runtime: { imageFs: { capacityBytes: 5000, usedBytes: 4400 }, containerFs: of(400, 40) }, swap: { time, swapAvailableBytes: 500, swapUsageBytes: 300 }, rlimit: { time, maxpid: 32, curproc: 99 }, memory: { availableBytes: 6000, pageFaults: 3, majorPageFaults: 2 } })
  })
})

test('resource metrics', () => {
  const lines = resourceMetrics(sample, [pod]).split('\n').filter((line) => line && !line.startsWith('#'))
  expect(lines).toEqual([
    'container_cpu_usage_seconds_total{container="web",namespace="default",pod="web-1"} 5 1767225600000', 'container_memory_working_set_bytes{container="web",namespace="default",pod="web-1"} 200 1767225600000',
    'container_start_time_seconds{container="web",namespace="default",pod="web-1"} 1767225600', 'container_swap_usage_bytes{container="web",namespace="default",pod="web-1"} 50 1767225600000',
    'node_cpu_usage_seconds_total 1 1767225600000', 'node_memory_working_set_bytes 4000 1767225600000', 'node_swap_usage_bytes 300 1767225600000', 'pod_cpu_usage_seconds_total{namespace="default",pod="web-1"} 5 1767225600000',
    'pod_memory_working_set_bytes{namespace="default",pod="web-1"} 200 1767225600000', 'pod_swap_usage_bytes{namespace="default",pod="web-1"} 50 1767225600000', 'resource_scrape_error 0',
  ])
})

test('cadvisor\'s metrics', () => {
  const details: UsageDetails = { cpuUserNanoseconds: 3e9, cpuSystemNanoseconds: 2e9, cpuPeriods: 10, cpuThrottledPeriods: 4, cpuThrottledNanoseconds: 5e8, cpuShares: 512, cpuQuotaMicroseconds: undefined, cpuPeriodMicroseconds: 100_000,
    memoryCacheBytes: 70, memoryMappedFileBytes: 30, memoryActiveFileBytes: 20, memoryInactiveFileBytes: 50, memoryMaxUsageBytes: 900, memoryLimitHits: undefined, memoryKernelBytes: 80, oomKills: 2, processCount: 3, maxThreads: undefined }
  const text = cadvisorMetrics({ sample, pods: [pod], cpus: 2, memoryBytes: 10_000, disks: new Map([[uid, disk]]), networks, details: new Map([[uid, { pod: details, containers: { web: { ...details, cpuQuotaMicroseconds: 50_000 } } }]]) })
  const labels = `container="web",id="/kubepods/pod${uid}/abc",image="nginx:1",name="abc",namespace="default",pod="web-1"`
  for (const line of [
    `container_cpu_usage_seconds_total{${labels},cpu="total"} 5 1767225600000`, `container_memory_rss{${labels}} 100 1767225600000`, `container_memory_failures_total{${labels},failure_type="pgmajfault",scope="hierarchy"} 1 1767225600000`,
    `container_fs_usage_bytes{${labels},device=""} 30 1767225600000`, `container_pressure_memory_waiting_seconds_total{${labels}} 4 1767225600000`,
    `container_network_receive_bytes_total{container="",id="/kubepods/pod${uid}",image="",name="",namespace="default",pod="web-1",interface="eth0"} 11 1767225600000`, 'machine_cpu_cores 2',
    `container_network_receive_packets_total{container="",id="/kubepods/pod${uid}",image="",name="",namespace="default",pod="web-1",interface="eth0"} 2 1767225600000`,
    `container_cpu_user_seconds_total{${labels}} 3 1767225600000`, `container_cpu_cfs_throttled_seconds_total{${labels}} 0.5 1767225600000`, `container_spec_cpu_quota{${labels}} 50000 1767225600000`, `container_memory_cache{${labels}} 70 1767225600000`,
    `container_oom_events_total{${labels}} 2 1767225600000`, `container_processes{${labels}} 3 1767225600000`, `container_threads{${labels}} 4 1767225600000`, `container_threads_max{${labels}} 0 1767225600000`,
  ]) expect(text.split('\n')).toContain(line)
  // What has no quota is not throttled, and what the kernel does not tell is not made up.
  expect(text).not.toMatch(/container_(cpu_cfs_\w+|spec_cpu_quota)\{container=""/)
  expect(text).not.toMatch(/^container_memory_failcnt\{/m)
})

test('disks are measured when somebody asks, and not again for a minute', async () => {
  const clock = fakeClock()
  const measured: string[][] = []
  const stats = diskStats({ clock, log: logs(), placesOf: ({ metadata }) => Promise.resolve({ volumes: { v: `/${metadata.uid}/v` }, containers: { web: { logs: `/${metadata.uid}/logs`, rootfs: [`/${metadata.uid}/upper`] } } }),
    measure: (directories) => { measured.push([...directories]); return Promise.resolve(new Map(directories.map((each) => [each, use(5, 1)]))) } })
  const other = aPod({}, { uid: 'uid-9' })
  expect((await stats([pod])).get(uid)).toMatchObject({ volumes: { v: use(5, 1) }, containers: { web: { logs: use(5, 1), rootfs: use(5, 1) } } })
  await clock.advance(59_000)
  expect((await stats([pod, other])).size).toBe(2)
  await clock.advance(1_000)
  expect((await stats([pod])).size).toBe(1)
  expect(measured.map((each) => each[0])).toEqual([`/${uid}/v`, '/uid-9/v', `/${uid}/v`])
})
