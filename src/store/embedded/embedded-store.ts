import { randomInt } from 'node:crypto'
import {
  CompactedError, FutureRevisionError, type KeyValue, type Lease, LeaseExistsError, LeaseNotFoundError, type Operation, type RangeOptions, type RangeResult,
  type Store, StoreUnavailableError, type WatchBatch, type WatchOptions, type WriteOptions, type WriteResult,
} from '../store.ts'
import type { Clock } from './clock.ts'
import { GroupCommit } from './group-commit.ts'
import { writeHistory } from './history-writer.ts'
import { LeaseExpiry } from './lease-expiry.ts'
import { LeaseTable } from './lease-table.ts'
import type { Log, LogEntry, LogState } from './log.ts'
import { Mvcc } from './mvcc.ts'
import { type CheckedOperation, checkOperations } from '../operations.ts'
import { WatchHub } from './watch-hub.ts'

/** So many changes are forgotten with one commit. */
const sweepChanges = 256

export interface EngineOptions {
  clock: Clock
  /** A watch whose reader lets more than so many changes go by without asking for them ends with SlowWatcherError. Absent: 10,000. */
  watchBound?: number
}

type Outcome = { ok: true; revision: number; previous: (KeyValue | undefined)[] } | { ok: false; revision: number; current: KeyValue | undefined }

/**
 * The store over memory and a log. Comparisons are decided in the order of submission, against everything submitted before; nothing that is not yet on disk is shown
 * to anybody, and this includes that a comparison failed. Every method that writes rejects with StorageError when the disk refuses: nothing of it was applied, reads
 * go on, and the next write is tried anew. After closing, every method rejects with StoreUnavailableError.
 */
export class EmbeddedStore implements Store {
  readonly #clock: Clock
  readonly #log: Log
  readonly #release: () => void
  readonly #leases = new LeaseTable()
  readonly #mvcc = new Mvcc(this.#leases)
  readonly #watches: WatchHub
  readonly #commits: GroupCommit
  readonly #expiry: LeaseExpiry
  readonly #closing = new AbortController()
  #expiring: Promise<void> | undefined
  /** Rows to be deleted that the disk refused to delete so far. */
  #garbage: number[] = []

  /** `release` is called last when the store closes. */
  constructor({ clock, watchBound = 10_000 }: EngineOptions, log: Log, release: () => void) {
    this.#clock = clock
    this.#log = log
    this.#release = release
    this.#watches = new WatchHub(this.#mvcc, clock, watchBound)
    this.#expiry = new LeaseExpiry(this.#leases, clock)
    this.#commits = new GroupCommit({
      log, clock,
      onDurable: (revision) => {
        const from = this.#mvcc.durable + 1
        this.#mvcc.durable = revision
        this.#watches.published(from)
      },
      state: () => ({ compacted: this.#mvcc.compacted, leases: this.#leases.all(), changes: this.#mvcc.durableChanges() }),
    })
  }

