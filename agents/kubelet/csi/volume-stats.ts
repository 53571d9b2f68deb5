/** How full the volumes of drivers are, as the drivers say (GET_VOLUME_STATS). Mirrors pkg/volume/csi/csi_metrics.go and the volume stats of pkg/kubelet/server/stats. */
import type { Clock } from '../../../src/api/clock.ts'
import type { Driver } from './driver.ts'
import { podVolumes, type PodVolume, targetPath } from './journal.ts'

export interface VolumeStats {
  /** In the pod. */
  name: string
  at: Date
  bytes?: Usage
  inodes?: Usage
  /** The driver says that something is wrong with it. */
  abnormal?: boolean
}
export interface Usage { available: number; total: number; used: number }

interface Answer { usage: { available: string; total: string; used: string; unit: string }[]; volume_condition: { abnormal: boolean; message: string } | null }

// Upstream's volumeStatsAggPeriod: whoever asks more often is told the same.
const keptMilliseconds = 60_000
const askMilliseconds = 5_000

export interface VolumeStatsOptions { root: string; clock: Clock; driver(name: string): Driver | undefined }

const usageOf = ({ usage }: Answer, wanted: string): Usage | undefined => {
  const found = usage.find(({ unit }) => unit === wanted)
  return found && { available: Number(found.available), total: Number(found.total), used: Number(found.used) }
}

/** By the pod's uid; a driver that does not answer tells nothing of its volumes. */
export const volumeStats = ({ root, clock, driver }: VolumeStatsOptions): (podUid: string) => Promise<VolumeStats[]> => {
  const kept = new Map<string, { until: number; stats: VolumeStats | undefined }>()
  const ask = async (podUid: string, volume: PodVolume): Promise<VolumeStats | undefined> => {
    const found = driver(volume.driverName)
    if (!found?.node?.capabilities.has('GET_VOLUME_STATS') || volume.publishedIn === undefined || volume.podVolume === undefined) return undefined
    const answer = await found.call<Answer>('csi.v1.Node', 'NodeGetVolumeStats', {
      volume_id: volume.volumeHandle, volume_path: found.seen(targetPath(root, podUid, volume)), staging_target_path: volume.stagingPath === undefined ? '' : found.seen(volume.stagingPath),
    }, AbortSignal.timeout(askMilliseconds)).catch(() => undefined) // asked again in a minute
    if (!answer) return undefined
    const [bytes, inodes] = [usageOf(answer, 'BYTES'), usageOf(answer, 'INODES')]
    return { name: volume.podVolume, at: clock.now(), ...(bytes && { bytes }), ...(inodes && { inodes }), ...(answer.volume_condition && found.node.capabilities.has('VOLUME_CONDITION') && { abnormal: answer.volume_condition.abnormal }) }
  }
  return async (podUid) => {
    const now = clock.monotonic()
    for (const [key, { until }] of kept) if (until <= now) kept.delete(key)
    const found = await Promise.all((await podVolumes(root, podUid)).map(async (volume) => {
      const key = `${podUid}/${volume.specVolID}`
      const known = kept.get(key)
      if (known) return known.stats
      const stats = await ask(podUid, volume)
      kept.set(key, { until: now + keptMilliseconds, stats })
      return stats
    }))
    return found.filter((each) => each !== undefined)
  }
}
