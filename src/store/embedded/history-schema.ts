import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { Lease } from '../store.ts'
import type { Change } from './change.ts'
import { DataDirectoryError } from './data-directory.ts'
import type { LogEntry } from './log.ts'

/** "Wrry": says that an SQLite file is one of ours. */
const applicationId = 0x57727279
const schemaVersion = 1

/**
 * The tables of history.db and of snapshots. A row of `history` is a change; version 0 is a deletion. `check` is the CRC-32 of the row, since SQLite
 * checks what is in the write-ahead log and nothing of what has moved into the database.
 */
export const createTables = (database: DatabaseSync): void => {
  database.exec(`
    PRAGMA application_id = ${applicationId};
    PRAGMA user_version = ${schemaVersion};
    CREATE TABLE history (seq INTEGER PRIMARY KEY, revision INTEGER NOT NULL, key TEXT NOT NULL, created INTEGER NOT NULL, version INTEGER NOT NULL, lease TEXT, value BLOB, "check" INTEGER NOT NULL);
    CREATE TABLE leases (id TEXT PRIMARY KEY, ttl INTEGER NOT NULL);
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
  `)
}

/** Whether the file has our tables; throws DataDirectoryError if it is something else, or of another version. An empty file has none. */
export const hasTables = (database: DatabaseSync, file: string): boolean => {
  const [application, version] = ['application_id', 'user_version'].map((name) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
  if (application === 0 && database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.['tables'] === 0) return false
  if (application !== applicationId) throw new DataDirectoryError(`${file} is an SQLite database, but not one of Wherry's: name the right file or directory`)
  if (version !== schemaVersion) throw new DataDirectoryError(`${file} has schema version ${String(version)}, but this Wherry reads version ${schemaVersion}: use the Wherry that wrote it`)
  return true
}

/** Throws DataDirectoryError if the database's pages do not fit together: a row that is no longer found has no checksum that could tell. Takes about 1 ms a MiB. */
export const checkPages = (database: DatabaseSync, file: string): void => {
  const [answer] = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})
  if (answer !== 'ok') throw damaged(file, String(answer))
}

/** Returns what writes one entry of the log. */
export const entryWriter = (database: DatabaseSync): ((entry: LogEntry) => void) => {
  const append = database.prepare('INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const forget = database.prepare('DELETE FROM history WHERE seq = ?')
  const compact = database.prepare(`INSERT OR REPLACE INTO counters VALUES ('compacted', ?)`)
  const grant = database.prepare('INSERT OR REPLACE INTO leases VALUES (?, ?)')
  const revoke = database.prepare('DELETE FROM leases WHERE id = ?')
  const executors: { [Do in LogEntry['do']]: (entry: Extract<LogEntry, { do: Do }>) => void } = {
    append: ({ change }) => {
      const { seq, revision, key, item } = change
      append.run(seq, revision, key, item?.createRevision ?? 0, item?.version ?? 0, item?.lease ?? null, item?.value ?? null, checkOf(change))
    },
    forget: ({ seqs }) => { for (const seq of seqs) forget.run(seq) },
    compact: ({ revision }) => { compact.run(revision) },
    grant: ({ lease }) => { grant.run(lease.id, lease.ttlSeconds) },
    revoke: ({ id }) => { revoke.run(id) },
  }
  return (entry) => (executors[entry.do] as (entry: LogEntry) => void)(entry)
}

export const readCompacted = (database: DatabaseSync): number =>
  Number(database.prepare(`SELECT value FROM counters WHERE name = 'compacted'`).get()?.['value'] ?? 0)

export const readLeases = (database: DatabaseSync): Lease[] =>
  database.prepare('SELECT id, ttl FROM leases').all().map(({ id, ttl }) => ({ id: String(id), ttlSeconds: Number(ttl) }))

type Row = [seq: number, revision: number, key: string, created: number, version: number, lease: string | null, value: Uint8Array | null, check: number]

/** Every change, in the order in which they were written. Throws DataDirectoryError at a row that is not what was written. */
export function* readChanges(database: DatabaseSync, file: string): Generator<Omit<Change, 'order' | 'older'>> {
  const statement = database.prepare('SELECT seq, revision, key, created, version, lease, value, "check" FROM history ORDER BY seq')
  statement.setReturnArrays(true)
  for (const row of statement.iterate() as unknown as Iterable<Row>) {
    const [seq, revision, key, createRevision, version, lease, bytes, check] = row
    // An empty value is stored as NULL; only a deletion has version 0.
    const item = version === 0 ? undefined : { key, value: bytes ?? new Uint8Array(), createRevision, modRevision: revision, version, ...(lease !== null && { lease }) }
    const change = { key, revision, seq, item }
    if (checkOf(change) !== check) throw damaged(file, `the value of ${JSON.stringify(key)} at revision ${revision} is not the one that was written`)
    yield change
  }
}

export const damaged = (file: string, what: string, cause?: unknown): DataDirectoryError =>
  new DataDirectoryError(`${file} is damaged: ${what}. Restore a snapshot into an empty directory (wherry snapshot restore), and keep this one for inspection`, { cause })

const checkOf = ({ seq, revision, key, item }: Omit<Change, 'order' | 'older'>): number => {
  const head = crc32(`${seq} ${revision} ${item?.createRevision ?? 0} ${item?.version ?? 0} ${item?.lease ?? ''} ${key}`)
  return item ? crc32(item.value, head) : head
}
