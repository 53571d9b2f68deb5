/**
 * Where pods wait to be scheduled: active (by the profile's order), in back-off (1 s to 10 s), or unschedulable until an event may help.
 * Mirrors `pkg/scheduler/backend/queue`, SchedulerPopFromBackoffQ (on by default since 1.33) included: while nothing is active, pods are taken out of back-off early,
 * unless they are there because of an error.
 */
import type { Clock } from '../api/clock.ts'
import { deepEqual } from '../api/equal.ts'
import type { Pod } from '../api/types.ts'
import type { ClusterEvent, Plugin, Profile, QueuedPod } from './framework.ts'
import { Heap } from './heap.ts'
import { podInfoOf } from './pod-info.ts'

const initialBackoffMilliseconds = 1_000
const maxBackoffMilliseconds = 10_000
/** So long at most a pod waits for an event: hints may be wrong. */
const maxUnschedulableMilliseconds = 5 * 60_000

/** What the queue knows of a pod that waits, or is being scheduled. */
interface Entry extends QueuedPod {
  attempts: number
  /** How often in all it fitted nowhere, and how often in a row something went wrong: the back-off of each. */
  unfit: number
  errors: number
  /** Plugins that rejected it; empty: every event may help. */
  rejectedBy: ReadonlySet<string>
  gated: boolean
  /** clock.monotonic(). */
  backoffUntil: number
}

export interface Attempt {
  pod: QueuedPod
  /** 1 for the first. */
  attempt: number
}

export interface SchedulingQueue {
  /** A pod without a node, new or changed. */
  put(pod: Pod): void
  /** The pod is gone, or on a node. */
  remove(uid: string): void
  /** The next one; the caller has it until `placed`, `unfit` or `failed`. Undefined when the signal aborts. */
  pop(signal: AbortSignal): Promise<Attempt | undefined>
  placed(uid: string): void
  /** It fits nowhere now: it waits for an event that may help the plugins that rejected it. */
  unfit(uid: string, rejectedBy: ReadonlySet<string>): void
  /** Something went wrong: again after its back-off. */
  failed(uid: string): void
  /** Lets pods that the event may help try again. */
  happened(event: ClusterEvent): void
  readonly lengths: { active: number; backoff: number; unschedulable: number; gated: number }
}

/** Timers end when `signal` aborts. */
export const schedulingQueue = (profile: Profile, clock: Clock, signal: AbortSignal): SchedulingQueue => new PriorityQueue({ profile, clock, signal })

class PriorityQueue implements SchedulingQueue {
  readonly #profile: Profile
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #active: Heap<Entry>
  readonly #backoff: Heap<Entry>
  readonly #unschedulable = new Map<string, Entry>()
  /** Being scheduled, with what happened meanwhile: it may have come too late for this attempt. */
  readonly #inFlight = new Map<string, { entry: Entry; events: ClusterEvent[]; gone: boolean; newest: Pod | undefined }>()
  readonly #waiting = new Set<() => void>()
  #sequence = 0
  #timer = new AbortController()
  #wakesAt = Infinity

  constructor({ profile, clock, signal }: { profile: Profile; clock: Clock; signal: AbortSignal }) {
    this.#profile = profile
    this.#clock = clock
    this.#signal = signal
    const sorter = profile.plugins.find((plugin) => plugin.before)
    if (!sorter?.before) throw new Error(`profile ${profile.schedulerName} has no queueSort plugin`)
    const before = sorter.before.bind(sorter)
    this.#active = new Heap<Entry>({ keyOf: ({ info }) => info.uid, before })
    this.#backoff = new Heap<Entry>({ keyOf: ({ info }) => info.uid, before: (a, b) => a.backoffUntil < b.backoffUntil || (a.backoffUntil === b.backoffUntil && before(a, b)) })
  }

