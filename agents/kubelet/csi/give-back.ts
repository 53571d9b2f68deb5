/** A node that is torn down gives its volumes back to their drivers: everything that no running pod has is unpublished and unstaged, within a time. */
import path from 'node:path'
import type { Clock } from '../../../src/api/clock.ts'
import type { Log } from '../../../src/client/component.ts'
import type { Mounter } from '../volumes/mounter.ts'
import type { Driver } from './driver.ts'
import { allPodVolumes, allStaged, driversWithStages, podVolumes } from './journal.ts'
import { watchPlugins } from './plugin-watcher.ts'
import { takeBack } from './take-back.ts'

export interface GiveBackOptions {
  /** The kubelet's. */
  root: string
  clock: Clock
  log: Log
  mounter: Mounter
  /** Pods that run on. */
  keeps(podUid: string): boolean
  /** How the drivers of this node are found: calls `changed` with all of them whenever that changes, until the signal aborts. */
  findDrivers?(changed: (drivers: readonly Driver[]) => void, signal: AbortSignal): Promise<void>
}

const findMilliseconds = 5_000
const callMilliseconds = 15_000

/** Until all of the names are registered, or the time is over. */
const driversOf = async (names: ReadonlySet<string>, { root, clock, log, findDrivers }: GiveBackOptions, use: (find: (name: string) => Driver | undefined) => Promise<void>): Promise<void> => {
  const drivers = new Map<string, Driver>()
  const [done, late] = [new AbortController(), new AbortController()]
  const search = findDrivers ?? ((changed, signal) => watchPlugins({ root, clock, log }, changed, signal))
  let searching: Promise<unknown> = Promise.resolve()
  await Promise.race([
    new Promise<void>((resolve) => {
      searching = search((now) => {
        drivers.clear()
        for (const each of now) drivers.set(each.name, each)
        if ([...names].every((name) => drivers.has(name))) resolve()
      }, done.signal).catch((error: unknown) => { log.warn('cannot look for CSI drivers', { error: String(error) }); resolve() })
    }),
    clock.sleep(findMilliseconds, late.signal).catch(() => {}),
  ])
  late.abort()
  try { await use((name) => drivers.get(name)) } finally { done.abort(); await searching }
}

/** Names in its answer what no driver has taken back, and why: it is for the caller to unmount. The journal keeps it, so that the next kubelet knows of it. */
export const giveBack = async (options: GiveBackOptions): Promise<string[]> => {
  const { root, mounter, clock, keeps } = options
  const published = (await allPodVolumes(root)).filter(({ podUid }) => !keeps(podUid))
  const staged = (await Promise.all((await driversWithStages(root)).map((driver) => allStaged(root, driver)))).flat()
  const names = new Set([...published, ...staged].map(({ driverName }) => driverName))
  if (names.size === 0) return []
  const left: string[] = []
  const attempt = async (work: (signal: AbortSignal) => Promise<unknown>): Promise<void> => {
    const [ended, tooLate] = [new AbortController(), new AbortController()]
    const deadline = clock.sleep(callMilliseconds, ended.signal).then(() => tooLate.abort(), () => {})
    try { await work(tooLate.signal) } catch (error) { left.push(tooLate.signal.aborted ? `${error instanceof Error ? error.message : String(error)}: no answer in ${callMilliseconds / 1000} s` : error instanceof Error ? error.message : String(error)) } finally { ended.abort(); await deadline }
  }
  await driversOf(names, options, async (driver) => {
    const side = takeBack({ root, mounter, driver })
    await Promise.all([...new Set(published.map(({ podUid }) => podUid))].map(async (podUid) => {
      // What hangs in a driver's volumes goes before them.
      for (const point of await mounter.below(path.join(root, 'pods', podUid, 'volume-subpaths'))) await mounter.unmount(point)
      for (const volume of await podVolumes(root, podUid)) await attempt((signal) => side.unpublish(podUid, volume, signal))
    }))
    await Promise.all(staged.map((volume) => attempt((signal) => side.unstageUnused(volume, signal))))
  })
  return left
}
