/** The evictor over this kubelet's pods and machine. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { Pod } from '../../../src/api/types.ts'
import { readDisk, readMachine } from '../machine-facts.ts'
import type { KubeletOptions } from '../options.ts'
import { isTerminalPhase } from '../pod.ts'
import type { Machine } from '../pod-run.ts'
import type { PodWorkers } from '../pod-workers.ts'
import { memoryWatcher } from '../runtime/rootfs/tools.ts'
import { measureDisk, measureDiskAndInodes } from './disk-usage.ts'
import { type EvictionSettings, evictor, type Evictor } from './evictor.ts'
import { memoryNotices } from './memory-notices.ts'
import { allOf, podDirectories, useOf } from './pod-directories.ts'
import type { PodUse } from './ranking.ts'
import { storageWatch, usedBytes } from './storage-watch.ts'
import { defaultThresholds, type Observation, type Observations, type Resource, withAllocatable } from './threshold.ts'

export interface NodeEvictorParts { options: KubeletOptions; machine: Machine; workers: PodWorkers; maxPids: number; changed(): void }

/** Upstream's. */
const defaultSettings: EvictionSettings = { thresholds: defaultThresholds, transitionMilliseconds: 5 * 60_000, maxPodGraceSeconds: 0, lookMilliseconds: 10_000 }

/** Of what all pods together may use; undefined: the kernel does not keep them to anything. */
const allocatableMemory = ({ runtime }: Machine): Observation | undefined => {
  const usage = runtime.nodeUsage?.()
  return usage?.memoryLimitBytes === undefined ? undefined : { available: Math.max(0, usage.memoryLimitBytes - usage.memoryWorkingSetBytes), capacity: usage.memoryLimitBytes }
}

/** What the thresholds are compared with. Without a disk of their own images are where everything else is. */
const observer = ({ options, machine, maxPids }: NodeEvictorParts) => async (): Promise<Observations> => {
  const read = options.readMachine ?? readMachine
  const readings = await read(machine.directory, machine.memoryCapacityBytes)
  const nodeDisk = { available: readings.diskAvailableBytes, capacity: readings.diskUsableBytes }
  const nodeInodes = { available: readings.inodesFree, capacity: readings.inodes }
  const images = await imageDisk(options, machine.directory)
  const allocatable = allocatableMemory(machine)
  return {
    'memory.available': { available: readings.memoryAvailableBytes, capacity: machine.memoryCapacityBytes }, ...(allocatable && { 'allocatableMemory.available': allocatable }),
    'nodefs.available': nodeDisk, ...(nodeInodes.capacity > 0 && { 'nodefs.inodesFree': nodeInodes }),
    'imagefs.available': images ? { available: images.availableBytes, capacity: images.usableBytes } : nodeDisk,
    ...(images ? images.inodes > 0 && { 'imagefs.inodesFree': { available: images.inodesFree, capacity: images.inodes } } : nodeInodes.capacity > 0 && { 'imagefs.inodesFree': nodeInodes }),
    'pid.available': { available: Math.max(0, maxPids - readings.processes), capacity: maxPids },
  }
}

const imageDisk = async ({ imageDirectory, readMachine: faked }: KubeletOptions, directory: string) => {
  if (imageDirectory === undefined || faked) return undefined
  const [images, own] = await Promise.all([imageDirectory, directory].map((each) => stat(each).catch(() => undefined))) // no image has been loaded yet
  return images && images.dev !== own?.dev ? readDisk(imageDirectory) : undefined
}

const usesOf = (machine: Machine) => async (pods: readonly Pod[], resource: Resource, signal: AbortSignal): Promise<Map<string, PodUse>> => {
  if (resource === 'memory' || resource === 'pids') {
    const uses = await Promise.all(pods.map(async ({ metadata: { uid } }) => ({ uid, usage: await machine.runtime.usage(uid) })))
    return new Map(uses.flatMap(({ uid, usage }) => (usage ? [[uid, {
      memoryBytes: usage.pod.memoryWorkingSetBytes, processes: usage.pod.processCount, containers: Object.entries(usage.containers).map(([name, each]) => ({ name, memoryBytes: each.memoryWorkingSetBytes })),
    }]] : [])))
  }
  const places = await Promise.all(pods.map(async (pod) => ({ uid: pod.metadata.uid, at: await podDirectories(machine, pod) })))
  const measured = await (resource === 'inodes' ? measureDiskAndInodes : measureDisk)(places.flatMap(({ at }) => allOf(at)), signal)
  return new Map(places.map(({ uid, at }) => {
    const sumOf = (unit: 'bytes' | 'inodes') => { const { volumes, containers } = useOf(at, measured, unit); return [...Object.values(volumes), ...Object.values(containers)].reduce((sum, each) => sum + each, 0) }
    return [uid, { diskBytes: sumOf('bytes'), inodes: sumOf('inodes'), containers: Object.entries(useOf(at, measured).containers).map(([name, diskBytes]) => ({ name, diskBytes })) }]
  }))
}

/** What containers of pods that have ended for good left on the disks; their logs and statuses stay. */
const removeDeadContainers = async (machine: Machine, workers: PodWorkers): Promise<void> => {
  for (const pod of workers.list()) {
    const ended = workers.hasStopped(pod.metadata.uid) && isTerminalPhase(machine.statuses.get(pod.metadata.uid) ?? pod.status ?? {})
    for (const state of ended ? await machine.runtime.listContainers(pod.metadata.uid) : []) {
      if (state.state === 'exited') await machine.runtime.removeContainer(state.podUid, state.name, state.attempt)
    }
  }
}

export const nodeEvictor = (parts: NodeEvictorParts): Evictor => {
  const { options, machine, workers } = parts
  const { clock, log } = machine
  const settings = { ...defaultSettings, ...options.eviction }
  return evictor({
    settings: { ...settings, thresholds: (options.enforcePods ?? true) ? withAllocatable(settings.thresholds) : settings.thresholds },
    // A machine that is only made up has no kernel of its own.
    ...(options.kernelMemcgNotification !== false && !options.readMachine && { notices: (pressed: () => void) => memoryNotices({ program: path.join(machine.directory, 'tools', memoryWatcher), log, memoryEvents: machine.runtime.memoryEvents, pressed }) }),
    clock, log, observe: observer(parts), pods: () => workers.active(), useOf: usesOf(machine), changed: parts.changed,
    exceeded: storageWatch({ clock, measure: measureDisk, directoriesOf: (pod) => podDirectories(machine, pod), usedOnDisks: () => usedBytes([machine.directory, path.join(machine.directory, 'roots')]) }),
    async reclaim() {
      await removeDeadContainers(machine, workers)
      await options.reclaimImages?.()
    },
    evict(pod, { message, annotations, graceSeconds }) {
      machine.record(pod, { type: 'Warning', reason: 'Evicted', message, ...(Object.keys(annotations).length > 0 && { annotations }) })
      workers.fail(pod.metadata.uid, { reason: 'Evicted', message, graceSeconds, disrupted: true })
    },
    hasStopped: (pod) => workers.hasStopped(pod.metadata.uid), tellNode: machine.recordNode,
  })
}
