import { CompactedError, FutureRevisionError, type KeyValue, type RangeOptions, type RangeResult } from '../store.ts'
import { type Change, itemAt } from './change.ts'
import { History } from './history.ts'
import { byteOrder } from './key-order.ts'
import type { LeaseTable } from './lease-table.ts'
import { OrderedIndex } from './ordered-index.ts'

/** What one operation makes of its key: a value, or undefined for "deleted". */
export interface Write { key: string; value: Uint8Array | undefined; lease?: string | undefined }

/**
 * Every key's values since the last compaction, in memory. Writes are applied when they are submitted and count for comparisons from then on, but reads end at
 * `durable`: what the disk has not confirmed is nobody's to see, and `undo` takes it back without a trace.
 */
export class Mvcc {
  readonly history = new History()
  readonly #index = new OrderedIndex<Change>()
  readonly #leases: LeaseTable
  #newest = 1
  #seq = 0
  /** The newest revision that is on disk. A new store is at 1, as etcd. */
  durable = 1
  compacted = 0

  constructor(leases: LeaseTable) {
    this.#leases = leases
  }

  /** The key as of the newest write, on disk or not. */
  pending(key: string): KeyValue | undefined {
    return this.#index.get(byteOrder(key))?.item
  }

  /** Applies the writes at one new revision. Deletions of what is not there change nothing; if nothing changes there is no new revision. */
  apply(writes: readonly Write[]): Change[] {
    const revision = this.#newest + 1
    const changes: Change[] = []
    for (const { key, value, lease } of writes) {
      const order = byteOrder(key)
      const older = this.#index.get(order)
      if (value === undefined && older?.item === undefined) continue
      const item = value && { key, value, createRevision: older?.item?.createRevision ?? revision, modRevision: revision, version: (older?.item?.version ?? 0) + 1, ...(lease !== undefined && { lease }) }
      const change = { key, order, revision, seq: ++this.#seq, item, older }
      this.#put(change)
      changes.push(change)
    }
    if (changes.length > 0) this.#newest = revision
    return changes
  }

  /** Takes the newest changes back; call with the newest group of changes first. */
  undo(changes: readonly Change[]): void {
    for (const change of changes.toReversed()) {
      this.#leases.move(change, change.older)
      // A deletion that compaction has swept meanwhile leaves nothing to go back to.
      if (change.older?.item || (change.older && change.older.revision >= this.compacted)) this.#index.set(change.older)
      else this.#index.delete(change.order)
      this.history.pop()
      this.#newest = change.revision - 1
      this.#seq = change.seq - 1
    }
  }

  /** Takes a change back from the log, in its order there. */
  restore(change: Omit<Change, 'order' | 'older'>): void {
    const order = byteOrder(change.key)
    this.#put({ ...change, order, older: this.#index.get(order) })
    this.#seq = change.seq
    this.#newest = this.durable = Math.max(this.durable, change.revision)
  }

  /** As after `compact(revision)`; the counter is at least there, for stores restored from a snapshot. */
  restoreCompacted(revision: number): void {
    this.compacted = revision
    this.#newest = this.durable = Math.max(this.durable, revision)
  }

  #put(change: Change): void {
    this.#leases.move(change.older, change)
    this.#index.set(change)
    this.history.append(change)
  }

  /** Throws CompactedError or FutureRevisionError. */
  range(start: string, end: string, { revision, limit = 0, countOnly = false }: RangeOptions = {}): RangeResult {
    const at = this.#readable(revision)
    const items: KeyValue[] = []
    let count = 0
    const wanted = countOnly ? 0 : limit || Number.POSITIVE_INFINITY
    this.#index.walk(byteOrder(start), byteOrder(end), (newest) => {
      const item = itemAt(newest, at)
      if (!item) return
      if (count < wanted) items.push(item)
      count += 1
    })
    return { revision: this.durable, items, count, more: !countOnly && count > items.length }
  }

  /** Throws as `range`. */
  get(key: string, revision?: number): KeyValue | undefined {
    const at = this.#readable(revision)
    const newest = this.#index.get(byteOrder(key))
    return newest && itemAt(newest, at)
  }

  #readable(revision = 0): number {
    if (revision <= 0) return this.durable
    if (revision > this.durable) throw new FutureRevisionError(`required revision ${revision} is a future revision: the newest is ${this.durable}`)
    if (revision < this.compacted) throw new CompactedError(this.compacted)
    return revision
  }

  /**
   * Forgets up to `limit` changes that compaction made needless, and returns the rows that no longer matter, or undefined when there are none left.
   * What the events of the compacted revision itself replaced is kept: a watch may still begin there.
   */
  sweep(limit: number): number[] | undefined {
    const floor = this.compacted - 1
    const rows: number[] = []
    for (let swept = 0; swept < limit; swept += 1) {
      const change = this.history.shiftUpTo(floor)
      if (!change) return swept === 0 ? undefined : rows
      if (change.older) rows.push(change.older.seq)
      change.older = undefined
      if (change.item) continue
      rows.push(change.seq)
      if (this.#index.get(change.order) === change) this.#index.delete(change.order)
    }
    return rows
  }

  /** All keys as of the newest revision on disk, as first changes of a new history: in the order of their revisions, numbered anew. */
  snapshot(): Change[] {
    const items = [...this.#index].flatMap((newest) => itemAt(newest, this.durable) ?? [])
    return items.sort((a, b) => a.modRevision - b.modRevision)
      .map((item, index) => ({ key: item.key, order: byteOrder(item.key), revision: item.modRevision, seq: index + 1, item, older: undefined }))
  }

  /** Everything on disk that matters, in the order of its rows. */
  durableChanges(): Change[] {
    const changes: Change[] = []
    for (const newest of this.#index)
      for (let change: Change | undefined = newest; change; change = change.older) if (change.revision <= this.durable) changes.push(change)
    return changes.sort((a, b) => a.seq - b.seq)
  }
}