  /** Takes back what a log held, and begins to let leases expire; theirs is a whole time to live from now. Call once, before anything else. */
  load(state: { compacted: number; leases: Iterable<Lease>; changes: Iterable<Parameters<Mvcc['restore']>[0]> }): void {
    for (const lease of state.leases) this.#leases.add(this.#entry(lease))
    for (const change of state.changes) this.#mvcc.restore(change)
    this.#mvcc.restoreCompacted(state.compacted)
    for (let rows = this.#mvcc.sweep(sweepChanges); rows; rows = this.#mvcc.sweep(sweepChanges)) this.#garbage.push(...rows)
    this.#expiring = this.#expiry.run((id) => this.revokeLease(id), this.#closing.signal)
  }

  async revision(): Promise<number> {
    this.#assertOpen()
    this.#watches.mark()
    return this.#mvcc.durable
  }

  async get(key: string, { revision }: Pick<RangeOptions, 'revision'> = {}): Promise<{ revision: number; item: KeyValue | undefined }> {
    this.#assertOpen()
    return { item: this.#mvcc.get(key, revision), revision: this.#mvcc.durable }
  }

  async range(start: string, end: string, options?: RangeOptions): Promise<RangeResult> {
    this.#assertOpen()
    return this.#mvcc.range(start, end, options)
  }

  async put(key: string, value: Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    return single(await this.#write(checkOperations([{ put: key, value, options }])))
  }

  async delete(key: string, options: Pick<WriteOptions, 'expect'> = {}): Promise<WriteResult> {
    return single(await this.#write(checkOperations([{ delete: key, options }])))
  }

  async transaction(operations: readonly Operation[]): Promise<{ ok: boolean; revision: number }> {
    const { ok, revision } = await this.#write(checkOperations(operations))
    return { ok, revision }
  }

  async #write(operations: readonly CheckedOperation[]): Promise<Outcome> {
    this.#assertOpen()
    const found = operations.map(({ key }) => this.#mvcc.pending(key))
    const unexpected = operations.findIndex(({ expect }, index) => expect !== undefined && expect !== (found[index]?.modRevision ?? 0))
    if (unexpected >= 0) {
      await this.#settled()
      return { ok: false, revision: this.#mvcc.durable, current: found[unexpected] }
    }
    const missing = operations.find(({ lease }) => lease !== undefined && !this.#leases.has(lease))
    if (missing) {
      await this.#settled()
      throw new LeaseNotFoundError(`lease ${missing.lease} not found`)
    }
    const changes = this.#mvcc.apply(operations)
    const revision = changes[0]?.revision
    await this.#commits.submit({ entries: changes.map((change) => ({ do: 'append', change })), revision, undo: () => this.#mvcc.undo(changes) })
    return { ok: true, revision: revision ?? this.#mvcc.durable, previous: found }
  }

  /** Waits until all that was submitted so far is on disk: what was decided on it can be told. */
  #settled(): Promise<void> {
    return this.#commits.submit({ entries: [], undo() {} })
  }

  watch(start: string, end: string, options: WatchOptions): AsyncIterable<WatchBatch> {
    this.#assertOpen()
    return this.#watches.watch(start, end, options)
  }

  async compact(revision: number): Promise<void> {
    this.#assertOpen()
    if (revision > this.#mvcc.durable) throw new FutureRevisionError(`revision ${revision} is a future revision: the newest is ${this.#mvcc.durable}`)
    if (revision <= this.#mvcc.compacted) throw new CompactedError(this.#mvcc.compacted)
    const before = this.#mvcc.compacted
    this.#mvcc.compacted = revision
    await this.#commits.submit({ entries: [{ do: 'compact', revision }], undo: () => { this.#mvcc.compacted = before } })
    // Only when the disk knows that the history begins later may rows of it go. Each turn awaits the disk, so that writers and readers come in between.
    while (!this.#closing.signal.aborted) {
      const rows = this.#mvcc.sweep(sweepChanges)
      if (!rows && this.#garbage.length === 0) return
      const seqs = [...this.#garbage.splice(0, sweepChanges), ...rows ?? []]
      await this.#commits.submit({ entries: [{ do: 'forget', seqs }], undo: () => this.#garbage.push(...seqs) })
    }
  }

  async grantLease(ttlSeconds: number, id = String(randomInt(1, 2 ** 47))): Promise<Lease> {
    this.#assertOpen()
    if (!(Number.isSafeInteger(ttlSeconds) && ttlSeconds > 0)) throw new TypeError(`a lease lasts a whole number of seconds from 1, not ${ttlSeconds}`)
    if (!/^[1-9]\d{0,18}$/.test(id)) throw new TypeError(`a lease's id is a positive int64, not ${JSON.stringify(id)}`)
    if (this.#leases.has(id)) throw new LeaseExistsError(`lease ${id} already exists`)
    const lease = { id, ttlSeconds }
    this.#leases.add(this.#entry(lease))
    this.#expiry.changed()
    await this.#commits.submit({ entries: [{ do: 'grant', lease }], undo: () => this.#leases.remove(id) })
    return lease
  }

  async keepAlive(id: string): Promise<Lease> {
    this.#assertOpen()
    const entry = this.#lease(id)
    entry.expiresAt = this.#entry(entry).expiresAt
    return { id, ttlSeconds: entry.ttlSeconds }
  }

  async revokeLease(id: string): Promise<void> {
    this.#assertOpen()
    const entry = this.#lease(id)
    const changes = this.#mvcc.apply([...entry.keys].sort().map((key) => ({ key, value: undefined })))
    this.#leases.remove(id)
    const entries: LogEntry[] = [...changes.map((change) => ({ do: 'append' as const, change })), { do: 'revoke', id }]
    const undo = (): void => {
      this.#leases.add(entry)
      this.#mvcc.undo(changes)
    }
    await this.#commits.submit({ entries, revision: changes[0]?.revision, undo })
  }

  #lease(id: string) {
    const entry = this.#leases.get(id)
    if (!entry) throw new LeaseNotFoundError(`lease ${id} not found`)
    return entry
  }

  #entry({ id, ttlSeconds }: Lease) {
    return { id, ttlSeconds, expiresAt: this.#clock.monotonic() + ttlSeconds * 1000, keys: new Set<string>() }
  }

  /** The newest state as a file that `restoreSnapshot` reads: complete and on disk when this resolves, or absent. Writes go on meanwhile, and are not in it. */
  async snapshot(file: string): Promise<void> {
    this.#assertOpen()
    const state: LogState = { compacted: this.#mvcc.durable, leases: this.#leases.all(), changes: this.#mvcc.snapshot() }
    await writeHistory(file, state)
  }

  async sizeBytes(): Promise<number> {
    this.#assertOpen()
    return this.#log.sizeBytes()
  }

  /** Lets what was submitted reach the disk, ends every watch, and gives the directory back. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    await this.#expiring
    await this.#commits.idle()
    this.#watches.close()
    try {
      this.#log.close()
    } finally {
      this.#release()
    }
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new StoreUnavailableError('the store is closed')
  }
}

const single = (outcome: Outcome): WriteResult => (outcome.ok ? { ok: true, revision: outcome.revision, previous: outcome.previous[0] } : outcome)
