import { StorageError } from '../store.ts'
import type { Clock } from './clock.ts'
import type { Log, LogEntry, LogState } from './log.ts'

/** A group ends at so many entries, so many bytes, or so much time: long enough to share one fsync, short enough not to hold up the event loop. */
const groupEntries = 256
const groupBytes = 4 << 20
const groupMilliseconds = 5

/** Something to be made durable, already applied in memory. Without entries it only waits for what was submitted before it. */
export interface Submission {
  readonly entries: readonly LogEntry[]
  /** The revision that its changes made; undefined if it has none. */
  readonly revision?: number | undefined
  /** Takes it back from memory. Called for the newest submission first. */
  undo(): void
}

interface Waiting extends Submission {
  resolve(): void
  reject(error: Error): void
}

export interface GroupCommitOptions {
  log: Log
  clock: Pick<Clock, 'monotonic'>
  /** All changes up to `revision` are on disk; called before the promises of their writers resolve. */
  onDurable(revision: number): void
  /** What is on disk, as memory knows it: to rebuild a log that failed. */
  state(): LogState
}

/** Puts submissions on disk in their order, many with one fsync. While one group waits for the disk, the next one gathers. */
export class GroupCommit {
  readonly #options: GroupCommitOptions
  readonly #queue: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(options: GroupCommitOptions) {
    this.#options = options
  }

  /**
   * Resolves when it, and everything submitted before it, is on disk. Rejects with StorageError when the disk refuses: then its group, and all
   * that was submitted since (it may have been decided on what is now undone), is undone and rejected too. The next submission is tried anew.
   */
  submit(submission: Submission): Promise<void> {
    if (submission.entries.length === 0 && this.#running === undefined) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#queue.push({ entries: submission.entries, revision: submission.revision, undo: () => submission.undo(), resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing waits for the disk any more. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    await Promise.resolve() // Whoever else submits in this turn of the event loop shares the group.
    while (this.#queue.length > 0) await this.#group()
    this.#running = undefined
  }

  async #group(): Promise<void> {
    const { log, onDurable, state } = this.#options
    let taken: number
    try {
      if (log.failed) await log.rebuild(state())
      taken = this.#write(log)
    } catch (error) {
      this.#fail(error)
      return
    }
    const group = this.#queue.slice(0, taken)
    try {
      if (group.some(({ entries }) => entries.length > 0)) await log.sync()
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#queue.splice(0, taken)
    const newest = group.findLast(({ revision }) => revision !== undefined)?.revision
    if (newest !== undefined) onDurable(newest)
    for (const { resolve } of group) resolve()
    await log.maintain()
  }

  /** Writes the head of the queue as one transaction; returns how many submissions it holds. */
  #write(log: Log): number {
    const started = this.#options.clock.monotonic()
    let entries = 0
    let bytes = 0
    let taken = 0
    try {
      for (const submission of this.#queue) {
        for (const entry of submission.entries) {
          if (entries === 0) log.begin()
          log.write(entry)
          entries += 1
          bytes += entry.do === 'append' ? entry.change.item?.value.byteLength ?? 0 : 0
        }
        taken += 1
        if (entries >= groupEntries || bytes >= groupBytes || this.#options.clock.monotonic() - started >= groupMilliseconds) break
      }
      if (entries > 0) log.commit()
      return taken
    } catch (error) {
      log.rollback()
      throw error
    }
  }

  #fail(cause: unknown): void {
    const error = new StorageError(`the disk refused the write, and nothing of it was applied: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    const waiting = this.#queue.splice(0)
    for (const { undo } of waiting.toReversed()) undo()
    for (const { reject } of waiting) reject(error)
  }
}
