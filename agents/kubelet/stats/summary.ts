/** What /stats/summary says. Pure. Mirrors kubelet/pkg/apis/stats/v1alpha1 in its names. */
import { timestamp } from '../../../src/api/clock.ts'
import type { JsonObject } from '../../../src/api/meta.ts'
import type { Pod } from '../../../src/api/types.ts'
import type { VolumeStats } from '../csi/volume-stats.ts'
import type { DiskUse } from '../eviction/disk-usage.ts'
import type { DiskReadings } from '../machine-facts.ts'
import type { Pressure, Pressures } from '../runtime/proc/pressure.ts'
import type { Usage } from '../runtime/runtime.ts'
import { claimNameOf } from '../volumes/claim.ts'
import type { PodDisk } from './disk-stats.ts'
import { type InterfaceUsage, networkStats } from './network-usage.ts'
import type { ContainerSample, PodSample, Sample } from './usage-sampler.ts'

/** A file system, with how large it is. */
export type FileSystem = DiskReadings & { capacityBytes: number }

export interface SummaryInput {
  nodeName: string
  sample: Sample
  pods: readonly Pod[]
  /** What the kubelet's directory is on, with what containers write; and what images are on. */
  nodeFs: FileSystem
  imageFs: FileSystem
  maxPids: number
  bootedAt: Date
  /** By pod's uid; absent: not known. */
  disks: ReadonlyMap<string, PodDisk>
  networks: ReadonlyMap<string, readonly InterfaceUsage[]>
  /** How full the volumes are that are not the pod's own. */
  claimVolumes?: ReadonlyMap<string, readonly VolumeStats[]>
}

const pressure = (psi: Pressure | undefined): JsonObject => (psi ? { psi: { full: { ...psi.full }, some: { ...psi.some } } } : {})

const cpu = (at: Date, nanoseconds: bigint, { nanoCores, psi }: { nanoCores: number | undefined; psi: Pressures | undefined }): JsonObject =>
  ({ time: timestamp(at), ...(nanoCores !== undefined && { usageNanoCores: nanoCores }), usageCoreNanoSeconds: Number(nanoseconds), ...pressure(psi?.cpu) })

const memory = ({ at, memoryUsageBytes, memoryWorkingSetBytes, memoryRssBytes, memoryLimitBytes, pageFaults = 0, majorPageFaults = 0, pressure: psi }: Usage): JsonObject => ({
  time: timestamp(at), ...(memoryLimitBytes !== undefined && { availableBytes: Math.max(0, memoryLimitBytes - memoryWorkingSetBytes) }), usageBytes: memoryUsageBytes, workingSetBytes: memoryWorkingSetBytes, rssBytes: memoryRssBytes,
  pageFaults, majorPageFaults, ...pressure(psi?.memory),
})

const ofUsage = (usage: Usage, nanoCores: number | undefined): JsonObject => ({
  cpu: cpu(usage.at, usage.cpuNanoseconds, { nanoCores, psi: usage.pressure }), memory: memory(usage), ...(usage.pressure && { io: { time: timestamp(usage.at), ...pressure(usage.pressure.io) } }),
  ...(usage.swapBytes !== undefined && { swap: { time: timestamp(usage.at), swapUsageBytes: usage.swapBytes } }),
})

const fileSystem = (at: Date, { availableBytes, capacityBytes, inodesFree, inodes }: FileSystem, used: DiskUse): JsonObject =>
  ({ time: timestamp(at), availableBytes, capacityBytes, usedBytes: used.bytes, inodesFree, inodes, inodesUsed: used.inodes })

const whole = (fs: FileSystem): DiskUse => ({ bytes: fs.capacityBytes - fs.availableBytes, inodes: fs.inodes - fs.inodesFree })

const containerStats = (input: SummaryInput, { podUid }: PodSample, { name, usage, cpuNanoCores }: ContainerSample): JsonObject => {
  const disk = input.disks.get(podUid)
  const own = disk?.containers[name]
  return {
    name, startTime: startOf(input.pods, podUid, name), ...ofUsage(usage, cpuNanoCores),
    ...(disk && own && { rootfs: fileSystem(disk.at, input.nodeFs, own.rootfs), logs: fileSystem(disk.at, input.nodeFs, own.logs) }),
  }
}

