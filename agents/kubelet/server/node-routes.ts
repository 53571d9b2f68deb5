/** What concerns the whole node: health, pods, statistics, metrics. */
import { statfs } from 'node:fs/promises'
import type { Pod } from '../../../src/api/types.ts'
import type { VolumeStats } from '../csi/volume-stats.ts'
import { measureDiskAndInodes } from '../eviction/disk-usage.ts'
import { podDirectories } from '../eviction/pod-directories.ts'
import { readDisk } from '../machine-facts.ts'
import type { NodeFacts } from '../node-status.ts'
import { isTerminalPhase } from '../pod.ts'
import type { Machine } from '../pod-run.ts'
import type { PodWorkers } from '../pod-workers.ts'
import { cadvisorMetrics, type DetailsOfPod } from '../stats/cadvisor-metrics.ts'
import { claimStats } from '../stats/claim-stats.ts'
import { diskStats, type PodPlaces } from '../stats/disk-stats.ts'
import { type InterfaceUsage, readInterfaces } from '../stats/network-usage.ts'
import { prometheusText } from '../stats/prometheus-text.ts'
import { resourceMetrics } from '../stats/resource-metrics.ts'
import { type FileSystem, summaryOf } from '../stats/summary.ts'
import type { UsageSampler } from '../stats/usage-sampler.ts'
import { volumeMetrics } from '../stats/volume-metrics.ts'
import { answerJson, answerText, type Route } from './route.ts'

export interface NodeRouteParts { machine: Machine; workers: PodWorkers; sampler: UsageSampler; facts: NodeFacts; configuration: object; /** Where images are, if on a disk of their own. */ imageDirectory: string | undefined }

const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

/** Pods as the kubelet has them, each with the status that it last made. */
const podsNow = ({ machine, workers }: NodeRouteParts) => workers.list().map((pod) => ({ ...pod, status: machine.statuses.get(pod.metadata.uid) ?? pod.status }))

/** Where what a pod writes is; its containers' first directory is that of its logs. */
const placesOf = async (machine: Machine, pod: Pod): Promise<PodPlaces> => {
  const { containers } = await podDirectories(machine, pod)
  const volumes = (pod.spec.volumes ?? []).flatMap((volume): [string, string][] => { const at = machine.volumes.ownDirectory(pod, volume); return at === undefined ? [] : [[volume.name, at]] })
  return { volumes: Object.fromEntries(volumes), containers: Object.fromEntries(Object.entries(containers).map(([name, [logs = '', ...rootfs]]) => [name, { logs, rootfs }])) }
}

const fileSystemOf = async (directory: string): Promise<FileSystem> => {
  const [disk, { blocks, bsize }] = await Promise.all([readDisk(directory), statfs(directory)])
  return { ...disk, capacityBytes: blocks * bsize }
}

/** The directory of images comes with the first image. */
const imageFileSystem = ({ machine, imageDirectory = machine.directory }: NodeRouteParts): Promise<FileSystem> => fileSystemOf(imageDirectory).catch((error: NodeJS.ErrnoException) => {
  if (error.code === 'ENOENT') return fileSystemOf(machine.directory)
  throw error
})

/** Of pods with a network of their own: by one of their processes. */
const networksOf = async (machine: Machine, pods: readonly Pod[]): Promise<Map<string, readonly InterfaceUsage[]>> => {
  const own = new Set(pods.filter(({ spec }) => !spec.hostNetwork).map(({ metadata }) => metadata.uid))
  const pids = new Map((await machine.runtime.listContainers()).flatMap(({ podUid, pid }): [string, number][] => (pid !== undefined && own.has(podUid) ? [[podUid, pid]] : [])))
  const found = await Promise.all([...pids].map(async ([uid, pid]): Promise<[string, InterfaceUsage[] | undefined]> => [uid, await readInterfaces(pid)]))
  return new Map(found.flatMap(([uid, interfaces]): [string, InterfaceUsage[]][] => (interfaces ? [[uid, interfaces]] : [])))
}

const detailsOf = async (machine: Machine, pods: readonly Pod[]): Promise<Map<string, DetailsOfPod>> => {
  const found = await Promise.all(pods.map(async ({ metadata: { uid } }): Promise<[string, DetailsOfPod | undefined]> => [uid, await machine.runtime.usageDetails(uid)]))
  return new Map(found.flatMap(([uid, details]): [string, DetailsOfPod][] => (details ? [[uid, details]] : [])))
}

