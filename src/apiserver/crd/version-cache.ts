/**
 * The instances of a definition in one version: what clients of that version read and watch. Follows the raw cache. Where a webhook converts, it is asked
 * when somebody wants to read, and is asked again at every reading until it succeeds. Mirrors that upstream keeps a storage for each version (customresource_handler.go).
 */
import type { Kind } from '../../api/kinds.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import { type Batch, type Change, type Follower, KindCache, type StoredItem, type Watcher } from '../watch-cache/kind-cache.ts'
import type { RawCache } from './raw-cache.ts'

/** Stored objects as objects of a version, in the same order; in a moment, unless a webhook has to be asked. Throws or rejects with the StatusError for a reader. */
export type ReadObjects = (stored: readonly CachedObject[]) => readonly CachedObject[] | Promise<readonly CachedObject[]>

type Work = { do: 'change'; change: Change } | { do: 'reset'; revision: number; silent: boolean }
const isPending = <T>(value: T | Promise<T>): value is Promise<T> => value instanceof Promise
const chunkSize = 500

export class VersionCache extends KindCache implements Follower {
  private readonly raw: RawCache
  private readonly monotonic: () => number
  private readonly stopFollowing: () => void
  private readObjects: ReadObjects
  /** What is still to be taken in, in order. */
  private work: Work[] = []
  private working: Promise<void> | undefined
  /** Whether anybody has read yet: before, a webhook is not asked. */
  private wanted: boolean

  constructor(kind: Kind, parts: { raw: RawCache; read: ReadObjects; lazy: boolean; monotonic: () => number }) {
    super(kind, parts.raw.prefix)
    this.raw = parts.raw
    this.readObjects = parts.read
    this.monotonic = parts.monotonic
    this.wanted = !parts.lazy
    this.stopFollowing = this.raw.follow(this)
    this.reset([], this.raw.changedAt)
  }

  /** From now on objects are read in another way: those that are here too. No watcher is told. */
  readWith(read: ReadObjects): void {
    this.readObjects = read
    this.work = [{ do: 'reset', revision: this.raw.changedAt, silent: this.wanted }]
    if (this.wanted) this.settleInBackground()
  }

  /** Ends all watches: this version is served no more. */
  close(): void {
    this.stopFollowing()
    this.expire()
  }

  change(change: Change, at: Batch): void {
    if (!this.wanted) return
    this.work.push({ do: 'change', change })
    this.settleInBackground(at)
  }

  override reset(_objects: readonly CachedObject[], revision: number): void {
    this.work = [{ do: 'reset', revision, silent: false }]
    if (this.wanted) this.settleInBackground()
  }

  private settleInBackground(at?: Batch): void {
    // Whoever waits for an event that cannot be read must begin anew, and is told why.
    this.advance(at)?.catch(() => this.expire())
  }

  override shown(told: number): number {
    const [first] = this.work
    if (!first) return told
    return Math.min(told, first.do === 'change' ? first.change.revision - 1 : this.changedAt)
  }

  override settled(): Promise<void> | undefined {
    this.wanted = true
    return this.advance(undefined)
  }

  /** `at`: the batch that what is done at once belongs to. */
  private advance(at: Batch | undefined): Promise<void> | undefined {
    while (!this.working && this.work[0]) {
      const pending = this.step(this.work[0], at)
      if (pending) this.working = pending.finally(() => { this.working = undefined })
      else this.work.shift()
    }
    return this.working?.then(() => this.advance(undefined))
  }

  /** Undefined when it is done; otherwise, done and taken off the list when it resolves. */
  private step(work: Work, at: Batch | undefined): Promise<void> | undefined {
    const objects = work.do === 'reset' ? this.raw.list('').map((slot) => slot.current) : work.change.current ? [work.change.current] : []
    const read = this.readInChunks(objects)
    if (!isPending(read)) {
      this.finish(work, read, at)
      return undefined
    }
    return read.then((done) => {
      if (this.work[0] !== work) return
      this.finish(work, done, undefined)
      this.work.shift()
    })
  }

  private readInChunks(objects: readonly CachedObject[]): readonly CachedObject[] | Promise<readonly CachedObject[]> {
    if (objects.length <= chunkSize) return this.readObjects(objects)
    const chunks = Array.from({ length: Math.ceil(objects.length / chunkSize) }, (_, index) => this.readObjects(objects.slice(index * chunkSize, (index + 1) * chunkSize)))
    return chunks.some(isPending) ? Promise.all(chunks).then((done) => done.flat()) : (chunks as (readonly CachedObject[])[]).flat()
  }

  private finish(work: Work, objects: readonly CachedObject[], batch: Batch | undefined): void {
    if (work.do === 'reset') {
      if (work.silent) this.replaceAll(objects)
      else super.reset(objects, work.revision)
      return
    }
    const at: Batch = batch ?? { now: this.monotonic(), touched: new Set<Watcher>() }
    this.take({ ...work.change, current: objects[0] }, at)
    if (!batch) for (const watcher of at.touched) watcher.flush()
  }

  override read(items: readonly StoredItem[]): readonly CachedObject[] | Promise<readonly CachedObject[]> {
    return this.readObjects(items.map((item) => this.raw.decode(item, undefined)))
  }
}
