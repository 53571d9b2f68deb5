/** The seats of one priority level, and who waits for them. While nobody waits, a request costs a comparison and a sum. */
import type { PriorityLevelConfigurationSpec } from '../../api/types.ts'
import { SeatDemand } from './borrowing.ts'
import { type FairQueue, FairQueues, type Waiting } from './fair-queues.ts'
import { deal, flowHash } from './shuffle-sharding.ts'
import type { SeatLimits } from './shares.ts'

export type Rejection = 'queue-full' | 'concurrency-limit' | 'time-out' | 'cancelled'

/** A request in a queue; `left` resolves once: with its start, or with why it will not. */
export interface Place { readonly left: Promise<'started' | Rejection>; leave(why: Rejection): void; readonly request: Waiting; readonly queue: FairQueue }
export interface Arrival { seats: number; workAfter: number; flow: string; distinguisher: string; arrivedAt: Date }

export class PriorityLevel {
  readonly name: string
  uid = ''
  spec: PriorityLevelConfigurationSpec
  limits: SeatLimits = { nominal: 0, lowest: 0, highest: 0 }
  /** Seats that may be used at the same time now. */
  limit = 0
  seatsInUse = 0
  executing = 0
  /** Gone from the configuration; serves out whom it has. */
  quiescing = false
  readonly demand: SeatDemand
  readonly totals = { dispatched: 0, rejected: 0, 'time-out': 0, cancelled: 0 }
  private queues: FairQueues | undefined

  constructor(name: string, spec: PriorityLevelConfigurationSpec, now: number) {
    this.name = name
    this.spec = spec
    this.demand = new SeatDemand(now)
  }

  get exempt(): boolean { return this.spec.type === 'Exempt' }
  get waiting(): number { return this.queues?.size ?? 0 }
  get idle(): boolean { return this.executing === 0 && this.waiting === 0 }
  get fairQueues(): FairQueues | undefined { return this.queues }
  /** The widest that a request may be, so that a hand of queues is not held up by one. */
  get mostSeats(): number { return Math.ceil(this.limits.nominal / Math.max(1, this.spec.limited?.limitResponse?.queuing?.handSize ?? 1)) }

  configure(spec: PriorityLevelConfigurationSpec, uid: string, now: number): void {
    this.spec = spec
    this.uid = uid
    this.quiescing = false
    const queuing = spec.limited?.limitResponse?.queuing
    if (queuing && this.queues) this.queues.resize(queuing.queues ?? 1)
    else if (queuing) this.queues = new FairQueues(queuing.queues ?? 1, now)
  }

  setLimit(limit: number, now: number): void {
    this.queues?.advance(now, this.limit)
    this.limit = limit
    this.dispatch()
  }

  private fits(seats: number): boolean {
    // What is wider than all there is runs alone.
    return this.exempt || (seats > this.limit ? this.limit > 0 && this.seatsInUse === 0 : this.seatsInUse + seats <= this.limit)
  }

  /** Takes the seats at once, if nobody waits and there are enough. */
  tryStart(seats: number, now: number): boolean {
    if (this.waiting > 0 || !this.fits(seats)) return false
    this.take(seats)
    this.demand.set(this.demand.now + seats, now)
    return true
  }

  private take(seats: number): void {
    this.seatsInUse += seats
    this.executing += 1
    this.totals.dispatched += 1
  }

  /** A place in the least loaded queue of the flow's hand, or why there is none. */
  enqueue(arrival: Arrival, now: number): Place | Rejection {
    const { limited } = this.spec
    const { queues } = this
    const queuing = limited?.limitResponse?.queuing
    if (!queues || !queuing || this.quiescing) return this.reject('concurrency-limit')
    queues.advance(now, this.limit)
    const queue = queues.pick(deal(flowHash(arrival.flow, arrival.distinguisher), queues.deck, Math.min(queuing.handSize ?? 1, queues.deck)))
    if (!queue || queue.waiting.length >= (queuing.queueLengthLimit ?? 50)) return this.reject('queue-full')
    const { promise, resolve } = Promise.withResolvers<'started' | Rejection>()
    const request: Waiting = { ...arrival, start: () => resolve('started') }
    queues.add(queue, request)
    this.demand.set(this.demand.now + arrival.seats, now)
    const leave = (why: Rejection): void => {
      if (!queue.waiting.some((each) => each.request === request)) return
      queues.remove(queue, request)
      this.demand.set(this.demand.now - arrival.seats, this.demand.moment)
      this.reject(why)
      resolve(why)
    }
    this.dispatch()
    return { left: promise, leave, request, queue }
  }

  private reject(why: Rejection): Rejection {
    if (why === 'time-out' || why === 'cancelled') this.totals[why] += 1
    this.totals.rejected += 1
    return why
  }

  /** Gives the seats back, and to whom is next. */
  finish(seats: number, now: number, place?: { request: Waiting; queue: FairQueue; startedAt: number }): void {
    this.queues?.advance(now, this.limit)
    if (place) this.queues?.finish(place.queue, place.request, now - place.startedAt)
    this.seatsInUse -= seats
    this.executing -= 1
    this.demand.set(this.demand.now - seats, now)
    if (this.waiting > 0) this.dispatch()
  }

  private dispatch(): void {
    const { queues } = this
    if (!queues) return
    for (let next = queues.next(); next && this.fits(next.request.seats); next = queues.next()) {
      queues.dispatch(next.queue)
      this.take(next.request.seats)
      next.request.start()
    }
  }
}