/** How full the volumes of claims are, by pod's uid. */
type VolumesOf = (pods: readonly Pod[]) => Promise<ReadonlyMap<string, readonly VolumeStats[]>>

const volumesOf = ({ csi, volumes, clock }: Machine): VolumesOf => {
  const claims = claimStats({ clock })
  return async (pods) => new Map(await Promise.all(pods.map(async (pod) => [pod.metadata.uid, (await Promise.all([csi.stats(pod.metadata.uid), claims(volumes.claimedDirectories(pod))])).flat()] as const)))
}

const ownMetrics = async (parts: NodeRouteParts, volumes: VolumesOf): Promise<string> => {
  const pods = podsNow(parts)
  const running = (await parts.machine.runtime.listContainers()).filter(({ state }) => state === 'running').length
  const { user, system } = process.cpuUsage()
  const lines: [string, string, 'gauge' | 'counter', string, number][] = [
    ['kubelet_running_pods', 'Number of pods that have a running pod sandbox', 'gauge', '', pods.filter(({ status }) => !isTerminalPhase(status ?? {})).length],
    ['kubelet_running_containers', 'Number of containers currently running', 'gauge', '{container_state="running"}', running],
    ['kubelet_node_name', "The node's name. The count is always 1.", 'gauge', `{node=${JSON.stringify(parts.machine.nodeName)}}`, 1],
    ['process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.', 'counter', '', (user + system) / 1e6],
    ['process_resident_memory_bytes', 'Resident memory size in bytes.', 'gauge', '', process.memoryUsage.rss()],
  ]
  return `${lines.map(([name, help, type, labels, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name}${labels} ${value}`).join('\n')}\n${prometheusText(volumeMetrics(pods, await volumes(pods)))}${parts.machine.ownMetrics()}`
}

export const nodeRoutes = (parts: NodeRouteParts): readonly Route[] => {
  const { machine, sampler, facts } = parts
  const disks = diskStats({ clock: machine.clock, log: machine.log, measure: measureDiskAndInodes, placesOf: (pod) => placesOf(machine, pod) })
  const volumes = volumesOf(machine)
  const bootedAt = new Date(machine.clock.now().getTime() - process.uptime() * 1000)
  const get = (path: string, answer: NonNullable<Route['answer']>): Route => ({ methods: ['GET', 'HEAD'], path, answer })
  const pods = async (response: Parameters<typeof answerJson>[0]): Promise<void> => { answerJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: podsNow(parts) }); return Promise.resolve() }
  return [
    get('/healthz', async (_, response) => { answerText(response, 'ok'); return Promise.resolve() }),
    get('/healthz/:check', async (_, response) => { answerText(response, 'ok'); return Promise.resolve() }),
    get('/pods', (_, response) => pods(response)),
    get('/runningpods', (_, response) => pods(response)),
    get('/stats/summary', async (_, response) => {
      const [now, [nodeFs, imageFs]] = [podsNow(parts), await Promise.all([fileSystemOf(machine.directory), imageFileSystem(parts)])]
      answerJson(response, summaryOf({ claimVolumes: await volumes(now), nodeName: machine.nodeName, sample: await sampler.fresh(), pods: now, nodeFs, imageFs, maxPids: facts.machine.maxPids, bootedAt, disks: await disks(now), networks: await networksOf(machine, now) }))
    }),
    get('/metrics', async (_, response) => answerText(response, await ownMetrics(parts, volumes), { type: metricsType })),
    get('/metrics/resource', async (_, response) => answerText(response, resourceMetrics(await sampler.fresh(), podsNow(parts)), { type: metricsType })),
    get('/metrics/cadvisor', async (_, response) => {
      const now = podsNow(parts)
      answerText(response, cadvisorMetrics({ sample: await sampler.fresh(), pods: now, cpus: facts.machine.cpus, memoryBytes: facts.machine.memoryBytes, disks: await disks(now), networks: await networksOf(machine, now), details: await detailsOf(machine, now) }), { type: metricsType })
    }),
    get('/metrics/probes', async (_, response) => {
      const points = machine.prober.counts().map(({ labels, count }) => ({ labels, value: count }))
      answerText(response, prometheusText([{ name: 'prober_probe_total', help: '[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.', type: 'counter', points }]), { type: metricsType })
      return Promise.resolve()
    }),
    get('/configz', async (_, response) => { answerJson(response, { kubeletconfig: parts.configuration }); return Promise.resolve() }),
  ]
}
