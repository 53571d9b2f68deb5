/**
 * Finds pods that have written more than they may, without walking their trees all the time: only what is limited is measured, and only when the disks have taken in as much
 * as would exceed some limit, or a minute has passed (what others delete meanwhile hides what a pod writes).
 */
import { statfs } from 'node:fs/promises'
import type { Clock } from '../../../src/api/clock.ts'
import type { Pod } from '../../../src/api/types.ts'
import type { MeasureDisk } from './disk-usage.ts'
import { exceededStorage, isLimited, storageSlack } from './local-storage.ts'
import { allOf, type PodDirectories, useOf } from './pod-directories.ts'

export interface StorageWatchOptions {
  clock: Clock
  measure: MeasureDisk
  directoriesOf(pod: Pod): Promise<PodDirectories>
  /** Bytes in use on the disks that pods write to. */
  usedOnDisks(): Promise<number>
}

export interface Exceeded { pod: Pod; message: string }

const longestMilliseconds = 60_000
const deadlineMilliseconds = 120_000

export const storageWatch = ({ clock, measure, directoriesOf, usedOnDisks }: StorageWatchOptions) => {
  let last: { at: number; used: number; slack: number; pods: string } | undefined

  /** Of `pods`, those that have to go. Call every few seconds. */
  return async (pods: readonly Pod[], signal: AbortSignal): Promise<Exceeded[]> => {
    const limited = pods.filter(isLimited)
    if (limited.length === 0) { last = undefined; return [] }
    const [used, now, names] = [await usedOnDisks(), clock.monotonic(), limited.map(({ metadata: { uid, generation } }) => `${uid}/${generation ?? 0}`).join()]
    if (last && last.pods === names && used - last.used < last.slack && now - last.at < longestMilliseconds) return []
    const places = await Promise.all(limited.map(async (pod) => ({ pod, at: await directoriesOf(pod) })))
    const measured = await measure(places.flatMap(({ at }) => allOf(at)), AbortSignal.any([signal, AbortSignal.timeout(deadlineMilliseconds)]))
    const uses = places.map(({ pod, at }) => ({ pod, use: useOf(at, measured) }))
    last = { at: now, used, slack: Math.min(...uses.map(({ pod, use }) => storageSlack(pod, use))), pods: names }
    return uses.flatMap(({ pod, use }) => { const message = exceededStorage(pod, use); return message === undefined ? [] : [{ pod, message }] })
  }
}

/** Directories of one file system count once each: what is counted twice only makes for one look too many. */
export const usedBytes = async (directories: readonly string[]): Promise<number> => {
  const sizes = await Promise.all(directories.map((directory) => statfs(directory).then(({ blocks, bfree, bsize }) => (blocks - bfree) * bsize, () => 0))) // not made yet
  return sizes.reduce((sum, each) => sum + each, 0)
}