  get lengths(): SchedulingQueue['lengths'] {
    const gated = [...this.#unschedulable.values()].filter((entry) => entry.gated).length
    return { active: this.#active.size, backoff: this.#backoff.size, unschedulable: this.#unschedulable.size - gated, gated }
  }

  put(pod: Pod): void {
    const { uid } = pod.metadata
    const flight = this.#inFlight.get(uid)
    if (flight) {
      flight.events.push({ on: 'Pod', pod, previous: flight.newest ?? flight.entry.info.pod })
      flight.newest = pod
      return
    }
    const entry = this.#active.get(uid) ?? this.#backoff.get(uid) ?? this.#unschedulable.get(uid)
    if (!entry) return this.#enter(this.#entry(pod))
    const previous = entry.info.pod
    const changed: Entry = { ...entry, info: podInfoOf(pod) }
    if (this.#active.get(uid)) this.#active.push(changed)
    else if (this.#backoff.get(uid)) this.#backoff.push(changed)
    else {
      this.#unschedulable.set(uid, changed)
      if (!sameForScheduling(previous, pod)) this.#consider(changed, [{ on: 'Pod', pod, previous }])
    }
  }

  remove(uid: string): void {
    this.#active.remove(uid)
    this.#backoff.remove(uid)
    this.#unschedulable.delete(uid)
    const flight = this.#inFlight.get(uid)
    if (flight) flight.gone = true
  }

  async pop(signal: AbortSignal): Promise<Attempt | undefined> {
    for (;;) {
      if (signal.aborted) return undefined
      const entry = this.#active.pop() ?? this.#early()
      if (entry) {
        entry.attempts++
        this.#inFlight.set(entry.info.uid, { entry, events: [], gone: false, newest: undefined })
        return { pod: entry, attempt: entry.attempts }
      }
      await this.#woken(signal)
    }
  }

  /** The pod that is to leave the back-off next, if it is not there because of an error. */
  #early(): Entry | undefined {
    for (const entry of this.#backoff.values()) if (entry.errors === 0) return this.#backoff.remove(entry.info.uid)
    return undefined
  }

  placed(uid: string): void { this.#inFlight.delete(uid) }

  unfit(uid: string, rejectedBy: ReadonlySet<string>): void {
    this.#land(uid, (entry, events) => {
      const landed: Entry = { ...entry, rejectedBy, unfit: entry.unfit + 1, errors: 0, backoffUntil: this.#clock.monotonic() + backoff(entry.unfit + 1) }
      this.#unschedulable.set(uid, landed)
      this.#schedule(this.#clock.monotonic() + maxUnschedulableMilliseconds)
      this.#consider(landed, events)
    })
  }

  failed(uid: string): void {
    this.#land(uid, (entry) => {
      const errors = entry.errors + 1
      this.#enter({ ...entry, errors, rejectedBy: new Set(), backoffUntil: this.#clock.monotonic() + backoff(errors) })
    })
  }

  #land(uid: string, put: (entry: Entry, events: readonly ClusterEvent[]) => void): void {
    const flight = this.#inFlight.get(uid)
    this.#inFlight.delete(uid)
    if (!flight || flight.gone) return
    const { entry, events, newest } = flight
    put({ ...entry, info: newest ? podInfoOf(newest) : entry.info, queuedAt: this.#clock.monotonic(), sequence: ++this.#sequence }, events)
  }

  happened(event: ClusterEvent): void {
    for (const { events } of this.#inFlight.values()) events.push(event)
    for (const entry of [...this.#unschedulable.values()]) if (!entry.gated) this.#consider(entry, [event])
  }

  /** Lets an unschedulable pod go if one of the events may help. */
  #consider(entry: Entry, events: readonly ClusterEvent[]): void {
    if (events.some((event) => this.#mayHelp(event, entry))) this.#release(entry)
  }

  #mayHelp(event: ClusterEvent, { rejectedBy, info }: Entry): boolean {
    if (rejectedBy.size === 0) return true
    return this.#profile.plugins.some((plugin) => rejectedBy.has(plugin.name) && (plugin.mayHelp?.(event, info.pod) ?? true))
  }

  #release(entry: Entry): void {
    this.#unschedulable.delete(entry.info.uid)
    this.#enter(entry)
  }

  #entry(pod: Pod): Entry {
    return { info: podInfoOf(pod), queuedAt: this.#clock.monotonic(), sequence: ++this.#sequence, attempts: 0, unfit: 0, errors: 0, rejectedBy: new Set(), gated: false, backoffUntil: 0 }
  }

  /** Into the active queue, or into back-off while that lasts; unless a plugin keeps it from being looked at. */
  #enter(entry: Entry): void {
    const gate = this.#gateOf(entry)
    if (gate) this.#unschedulable.set(entry.info.uid, { ...entry, gated: true, rejectedBy: new Set([gate.name]) })
    else if (entry.backoffUntil > this.#clock.monotonic()) {
      this.#backoff.push({ ...entry, gated: false })
      this.#schedule(entry.backoffUntil)
      if (entry.errors === 0) this.#wakeOne()
    } else {
      this.#active.push({ ...entry, gated: false })
      this.#wakeOne()
    }
  }

  #gateOf({ info }: Entry): Plugin | undefined { return this.#profile.plugins.find((plugin) => plugin.preEnqueue && !plugin.preEnqueue(info.pod).fits) }

  #wakeOne(): void { for (const wake of this.#waiting) return wake() }

  #woken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }

  /** One timer for whatever is due next. */
  #schedule(at: number): void {
    if (at >= this.#wakesAt) return
    this.#timer.abort()
    this.#timer = new AbortController()
    this.#wakesAt = at
    const milliseconds = Math.max(0, at - this.#clock.monotonic())
    this.#clock.sleep(milliseconds, AbortSignal.any([this.#signal, this.#timer.signal])).then(() => this.#due(), () => {}) // replaced by an earlier one, or the end
  }

  #due(): void {
    this.#wakesAt = Infinity
    const now = this.#clock.monotonic()
    for (let first = this.#backoff.peek(); first && first.backoffUntil <= now; first = this.#backoff.peek()) {
      this.#backoff.pop()
      this.#enter(first)
    }
    let next = this.#backoff.peek()?.backoffUntil ?? Infinity
    for (const entry of [...this.#unschedulable.values()]) {
      if (entry.gated) continue
      const until = entry.queuedAt + maxUnschedulableMilliseconds
      if (until <= now) this.#release(entry)
      else next = Math.min(next, until)
    }
    if (next < Infinity) this.#schedule(next)
  }
}

const backoff = (times: number): number => Math.min(initialBackoffMilliseconds * 2 ** (times - 1), maxBackoffMilliseconds)

/** Whether a change to a waiting pod is of no interest: only its status, or what the API server keeps for itself. */
const sameForScheduling = (a: Pod, b: Pod): boolean =>
  deepEqual(a.spec, b.spec) && deepEqual(a.metadata.labels, b.metadata.labels) && deepEqual(a.metadata.annotations, b.metadata.annotations)
