/**
 * Runs one informer: list, then watch from there, for ever. An expired resource version lists anew; a broken line goes on from the last version seen.
 * Mirrors client-go `tools/cache/reflector.go`, with two changes: lists are always consistent reads (upstream asks its cache first), and the back-off starts
 * at 0.1 s and ends at 5 s (upstream: 0.8 s, 30 s), because an API server here is back within a second or two.
 */
import type { Clock } from '../api/clock.ts'
import type { Kind } from '../api/kinds.ts'
import { type KubeObject, keyOf } from '../api/meta.ts'
import type { Random } from '../api/random.ts'
import { isExpired } from '../api/status.ts'
import { type Backoff, exponentialBackoff } from './backoff.ts'
import { ChangeFeed } from './change-feed.ts'
import type { Client, WatchEvent } from './client.ts'
import type { Log } from './component.ts'
import type { Change, Informer, Lister, Selection } from './informer.ts'
import { ObjectCache } from './object-cache.ts'
import { compareResourceVersions, newerResourceVersion } from './resource-version.ts'

export interface InformerContext {
  client: Client
  clock: Clock
  random: Random
  log: Log
}

/** Starts an informer of its own, which runs until `signal` aborts. Components share theirs through `sharedInformers`. */
export const startInformer = <T extends KubeObject>(context: InformerContext, of: { kind: Kind<T>; selection?: Selection }, signal: AbortSignal): Informer<T> => {
  const reflector = new Reflector(context, of, signal)
  void reflector.run()
  return reflector
}

interface Waiter {
  holds(): boolean
  resolve(): void
  /** A list that is asked for later answers it, whatever its version: it is a consistent read (and after a restored backup versions begin lower). */
  listAnswers: boolean
}

class Reflector<T extends KubeObject> implements Informer<T> {
  readonly kind: Kind<T>
  readonly selection: Selection
  readonly synced: Promise<void>
  readonly #context: InformerContext
  readonly #signal: AbortSignal
  readonly #cache = new ObjectCache<T>()
  readonly #feeds = new Set<ChangeFeed<T>>()
  readonly #waiters = new Set<Waiter>()
  readonly #firstList = Promise.withResolvers<void>()
  readonly #backoff: Backoff
  #seen = ''
  #listed = false
  #troubled = false

  constructor(context: InformerContext, { kind, selection = {} }: { kind: Kind<T>; selection?: Selection }, signal: AbortSignal) {
    this.kind = kind
    this.selection = selection
    this.#context = context
    this.#signal = signal
    this.#backoff = exponentialBackoff({ base: 100, cap: 5_000, random: context.random })
    this.synced = this.#firstList.promise
    this.synced.catch(() => {}) // whoever waits for it hears of it; nobody has to
  }

  get lister(): Lister<T> { return this.#cache }
  resourceVersion(): string { return this.#seen }

  async *changes(signal: AbortSignal): AsyncGenerator<Change<T>> {
    const feed = new ChangeFeed<T>(this.#cache, this.#cache.keys())
    this.#feeds.add(feed)
    try { yield* feed.read(AbortSignal.any([signal, this.#signal])) } finally { this.#feeds.delete(feed) }
  }

  waitFor(resourceVersion: string, signal: AbortSignal): Promise<void> {
    return this.#wait(() => this.#listed && compareResourceVersions(this.#seen, resourceVersion) >= 0, { listAnswers: true, signal })
  }

  waitUntil(condition: (lister: Lister<T>) => boolean, signal: AbortSignal): Promise<void> {
    return this.#wait(() => condition(this.#cache), { listAnswers: false, signal })
  }

  async #wait(holds: () => boolean, { listAnswers, signal }: { listAnswers: boolean; signal: AbortSignal }): Promise<void> {
    if (holds()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const abort = () => reject(signal.aborted ? signal.reason : this.#signal.reason)
    const waiter: Waiter = { holds, resolve, listAnswers }
    this.#waiters.add(waiter)
    const signals = [signal, this.#signal]
    for (const each of signals) each.addEventListener('abort', abort)
    try {
      if (signals.some(({ aborted }) => aborted)) abort()
      await promise
    } finally {
      this.#waiters.delete(waiter)
      for (const each of signals) each.removeEventListener('abort', abort)
    }
  }

  async run(): Promise<void> {
    const { clock } = this.#context
    while (!this.#signal.aborted) {
      try {
        if (!this.#listed) await this.#list()
        const began = clock.monotonic()
        const events = await this.#watch()
        // A server that ends every watch at once must not be asked in a busy loop.
        if (events === 0 && clock.monotonic() - began < 1_000) await this.#pause()
      } catch (error) {
        if (this.#signal.aborted) break
        if (isExpired(error)) this.#listed = false
        else this.#report(error)
        if (!isExpired(error) || this.#troubled) await this.#pause()
        else this.#troubled = true
      }
    }
    this.#firstList.reject(this.#signal.reason)
  }

  #pause(): Promise<void> {
    return this.#context.clock.sleep(this.#backoff.next(), this.#signal).catch(() => {}) // aborted: the loop's condition sees it
  }

  /** The first failure of a row is worth a line, the others are not. */
  #report(error: unknown): void {
    const message = `cannot list and watch ${this.kind.plural}: ${error instanceof Error ? error.message : String(error)}`
    this.#context.log[this.#troubled ? 'debug' : 'warn'](message, { kind: this.kind.kind, ...this.selection })
    this.#troubled = true
  }

  #worked(): void {
    this.#backoff.reset()
    this.#troubled = false
  }

  async #list(): Promise<void> {
    const answered = [...this.#waiters].filter(({ listAnswers }) => listAnswers)
    const { items, resourceVersion } = await this.#context.client.list(this.kind, { ...this.selection, signal: this.#signal })
    const gone = new Set(this.#cache.keys())
    for (const object of items) {
      gone.delete(keyOf(object))
      this.#put(object)
    }
    for (const key of gone) this.#remove(key)
    this.#seen = resourceVersion
    this.#listed = true
    this.#firstList.resolve()
    for (const waiter of answered) waiter.resolve()
    this.#wakeWaiters()
  }

  /** One watch, until it ends; resolves with the number of events. */
  async #watch(): Promise<number> {
    const { client, random } = this.#context
    const timeoutSeconds = Math.floor(300 * (1 + random.next())) // as client-go's: watches end and begin anew, spread over time
    let events = 0
    for await (const event of client.watch(this.kind, { ...this.selection, resourceVersion: this.#seen, timeoutSeconds, signal: this.#signal })) {
      if (events++ === 0) this.#worked()
      this.#apply(event)
    }
    return events
  }

  #apply(event: WatchEvent<T>): void {
    if (event.type === 'DELETED') this.#remove(keyOf(event.object))
    else if (event.type !== 'BOOKMARK') this.#put(event.object)
    this.#seen = newerResourceVersion(this.#seen, event.object.metadata.resourceVersion)
    this.#wakeWaiters()
  }

  #put(object: T): void {
    const known = this.#cache.get(keyOf(object))
    // A list after an expired watch brings most objects unchanged: keep those that we have, so that nobody hears of them.
    if (known?.metadata.uid === object.metadata.uid && known.metadata.resourceVersion === object.metadata.resourceVersion) return
    const previous = this.#cache.put(object)
    for (const feed of this.#feeds) feed.changed(keyOf(object), previous)
  }

  #remove(key: string): void {
    const previous = this.#cache.delete(key)
    if (previous) for (const feed of this.#feeds) feed.changed(key, previous)
  }

  #wakeWaiters(): void {
    for (const waiter of this.#waiters) if (waiter.holds()) waiter.resolve()
  }
}
