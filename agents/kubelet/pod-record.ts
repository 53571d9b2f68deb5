/** What the kubelet must remember of a pod beyond its own death and the machine's: a small file per pod. What the kernel and the runtime know is not repeated here. */
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Pod, PodStatus, ResourceRequirements } from '../../src/api/types.ts'
import { type Allocation, allocationOf } from './allocation/allocation.ts'
import type { ResizeState } from './allocation/resize-state.ts'
import type { BackOff } from './back-off.ts'
import type { ImageBackOff } from './image.ts'
import { containersOf, isStaticPod, statusesOf } from './pod.ts'
import type { ResourceLimits } from './runtime/runtime.ts'

export interface ContainerRecord {
  /** How many attempts were let go so far: the number of the next one. */
  attempts: number
  /** With which image an attempt was made. */
  images: Record<string, string>
  backOff?: BackOff
  /** Its attempts were removed on purpose: the pod began anew. */
  purged?: boolean
  /** With which resources an attempt runs: those that it was started with, and what was changed since. */
  /** With `whole`, the limits of its pod as a whole, where it has none of its own. */
  actuated?: { attempt: number; resources: ResourceRequirements; whole?: Record<string, string> }
  /** This attempt was stopped to be started with other resources: the next one does not wait. */
  resizeOf?: number
}

export interface PodRecord {
  /** As last seen, so that it can be stopped properly when nobody else knows it any more. */
  pod: Pod
  sandboxes: number
  containers: Record<string, ContainerRecord>
  imageBackOffs: Record<string, ImageBackOff>
  /** What this machine has promised; not kept by kubelets that knew no resizes. */
  allocation?: Allocation
  /** What the pod as a whole runs with. */
  podResources?: ResourceRequirements
  /** The limits of the pod's cgroup. */
  sandboxLimits?: ResourceLimits
  resize?: ResizeState
}

/** What is kept of a pod: enough to stop it, and of a static pod, which nobody else remembers, its status. */
export const rememberedPod = ({ apiVersion, kind, metadata, spec, status }: Pod): Pod => {
  const { name, namespace, uid, labels, annotations, creationTimestamp } = metadata
  const of = { name, namespace, uid, labels, annotations, creationTimestamp, resourceVersion: '' }
  return { apiVersion, kind, metadata: of, spec, status: isStaticPod({ metadata: of, spec, status }) ? status : {} }
}

export const containerRecord = (record: PodRecord, name: string): ContainerRecord =>
  (Object.hasOwn(record.containers, name) ? record.containers[name] : undefined) ?? (record.containers[name] = { attempts: 0, images: {} })

/** A record for a pod without one: its counts begin where the API's status stands. */
export const freshRecord = (pod: Pod): PodRecord => {
  const statuses: PodStatus = pod.status ?? {}
  const containers = containersOf(pod).map(({ container: { name } }): [string, ContainerRecord] => {
    const status = statusesOf(statuses).find((each) => each.name === name)
    return [name, { attempts: status?.containerID ? status.restartCount + 1 : (status?.restartCount ?? 0), images: {} }]
  })
  return { pod: rememberedPod(pod), sandboxes: 0, containers: Object.fromEntries(containers), imageBackOffs: {}, allocation: allocationOf(pod) }
}

export interface PodRecords {
  load(podUid: string): Promise<PodRecord | undefined>
  /** Every pod that has a record. */
  list(): Promise<string[]>
  /** Writes the newest state; writes that overtake each other become one. */
  save(podUid: string, record: PodRecord): Promise<void>
  remove(podUid: string): Promise<void>
}

export const podRecords = (directory: string): PodRecords => {
  const fileOf = (podUid: string): string => path.join(directory, `${encodeURIComponent(podUid)}.json`)
  const writing = new Map<string, Promise<void>>()
  const waiting = new Map<string, PodRecord>()
  const written = new Map<string, string>()
  let made: Promise<unknown> | undefined
  const write = async (podUid: string): Promise<void> => {
    made ??= mkdir(directory, { recursive: true, mode: 0o700 }).catch((error: unknown) => { made = undefined; throw error })
    await made
    for (let record = waiting.get(podUid); record; record = waiting.get(podUid)) {
      waiting.delete(podUid)
      const text = JSON.stringify(record)
      if (written.get(podUid) === text) continue
      const temporary = `${fileOf(podUid)}.tmp`
      await writeFile(temporary, text, { mode: 0o600 })
      await rename(temporary, fileOf(podUid))
      written.set(podUid, text)
    }
  }
  return {
    async load(podUid) {
      const text = await readFile(fileOf(podUid), 'utf8').catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return undefined; throw error })
      return text === undefined ? undefined : parse(text)
    },
    list: async () => (await readdir(directory).catch(() => [])).filter((name) => name.endsWith('.json')).map((name) => decodeURIComponent(name.slice(0, -'.json'.length))),
    save(podUid, record) {
      waiting.set(podUid, record)
      const running = writing.get(podUid) ?? write(podUid).finally(() => writing.delete(podUid))
      writing.set(podUid, running)
      return running
    },
    async remove(podUid) {
      waiting.delete(podUid)
      await writing.get(podUid)
      written.delete(podUid)
      await rm(fileOf(podUid), { force: true })
    },
  }
}

// A damaged record costs back-off state and counts, never a pod.
const parse = (text: string): PodRecord | undefined => {
  try {
    const record = JSON.parse(text) as PodRecord
    return record?.pod?.metadata?.uid && record.containers ? record : undefined
  } catch { return undefined }
}
