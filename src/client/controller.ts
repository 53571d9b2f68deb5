/**
 * The one reconcile loop. A controller is a `Reconciler`: which objects concern it, and a pure function from what is wanted and what is
 * there to a list of actions. The loop queues keys, plans, executes, and plans a key again only after the informers have seen what was
 * written for it. Mirrors what every controller of upstream's repeats: informer handlers, work queue, processNextWorkItem, expectations.
 */
import type { Clock } from '../api/clock.ts'
import type { Kind } from '../api/kinds.ts'
import type { KubeObject } from '../api/meta.ts'
import type { Random } from '../api/random.ts'
import type { Action } from './action.ts'
import type { Client } from './client.ts'
import type { Log } from './component.ts'
import type { Events } from './events.ts'
import type { Index, Selection } from './informer.ts'
import type { Informers } from './informers.ts'

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
  /** Keys to look at once at the start, for what must be there even if nothing is. */
  initialKeys?: readonly string[]
  /** What is to be done for a key, in this order. Must not change what it reads. Throwing retries with back-off. */
  plan(key: string, world: World): readonly (Action | Own)[] | Promise<readonly (Action | Own)[]>
  executors?: { [V in Own['do']]: (action: Extract<Own, { do: V }>, signal: AbortSignal) => Promise<void> }
}

/** A `Watch` whose functions know the type of the kind's objects. */
export const watching = <T extends KubeObject>(kind: Kind<T>, keysOf: Watch<T>['keysOf'], options: Pick<Watch<T>, 'selection' | 'matters'> = {}): Watch =>
  ({ kind, keysOf, ...options })
