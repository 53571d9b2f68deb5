import { accessSync, constants, mkdirSync, readdirSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { KeyValue } from '../store.ts'
import type { Change } from './change.ts'
import { DataDirectoryError, historyFile, writeVersion } from './data-directory.ts'
import { checkPages, damaged, hasTables, readChanges, readCompacted, readLeases } from './history-schema.ts'
import { writeHistory } from './history-writer.ts'
import { byteOrder } from './key-order.ts'
import type { LogState } from './log.ts'
import { explainOpening } from './sqlite-log.ts'

/**
 * How far the revision counter jumps when a snapshot is restored, as etcd's `--bump-revision` with `--mark-compacted`: beyond all that was written after the snapshot was
 * taken, so that no revision ever means two things, and whoever watches from before learns that it is compacted and lists anew.
 */
const restoreJump = 1_000_000_000

/**
 * Makes a data directory from a file that `Store.snapshot` wrote. Every row is checked. Throws DataDirectoryError if the directory is not empty, or the file is no
 * snapshot or damaged, and then leaves the directory without a store. Returns the number of keys and the revision at which the new store begins.
 */
export const restoreSnapshot = async (file: string, directory: string): Promise<{ keys: number; revision: number }> => {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (readdirSync(directory).length > 0) throw new DataDirectoryError(`${directory} is not empty: a snapshot is restored into an empty directory`)
  const { compacted, leases, changes } = readSnapshot(file)
  const revision = compacted + restoreJump
  await writeHistory(historyFile(directory), { compacted: revision, leases, changes })
  writeVersion(directory) // last: a directory with a history and no version is refused, so half a restore is never served
  return { keys: changes.length, revision }
}

const readSnapshot = (file: string): LogState => {
  accessSync(file, constants.R_OK)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true })
    if (!hasTables(database, file)) throw damaged(file, 'it is empty')
    checkPages(database, file)
    return {
      compacted: readCompacted(database),
      leases: readLeases(database),
      changes: readChanges(database, file).map((change) => ({ ...change, order: change.key, older: undefined })).toArray(),
    }
  } catch (error) {
    throw explainOpening(file, error)
  } finally {
    database?.close()
  }
}

/**
 * Copies the newest state of a store into `file`, also while another process serves the store: what it has acknowledged by now is in the copy. Throws DataDirectoryError
 * as `restoreSnapshot` does. Returns the number of keys and the newest revision among them.
 */
export const copyHistory = async (directory: string, file: string): Promise<{ keys: number; revision: number }> => {
  const source = historyFile(directory)
  accessSync(source, constants.R_OK)
  const database = new DatabaseSync(source, { readOnly: true })
  try {
    if (!hasTables(database, source)) throw damaged(source, 'it is empty')
    // One reading transaction: later commits of the server are not seen by the second query.
    database.exec('BEGIN')
    const newest = new Map<string, KeyValue>()
    let revision = readCompacted(database)
    for (const change of readChanges(database, source)) {
      revision = Math.max(revision, change.revision)
      newest.delete(change.key)
      if (change.item) newest.set(change.key, change.item)
    }
    const changes = [...newest.values()].map((item, index): Change => ({ key: item.key, order: byteOrder(item.key), revision: item.modRevision, seq: index + 1, item, older: undefined }))
    await writeHistory(file, { compacted: revision, leases: readLeases(database), changes })
    return { keys: changes.length, revision }
  } catch (error) {
    throw explainOpening(source, error)
  } finally {
    database.close()
  }
}
