/**
 * The one reconcile loop. A controller is a `Reconciler`: which objects concern it, and a pure function from what is wanted and what is
 * there to a list of actions. The loop queues keys, plans, executes, and plans a key again only after the informers have seen what was
 * written for it. Mirrors what every controller of upstream's repeats: informer handlers, work queue, processNextWorkItem, expectations.
 */
import type { Clock } from '../api/clock.ts'
import { type Kind, groupResource } from '../api/kinds.ts'
import type { KubeObject } from '../api/meta.ts'
import type { Random } from '../api/random.ts'
import { StatusError, isConflict, isNotFound } from '../api/status.ts'
import type { Action } from './action.ts'
import type { Client } from './client.ts'
import type { Log } from './component.ts'
import type { Events } from './events.ts'
import { type Execution, type Written, executeAction } from './execute-action.ts'
import type { Index, Informer, Lister, Selection } from './informer.ts'
import type { Informers } from './informers.ts'
import { type WorkQueue, workQueue } from './work-queue.ts'

/** What every controller is given. */
export interface Cluster {
  client: Client
  informers: Informers
  clock: Clock
  random: Random
  log: Log
  events: Events
}

/** The cluster as the informers know it, synchronously; of the kinds that the reconciler watches or `reads`. Objects are shared: copy before changing. */
export interface World {
  readonly now: Date
  get<T extends KubeObject>(kind: Kind<T>, key: string): T | undefined
  list<T extends KubeObject>(kind: Kind<T>, namespace?: string): readonly T[]
  byIndex<T extends KubeObject>(kind: Kind<T>, index: Index<T>, value: string): readonly T[]
  /** Whether the kind's first list has come; before, nothing of it is there, which says nothing. Matters only to those with `patienceMilliseconds`. */
  knows(kind: Kind): boolean
}

/** One kind whose changes concern a reconciler. Make it with `watching`. */
export interface Watch<T extends KubeObject = KubeObject> {
  kind: Kind<T>
  selection?: Selection
  /**
   * The keys to look at again. Asked for the object as it is now and, when it changed or is gone, as it was before
   * (so an object that moves from one owner to another wakes both).
   */
  keysOf(object: T, world: World): Iterable<string>
  /** Changes that do not matter are dropped here; `object` is absent when it is gone, `previous` when it is new. Default: all matter. */
  matters?(object: T | undefined, previous: T | undefined): boolean
}

/** `Own`: actions of this reconciler alone, for what is not the API server (a cloud); it brings their executors. */
export interface Reconciler<Own extends { do: string } = never> {
  /** As upstream names the source of its events: `deployment-controller`. */
  name: string
  watches: readonly Watch[]
  /** Kinds that `plan` reads without being woken by them. */
  reads?: readonly Kind[]
  /** How many keys at a time; default 5, as upstream's. */
  concurrency?: number
  /** Begins after so long with the kinds that are known by then: a kind whose lists fail must not stop what concerns all others. Default: waits for all. */
  patienceMilliseconds?: number
  /** Keys to look at once at the start, for what must be there even if nothing is. */
  initialKeys?: readonly string[]
  /** What is to be done for a key, in this order. Must not change what it reads. Throwing retries with back-off. */
  plan(key: string, world: World): readonly (Action | Own)[] | Promise<readonly (Action | Own)[]>
  executors?: { [V in Own['do']]: (action: Extract<Own, { do: V }>, signal: AbortSignal) => Promise<void> }
}

/** A `Watch` whose functions know the type of the kind's objects. */
export const watching = <T extends KubeObject>(kind: Kind<T>, keysOf: Watch<NoInfer<T>>['keysOf'], options: Pick<Watch<NoInfer<T>>, 'selection' | 'matters'> = {}): Watch =>
  ({ kind, keysOf, ...options })

/**
 * Runs a reconciler until `signal` aborts. A plan that throws, and an action that the server refuses, are retried with the key's back-off;
 * a Conflict or NotFound quietly (somebody was faster: the next plan sees what they did), anything else with a line in the log.
 */
export const runController = async <Own extends { do: string } = never>(reconciler: Reconciler<Own>, cluster: Cluster, signal: AbortSignal): Promise<void> => {
  const queue = workQueue<string>(cluster.clock, signal)
  const world = worldOf(reconciler, cluster)
  const informers = [...reconciler.watches.map(({ kind, selection }) => cluster.informers.of(kind, selection)), ...(reconciler.reads ?? []).map((kind) => cluster.informers.of(kind))]
  const unknown = await firstLists(informers, reconciler, { clock: cluster.clock, signal })
  if (signal.aborted) return
  if (unknown.length > 0) cluster.log.warn(`${reconciler.name}: begins without what cannot be listed: ${unknown.join(', ')}`)
  for (const key of reconciler.initialKeys ?? []) queue.add(key)
  const worker = async (): Promise<void> => {
    for (let key = await queue.get(signal); key !== undefined; key = await queue.get(signal)) await reconcile({ reconciler, cluster, queue, world, signal }, key)
  }
  await Promise.all([
    ...reconciler.watches.map((watch) => enqueueChanges(watch, { cluster, queue, world, signal })),
    ...Array.from({ length: reconciler.concurrency ?? 5 }, worker),
  ])
}