/** What of a pod counts as ephemeral: layers, logs, and its own volumes that are on a disk. */
const ephemeral = (pod: Pod | undefined, { containers, volumes }: PodDisk): DiskUse => {
  const inMemory = new Set((pod?.spec.volumes ?? []).filter(({ emptyDir, secret, projected, downwardAPI }) => emptyDir?.medium || secret || projected || downwardAPI).map(({ name }) => name))
  const parts = [...Object.values(containers).flatMap(({ logs, rootfs }) => [logs, rootfs]), ...Object.entries(volumes).filter(([name]) => !inMemory.has(name)).map(([, use]) => use)]
  return parts.reduce((sum, each) => ({ bytes: sum.bytes + each.bytes, inodes: sum.inodes + each.inodes }), { bytes: 0, inodes: 0 })
}

const claimVolume = (pod: Pod | undefined, { name, at, bytes, inodes, abnormal }: VolumeStats): JsonObject => {
  const found = pod?.spec.volumes?.find((each) => each.name === name)
  const claim = pod && found ? claimNameOf(pod, found) : undefined
  return {
    time: timestamp(at), ...(bytes && { availableBytes: bytes.available, capacityBytes: bytes.total, usedBytes: bytes.used }), ...(inodes && { inodesFree: inodes.available, inodes: inodes.total, inodesUsed: inodes.used }),
    name, ...(claim !== undefined && { pvcRef: { name: claim, namespace: pod?.metadata.namespace ?? '' } }), ...(abnormal !== undefined && { volumeHealthStats: { abnormal } }),
  }
}

const podStats = (input: SummaryInput, sample: PodSample): JsonObject => {
  const { podUid, namespace, name, usage, cpuNanoCores, containers } = sample
  const pod = input.pods.find(({ metadata }) => metadata.uid === podUid)
  const [disk, network, told] = [input.disks.get(podUid), input.networks.get(podUid), input.claimVolumes?.get(podUid) ?? []]
  const ofDisk = Object.entries(disk?.volumes ?? {}).filter(([volume]) => !told.some((each) => each.name === volume)).map(([volume, use]) => ({ name: volume, ...fileSystem(disk?.at ?? usage.at, input.nodeFs, use) }))
  return {
    podRef: { name, namespace, uid: podUid }, startTime: pod?.status?.startTime ?? null, containers: containers.map((each) => containerStats(input, sample, each)), ...ofUsage(usage, cpuNanoCores),
    ...(network && { network: networkStats(timestamp(usage.at), network) }),
    ...((disk || told.length > 0) && { volume: [...ofDisk, ...told.map((each) => claimVolume(pod, each))] }),
    ...(disk && { 'ephemeral-storage': fileSystem(disk.at, input.nodeFs, ephemeral(pod, disk)) }),
    process_stats: { process_count: usage.processCount },
  }
}

export const summaryOf = (input: SummaryInput): JsonObject => {
  const { nodeName, nodeFs, imageFs, maxPids, bootedAt, sample: { node, at, nodeCpuNanoCores, pods } } = input
  const psi = node.pressure
  return {
    node: {
      nodeName, systemContainers: [], startTime: timestamp(bootedAt), cpu: cpu(node.at, node.cpuNanoseconds, { nanoCores: nodeCpuNanoCores, psi }),
      memory: { time: timestamp(node.at), availableBytes: Math.max(0, node.memoryTotalBytes - node.memoryWorkingSetBytes), usageBytes: node.memoryUsageBytes, workingSetBytes: node.memoryWorkingSetBytes, rssBytes: node.memoryRssBytes,
        pageFaults: node.pageFaults, majorPageFaults: node.majorPageFaults, ...pressure(psi?.memory) },
      ...(psi && { io: { time: timestamp(node.at), ...pressure(psi.io) } }), ...(node.network && { network: networkStats(timestamp(node.at), node.network) }),
      fs: fileSystem(at, nodeFs, whole(nodeFs)), runtime: { imageFs: fileSystem(at, imageFs, whole(imageFs)), containerFs: fileSystem(at, nodeFs, whole(nodeFs)) },
      rlimit: { time: timestamp(at), maxpid: maxPids, curproc: node.processCount }, swap: { time: timestamp(node.at), swapAvailableBytes: node.swapFreeBytes, swapUsageBytes: node.swapTotalBytes - node.swapFreeBytes },
    },
    pods: pods.map((each) => podStats(input, each)),
  }
}

export const startOf = (pods: readonly Pod[], podUid: string, container: string): string | null => {
  const status = pods.find(({ metadata }) => metadata.uid === podUid)?.status
  return [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? []), ...(status?.ephemeralContainerStatuses ?? [])].find(({ name }) => name === container)?.state?.running?.startedAt ?? null
}
