/** How much pods have written: measured when somebody asks, and not again for a minute (upstream's volumeStatsAggPeriod). */
import type { Clock } from '../../../src/api/clock.ts'
import type { Pod } from '../../../src/api/types.ts'
import type { Log } from '../../../src/client/component.ts'
import type { DiskUse, MeasureDisk } from '../eviction/disk-usage.ts'

/** Of a container: its log directory, and the layers above its image; of the pod: its own volumes. */
export interface PodPlaces { containers: Readonly<Record<string, { logs: string; rootfs: readonly string[] }>>; volumes: Readonly<Record<string, string>> }

export interface PodDisk { at: Date; containers: Readonly<Record<string, { logs: DiskUse; rootfs: DiskUse }>>; volumes: Readonly<Record<string, DiskUse>> }

export interface DiskStatsOptions { clock: Clock; log: Log; measure: MeasureDisk; placesOf(pod: Pod): Promise<PodPlaces> }

const keptMilliseconds = 60_000
const deadlineMilliseconds = 20_000
const none: DiskUse = { bytes: 0, inodes: 0 }

/** By pod's uid; a pod that could not be measured is absent. */
export type DiskStats = (pods: readonly Pod[]) => Promise<ReadonlyMap<string, PodDisk>>

export const diskStats = ({ clock, log, measure, placesOf }: DiskStatsOptions): DiskStats => {
  let known = new Map<string, PodDisk & { until: number }>()
  let measuring: Promise<void> | undefined

  const refresh = async (pods: readonly Pod[]): Promise<void> => {
    const now = clock.monotonic()
    known = new Map([...known].filter(([uid]) => pods.some(({ metadata }) => metadata.uid === uid)))
    const stale = pods.filter(({ metadata }) => (known.get(metadata.uid)?.until ?? 0) <= now)
    if (stale.length === 0) return
    const places = await Promise.all(stale.map(async (pod) => ({ uid: pod.metadata.uid, at: await placesOf(pod) })))
    const directories = places.flatMap(({ at }) => [...Object.values(at.volumes), ...Object.values(at.containers).flatMap(({ logs, rootfs }) => [logs, ...rootfs])])
    const sizes = await measure([...new Set(directories)], AbortSignal.timeout(deadlineMilliseconds))
    const sum = (all: readonly string[]): DiskUse => all.reduce((total, each) => ({ bytes: total.bytes + (sizes.get(each)?.bytes ?? 0), inodes: total.inodes + (sizes.get(each)?.inodes ?? 0) }), none)
    for (const { uid, at } of places) {
      known.set(uid, {
        at: clock.now(), until: now + keptMilliseconds, volumes: Object.fromEntries(Object.entries(at.volumes).map(([name, directory]) => [name, sum([directory])])),
        containers: Object.fromEntries(Object.entries(at.containers).map(([name, { logs, rootfs }]) => [name, { logs: sum([logs]), rootfs: sum(rootfs) }])),
      })
    }
  }

  return async (pods) => {
    // Those who ask together wait for one look.
    await (measuring ??= refresh(pods).catch((error: unknown) => { log.warn('cannot measure what pods have written', { error: String(error) }) }).finally(() => { measuring = undefined }))
    return known
  }
}
