/** How full the file systems of claims are that no driver speaks for: as the kernel says. Mirrors pkg/volume/metrics_statfs.go. */
import { execa } from 'execa'
import type { Clock } from '../../../src/api/clock.ts'
import type { VolumeStats } from '../csi/volume-stats.ts'

// Upstream's volumeStatsAggPeriod.
const keptMilliseconds = 60_000
const askMilliseconds = 5_000

export type Statfs = Required<Pick<VolumeStats, 'bytes' | 'inodes'>>

/** By a process of its own: a server that does not answer would hold one of the few threads for files. Undefined: there is no answer. */
export const statfsOf = async (directory: string): Promise<Statfs | undefined> => {
  const { stdout, failed } = await execa('stat', ['--file-system', '--format=%S %b %f %a %c %d', '--', directory], { reject: false, timeout: askMilliseconds })
  const [size, blocks, free, available, inodes, inodesFree] = stdout.split(' ').map(Number)
  if (failed || size === undefined || blocks === undefined || free === undefined || available === undefined || inodes === undefined || inodesFree === undefined) return undefined
  return { bytes: { available: available * size, total: blocks * size, used: (blocks - free) * size }, inodes: { available: inodesFree, total: inodes, used: inodes - inodesFree } }
}

export interface ClaimedDirectory { /** In the pod. */ name: string; at: string }

export interface ClaimStatsOptions { clock: Clock; read?: typeof statfsOf }

/** Whoever asks more often than once a minute is told the same; a directory that does not answer in time tells nothing. */
export const claimStats = ({ clock, read = statfsOf }: ClaimStatsOptions): (volumes: readonly ClaimedDirectory[]) => Promise<VolumeStats[]> => {
  const kept = new Map<string, { until: number; told: Promise<(Statfs & { at: Date }) | undefined> }>()
  const ask = async (at: string): Promise<(Statfs & { at: Date }) | undefined> => {
    const ended = new AbortController()
    const found = await Promise.race([read(at), clock.sleep(askMilliseconds, ended.signal).then(() => undefined, () => undefined)]).finally(() => ended.abort())
    return found && { ...found, at: clock.now() }
  }
  return async (volumes) => {
    const now = clock.monotonic()
    for (const [directory, { until }] of kept) if (until <= now) kept.delete(directory)
    const found = await Promise.all(volumes.map(async ({ name, at }) => {
      const known = kept.get(at) ?? { until: now + keptMilliseconds, told: ask(at) }
      kept.set(at, known)
      const told = await known.told
      return told && { name, ...told }
    }))
    return found.filter((each) => each !== undefined)
  }
}
