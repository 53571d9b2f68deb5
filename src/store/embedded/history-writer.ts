import { existsSync, rmSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { syncDirectory } from './data-directory.ts'
import { createTables, entryWriter } from './history-schema.ts'
import type { LogState } from './log.ts'

const rowsBetweenTurns = 256

/**
 * Writes a whole history into `file` (readable by its owner only), leaving the event loop free in between. The file appears complete and on disk, under its own
 * name, or not at all; `state` must not change meanwhile.
 */
export const writeHistory = async (file: string, state: LogState): Promise<void> => {
  const partial = `${file}.partial`
  removeDatabase(partial)
  try {
    await (await open(partial, 'wx', 0o600)).close()
    await fill(partial, state)
    const handle = await open(partial, 'r+')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(partial, file)
    syncDirectory(path.dirname(path.resolve(file)))
  } catch (error) {
    removeDatabase(partial)
    throw error
  }
}

const fill = async (file: string, state: LogState): Promise<void> => {
  const database = new DatabaseSync(file)
  try {
    // Nobody reads the file before it is complete, synced and renamed: it needs no journal of its own.
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1024')
    createTables(database)
    const write = entryWriter(database)
    write({ do: 'compact', revision: state.compacted })
    for (const lease of state.leases) write({ do: 'grant', lease })
    for (let at = 0; at < state.changes.length; at += rowsBetweenTurns) {
      database.exec('BEGIN')
      for (const change of state.changes.slice(at, at + rowsBetweenTurns)) write({ do: 'append', change })
      database.exec('COMMIT')
      await nextTurn()
    }
  } finally {
    database.close()
  }
}

/** Removes an SQLite database with its journals, if it is there. */
export const removeDatabase = (file: string): void => {
  for (const suffix of ['-wal', '-shm', '-journal', '']) if (existsSync(file + suffix)) rmSync(file + suffix)
}
