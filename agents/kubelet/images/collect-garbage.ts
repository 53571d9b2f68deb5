/** Looks every five minutes whether the disk with the images is full, and then removes what nobody uses. Mirrors GarbageCollect and its loop in pkg/kubelet/kubelet.go. */
import type { Clock } from '../../../src/api/clock.ts'
import type { Log } from '../../../src/client/component.ts'
import type { Occurrence } from '../../../src/client/events.ts'
import { bytesToFree, candidates, defaultGarbagePolicy, detected, type GarbagePolicy, type ImageAge, outdated } from './garbage.ts'
import type { ImageStore } from './image-store.ts'

export interface GarbageCollection {
  store: ImageStore
  clock: Clock
  log: Log
  policy?: GarbagePolicy
  /** An event of the node. */
  tell(what: Occurrence): void
}

export interface GarbageCollector {
  /** One round; rejects when not enough could be freed. */
  collect(): Promise<void>
  /** Removes unused images until so many bytes are free, or none is left; resolves with how many are. */
  free(bytes: number): Promise<number>
  run(signal: AbortSignal): Promise<void>
}

const periodMilliseconds = 5 * 60_000
const text = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const garbageCollector = ({ store, clock, log, policy = defaultGarbagePolicy, tell }: GarbageCollection): GarbageCollector => {
  let known: ImageAge[] = []
  let first = true
  const since = clock.now().getTime()
  const look = (): void => {
    known = detected(known, store.collectable(), { inUse: store.inUse(), first, now: clock.now().getTime() })
    first = false
  }

  const remove = async ({ id, sizeBytes }: ImageAge, why: string): Promise<number> => {
    if (!(await store.remove(id))) return 0
    log.info(`removed an image ${why}`, { image: id, bytes: sizeBytes })
    known = known.filter((each) => each.id !== id)
    return sizeBytes
  }

  const free = async (bytes: number): Promise<number> => {
    look()
    let freed = 0
    for (const image of candidates(known, { now: clock.now().getTime(), policy })) {
      if (freed >= bytes) break
      freed += await remove(image, 'to free disk space')
    }
    return freed
  }

  const collect = async (): Promise<void> => {
    look()
    for (const image of outdated(known, { now: clock.now().getTime(), since, policy })) await remove(image, 'that nobody has used for long')
    const disk = store.disk()
    if (disk.capacityBytes === 0) {
      const message = 'invalid capacity 0 on image filesystem'
      tell({ type: 'Warning', reason: 'InvalidDiskCapacity', message })
      throw new Error(message)
    }
    const wanted = bytesToFree(disk, policy)
    if (wanted <= 0) return
    const freed = await free(wanted)
    if (freed >= wanted) return
    const message = `Failed to garbage collect required amount of images. Attempted to free ${wanted} bytes, but only found ${freed} bytes eligible to free.`
    tell({ type: 'Warning', reason: 'FreeDiskSpaceFailed', message })
    throw new Error(message)
  }

  return {
    free, collect,
    async run(signal) {
      for (let failed = false; !signal.aborted; ) {
        try {
          await collect()
          failed = false
        } catch (error) {
          log.warn('image garbage collection failed', { error: text(error) })
          // Once may be chance.
          if (failed) tell({ type: 'Warning', reason: 'ImageGCFailed', message: text(error) })
          failed = true
        }
        await clock.sleep(periodMilliseconds, signal).catch(() => {}) // aborted: the loop's condition sees it
      }
    },
  }
}
