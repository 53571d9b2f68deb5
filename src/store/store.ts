/**
 * The store's contract: etcd's. One revision counter for everything, compare-and-put by modification revision, ordered range reads
 * at a revision, watches from a revision, leases, compaction. It knows keys and bytes, and nothing of Kubernetes.
 * Two engines keep it (embedded/, etcd/), and one suite (test/store/suite.ts) says what it means.
 */

export interface KeyValue {
  key: string
  /** Shared by all readers, and with the writer: whoever wrote or read it must not change its bytes. */
  value: Uint8Array
  /** The revision of the write that made this key (since its last deletion). */
  createRevision: number
  /** The revision of the write that made this value. */
  modRevision: number
  /** How many writes this key has seen since it was created, from 1. */
  version: number
  /** The lease that the key is attached to; undefined if none. */
  lease?: string
}

export interface RangeOptions {
  /** Read as of this revision; the newest if absent or 0. Below the compacted revision: `CompactedError`; above the newest: `FutureRevisionError`. */
  revision?: number
  /** At most so many items; all if absent or 0. */
  limit?: number
  /** Only the count; `items` stays empty. */
  countOnly?: boolean
}

export interface RangeResult {
  /** The store's newest revision when the read was answered (not the one that was asked for). */
  revision: number
  items: KeyValue[]
  /** How many keys lie in the range, whatever the limit. */
  count: number
  /** Whether the limit left keys out. */
  more: boolean
}

/** What a write expects of the key: its `modRevision`, or 0 for "must not exist". Absent: anything. */
export interface WriteOptions {
  expect?: number
  /** Attach the key to a lease (put only); `LeaseNotFoundError` if there is none such. */
  lease?: string
}

export type WriteResult =
  | { ok: true; revision: number; previous: KeyValue | undefined }
  /** Nothing was written: the key is not what was expected. `current` is undefined when it does not exist. */
  | { ok: false; revision: number; current: KeyValue | undefined }

export type StoreEvent =
  | { type: 'put'; current: KeyValue; previous: KeyValue | undefined }
  /** `revision` is the deletion's own; `previous` is what was deleted. */
  | { type: 'delete'; key: string; revision: number; previous: KeyValue }

/** All events of one or more whole revisions, in order; never part of a revision. Without events: a progress mark, "you have seen all up to `revision`". */
export interface WatchBatch {
  revision: number
  events: StoreEvent[]
}

export interface WatchOptions {
  /** The first revision wanted (inclusive). Below the compacted one the watch throws `CompactedError`. Absent or 0: from now on. */
  fromRevision?: number
  signal: AbortSignal
}

/** One write of a transaction. A key may occur only once in it, and a transaction has at most `maximumOperations` of them. */
export type Operation =
  | { put: string; value: Uint8Array; options?: WriteOptions }
  | { delete: string; options?: Pick<WriteOptions, 'expect'> }

export interface Lease { id: string; ttlSeconds: number }

/** etcd's default limits, kept by both engines: `RequestTooLargeError` beyond them. Bytes are those of keys and values together. */
export const maximumOperations = 128
export const maximumRequestBytes = 1_572_864

/** Ranges are [start, end) over keys in byte order; `end` of a prefix is made by `prefixEnd`. Every write is on disk when its promise resolves. */
export interface Store extends AsyncDisposable {
  /**
   * The newest revision, linearizable. Every open watch that has not reached it yet gets a batch or a progress mark that does, soon and without a further write
   * (embedded: always; etcd: from 3.4.25 and 3.5.8 on, whose progress marks never overtake events; before them a mark comes every ten minutes).
   */
  revision(): Promise<number>
  get(key: string, options?: Pick<RangeOptions, 'revision'>): Promise<{ revision: number; item: KeyValue | undefined }>
  range(start: string, end: string, options?: RangeOptions): Promise<RangeResult>
  put(key: string, value: Uint8Array, options?: WriteOptions): Promise<WriteResult>
  delete(key: string, options?: Pick<WriteOptions, 'expect'>): Promise<WriteResult>
  /** All of the operations at one revision, or, when one of them finds another modification revision than it expects, none. */
  transaction(operations: readonly Operation[]): Promise<{ ok: boolean; revision: number }>
  /** Ends when the signal aborts or the store is closed. A reader that falls behind by more than the engine's bound gets `SlowWatcherError`, and watches anew from where it was. */
  watch(start: string, end: string, options: WatchOptions): AsyncIterable<WatchBatch>
  /** Forgets history below `revision`; what is current stays. */
  compact(revision: number): Promise<void>
  /** `id` is a positive int64 as decimal; made up if absent; `LeaseExistsError` if taken. */
  grantLease(ttlSeconds: number, id?: string): Promise<Lease>
  /** Starts the lease's time to live anew. Like revoking: `LeaseNotFoundError` if there is none such. */
  keepAlive(id: string): Promise<Lease>
  /** Deletes every key attached to it, at one revision. */
  revokeLease(id: string): Promise<void>
  /** A consistent copy of the newest state into `file` (embedded: restorable by `wherry snapshot restore`). */
  snapshot(file: string): Promise<void>
  /** Bytes on disk, for metrics. */
  sizeBytes(): Promise<number>
}

export class CompactedError extends Error {
  override readonly name = 'CompactedError'
  readonly compactedRevision: number
  constructor(compactedRevision: number) {
    super('required revision has been compacted')
    this.compactedRevision = compactedRevision
  }
}
export class FutureRevisionError extends Error { override readonly name = 'FutureRevisionError' }
export class LeaseNotFoundError extends Error { override readonly name = 'LeaseNotFoundError' }
export class SlowWatcherError extends Error { override readonly name = 'SlowWatcherError' }
export class LeaseExistsError extends Error { override readonly name = 'LeaseExistsError' }
/** More operations or bytes than the limits allow; nothing was written. */
export class RequestTooLargeError extends Error { override readonly name = 'RequestTooLargeError' }
/** The engine could not be reached or did not answer in time (etcd), or is closed. Whether a write was applied is unknown: read before trying anew. */
export class StoreUnavailableError extends Error { override readonly name = 'StoreUnavailableError' }
/** The disk refused a write (full, failing): nothing of it was applied, reads go on, and later writes are tried anew. */
export class StorageError extends Error { override readonly name = 'StorageError' }

/** The end of the range that holds all keys beginning with `prefix`: etcd's clientv3.GetPrefixRangeEnd, for keys of ASCII. */
export const prefixEnd = (prefix: string): string =>
  prefix === '' ? '\u{10ffff}' : prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
