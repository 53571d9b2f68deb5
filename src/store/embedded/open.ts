import { mkdirSync } from 'node:fs'
import type { Store } from '../store.ts'
import { checkVersion, historyFile } from './data-directory.ts'
import { lockDirectory } from './directory-lock.ts'
import { EmbeddedStore, type EngineOptions } from './embedded-store.ts'
import { damaged } from './history-schema.ts'
import { memoryLog } from './log.ts'
import { explainOpening, type Flush, SqliteLog } from './sqlite-log.ts'

export interface EmbeddedStoreOptions extends EngineOptions {
  /** Made if it is missing, with mode 0700. */
  directory: string
  /** false: an acknowledged write survives the death of the process, but not the loss of power. For throw-away clusters. Absent: true. */
  fsync?: boolean
  /** For tests of failing disks. Absent: fdatasync in the thread pool. */
  flush?: Flush
}

/**
 * Opens (or makes) the store in a data directory. Throws DataDirectoryError, naming the directory and the remedy, if it is in use by another process, was written by
 * another version, or is damaged; an unfinished last group, as a crash leaves it, is no damage: it was never acknowledged and is dropped.
 */
export const openEmbeddedStore = async ({ directory, fsync = true, flush, ...options }: EmbeddedStoreOptions): Promise<Store> => {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const unlock = lockDirectory(directory)
  let log: SqliteLog | undefined
  try {
    checkVersion(directory)
    const flushing = fsync ? flush : async () => {}
    log = new SqliteLog({ directory, ...(flushing && { flush: flushing }) })
    const store = new EmbeddedStore(options, log, unlock)
    load(store, log, historyFile(directory))
    return store
  } catch (error) {
    log?.close()
    unlock()
    throw error
  }
}

/** A store that is gone when the process ends, or the store is closed. */
export const openMemoryStore = async (options: EngineOptions): Promise<Store> => {
  const store = new EmbeddedStore(options, memoryLog, () => {})
  store.load({ compacted: 0, leases: [], changes: [] })
  return store
}

const load = (store: EmbeddedStore, log: SqliteLog, file: string): void => {
  try {
    const { compacted, leases, changes } = log.load()
    store.load({ compacted, leases, changes: withoutHoles(changes, compacted, file) })
  } catch (error) {
    throw explainOpening(file, error)
  }
}

/** Every revision since the compacted one left a change: a hole among them is data that was lost. Throws DataDirectoryError there. */
function* withoutHoles<Row extends { revision: number }>(changes: Iterable<Row>, compacted: number, file: string): Generator<Row> {
  let last = 0
  for (const change of changes) {
    if (change.revision < last) throw damaged(file, `revision ${change.revision} comes after revision ${last}`)
    if (change.revision > Math.max(last, compacted, 1) + 1) throw damaged(file, `nothing is left of revision ${Math.max(last, compacted, 1) + 1}`)
    last = change.revision
    yield change
  }
}
