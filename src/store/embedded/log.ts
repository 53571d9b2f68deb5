import type { Lease } from '../store.ts'
import type { Change } from './change.ts'

/** What the log can be told, in the order in which it must be read back. */
export type LogEntry =
  | { do: 'append'; change: Change }
  /** Rows that compaction no longer needs. */
  | { do: 'forget'; seqs: readonly number[] }
  | { do: 'compact'; revision: number }
  | { do: 'grant'; lease: Lease }
  | { do: 'revoke'; id: string }

/** Everything that a log must hold so that a store can be opened from it. Changes in the order of their rows. */
export interface LogState {
  compacted: number
  leases: readonly Lease[]
  changes: readonly Change[]
}

/**
 * A durable log of groups. A group is begin, write..., commit, sync; after `sync` resolved it survives the loss of power. If any of these fails, nothing of
 * the group counts: after `begin`, `write` or `commit` threw, `rollback` makes the log ready for the next group; after `sync` rejected, `failed` is true and
 * the log must be rebuilt from memory, since nobody knows which of its pages reached the disk.
 */
export interface Log {
  begin(): void
  write(entry: LogEntry): void
  commit(): void
  rollback(): void
  sync(): Promise<void>
  readonly failed: boolean
  /** Replaces the log's content by this state, on fresh pages. Rejects, leaving it failed, if the disk refuses. */
  rebuild(state: LogState): Promise<void>
  /** Work that is due between two groups (moving the write-ahead log into the database). Never rejects; a failure shows in `failed`, or is tried again later. */
  maintain(): Promise<void>
  sizeBytes(): number
  close(): void
}

/** A log that keeps nothing: the store in memory. */
export const memoryLog: Log = {
  begin() {}, write() {}, commit() {}, rollback() {}, close() {},
  failed: false,
  sync: async () => {},
  rebuild: async () => {},
  maintain: async () => {},
  sizeBytes: () => 0,
}