/**
 * Resolves with the kinds of which no list has come although there was patience for it; at once when `signal` aborts: a kind that was there for a
 * moment only, as definitions made by mistake are, never has a list.
 */
const firstLists = async (informers: readonly Informer<KubeObject>[], { patienceMilliseconds }: Pick<Reconciler, 'patienceMilliseconds'>, { clock, signal }: { clock: Clock; signal: AbortSignal }): Promise<string[]> => {
  const stop = new AbortController()
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true, signal: stop.signal })
  })
  const patience = patienceMilliseconds === undefined ? [] : [clock.sleep(patienceMilliseconds, AbortSignal.any([signal, stop.signal])).catch(() => undefined)]
  try {
    await Promise.race([Promise.all(informers.map(({ synced }) => synced)), aborted, ...patience])
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stop.abort()
  }
  return informers.filter((informer) => informer.resourceVersion() === '').map(({ kind }) => groupResource(kind))
}

interface Loop<Own extends { do: string }> {
  reconciler: Reconciler<Own>
  cluster: Cluster
  queue: WorkQueue<string>
  world: World
  signal: AbortSignal
}

const enqueueChanges = async (watch: Watch, { cluster, queue, world, signal }: Pick<Loop<never>, 'cluster' | 'queue' | 'world' | 'signal'>): Promise<void> => {
  for await (const { object, previous } of cluster.informers.of(watch.kind, watch.selection).changes(signal)) {
    if (watch.matters && !watch.matters(object, previous)) continue
    for (const each of [object, previous]) if (each) for (const key of watch.keysOf(each, world)) queue.add(key)
  }
}

const worldOf = (reconciler: Pick<Reconciler, 'name' | 'watches' | 'reads'>, { informers, clock }: Cluster): World => {
  const known = new Map([...reconciler.watches, ...(reconciler.reads ?? []).map((kind) => ({ kind, selection: {} }))]
    .map(({ kind, selection }) => [groupResource(kind), informers.of(kind, selection)] as const))
  const lister = <T extends KubeObject>(kind: Kind<T>): Lister<T> => {
    const found = known.get(groupResource(kind))
    if (!found) throw new Error(`${reconciler.name} neither watches nor reads ${kind.plural}: list the kind in its \`watches\` or \`reads\``)
    return found.lister as Lister<T>
  }
  return {
    get now() { return clock.now() },
    get: (kind, key) => lister(kind).get(key),
    list: (kind, namespace) => lister(kind).list(namespace),
    byIndex: (kind, index, value) => lister(kind).byIndex(index, value),
    knows: (kind) => (known.get(groupResource(kind))?.resourceVersion() ?? '') !== '',
  }
}

const reconcile = async <Own extends { do: string }>({ reconciler, cluster, queue, world, signal }: Loop<Own>, key: string): Promise<void> => {
  const writes: Written[] = []
  let after: number | undefined
  const execution: Execution = {
    client: cluster.client, recorder: cluster.events.from(reconciler.name), signal,
    requeueAfter: (milliseconds) => { after = Math.min(after ?? Infinity, milliseconds) },
    wrote: (written) => writes.push(written),
  }
  try {
    for (const action of await reconciler.plan(key, world)) await perform(reconciler, action, execution)
    queue.forget(key)
    if (after !== undefined) queue.addAfter(key, after)
  } catch (error) {
    if (!signal.aborted) retry({ reconciler, cluster, queue }, key, error)
  } finally {
    await Promise.all(writes.map((written) => seen(written, cluster.informers, signal))).catch(() => {}) // only the end of the run ends this wait early
    queue.done(key)
  }
}

const perform = <Own extends { do: string }>({ executors }: Reconciler<Own>, action: Action | Own, execution: Execution): Promise<void> => {
  const own = executors && Object.hasOwn(executors, action.do) ? executors[action.do as Own['do']] : undefined
  return own ? own(action as Extract<Own, { do: Own['do'] }>, execution.signal) : executeAction(action as Action, execution)
}

const retry = <Own extends { do: string }>({ reconciler, cluster, queue }: Pick<Loop<Own>, 'reconciler' | 'cluster' | 'queue'>, key: string, error: unknown): void => {
  const quiet = isConflict(error) || isNotFound(error)
  const message = error instanceof Error ? error.message : String(error)
  cluster.log[quiet ? 'debug' : 'warn'](`${reconciler.name}: ${key}: ${message}`, { controller: reconciler.name, key, retries: queue.retries(key), ...(error instanceof StatusError ? {} : { stack: error instanceof Error ? error.stack : undefined }) })
  queue.addRateLimited(key)
}

/** Waits in the informers that are certain to hear of the write: those without a selection. */
const seen = async (written: Written, informers: Informers, signal: AbortSignal): Promise<void> => {
  const all = informers.running(written.kind).filter(({ selection }) => Object.keys(selection).length === 0)
  await Promise.all(all.map((informer) => ('gone' in written
    ? informer.waitUntil((lister) => lister.get(written.gone.key)?.metadata.uid !== written.gone.uid, signal)
    : informer.waitFor(written.resourceVersion, signal))))
}
