/** `kubelet_volume_stats_*`. Pure. Mirrors pkg/kubelet/metrics/collectors/volume_stats.go. */
import type { Pod } from '../../../src/api/types.ts'
import type { VolumeStats } from '../csi/volume-stats.ts'
import { claimNameOf } from '../volumes/claim.ts'
import type { Metric } from './prometheus-text.ts'

const gauges: readonly [name: string, help: string, value: (stats: VolumeStats) => number | undefined][] = [
  ['capacity_bytes', 'Capacity in bytes of the volume', ({ bytes }) => bytes?.total],
  ['available_bytes', 'Number of available bytes in the volume', ({ bytes }) => bytes?.available],
  ['used_bytes', 'Number of used bytes in the volume', ({ bytes }) => bytes?.used],
  ['inodes', 'Maximum number of inodes in the volume', ({ inodes }) => inodes?.total],
  ['inodes_free', 'Number of free inodes in the volume', ({ inodes }) => inodes?.available],
  ['inodes_used', 'Number of used inodes in the volume', ({ inodes }) => inodes?.used],
  ['health_status_abnormal', 'Abnormal volume health status. The count is either 1 or 0. 1 indicates the volume is unhealthy, 0 indicates volume is healthy', ({ abnormal }) => (abnormal === undefined ? undefined : Number(abnormal))],
]

/** Of claims, each once, however many pods have it. */
export const volumeMetrics = (pods: readonly Pod[], stats: ReadonlyMap<string, readonly VolumeStats[]>): Metric[] => {
  const claims = new Map<string, { labels: Record<string, string>; told: VolumeStats }>()
  for (const pod of pods) for (const told of stats.get(pod.metadata.uid) ?? []) {
    const volume = pod.spec.volumes?.find(({ name }) => name === told.name)
    const claim = volume && claimNameOf(pod, volume)
    const namespace = pod.metadata.namespace ?? ''
    if (claim !== undefined && !claims.has(`${namespace}/${claim}`)) claims.set(`${namespace}/${claim}`, { labels: { namespace, persistentvolumeclaim: claim }, told })
  }
  return gauges.map(([name, help, valueOf]) => ({
    name: `kubelet_volume_stats_${name}`, help: `[ALPHA] ${help}`, type: 'gauge' as const,
    points: [...claims.values()].flatMap(({ labels, told }) => { const value = valueOf(told); return value === undefined ? [] : [{ labels, value }] }),
  }))
}
