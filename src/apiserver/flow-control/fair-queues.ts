/**
 * The queues of one priority level: which waits where, and who is next. Time is virtual: how far every active queue would be if all were served at once, bit by bit;
 * the queue is next whose first request would be finished first. Mirrors apiserver's `pkg/util/flowcontrol/fairqueuing/queueset`.
 */
export interface Waiting {
  readonly seats: number
  /** Seat-milliseconds that follow the request itself. */
  readonly workAfter: number
  readonly flow: string
  readonly distinguisher: string
  readonly arrivedAt: Date
  /** Called in the same moment in which its seats are taken. */
  start(): void
}

interface Queued { request: Waiting; arrivedR: number }
export interface FairQueue { readonly index: number; waiting: Queued[]; seatsInUse: number; executing: number; nextDispatchR: number }

/** What a request is thought to take before it has been served. */
const guessMs = 3

export class FairQueues {
  private readonly all: FairQueue[] = []
  /** Those with requests that wait or run. */
  private readonly active = new Set<FairQueue>()
  private deckSize: number
  private currentR = 0
  private advancedAt: number
  private lastIndex = -1
  size = 0

  constructor(deckSize: number, now: number) {
    this.deckSize = 0
    this.advancedAt = now
    this.resize(deckSize)
  }

  /** Queues that are not dealt any more serve out whom they have. */
  resize(deckSize: number): void {
    this.deckSize = deckSize
    while (this.all.length < deckSize) this.all.push({ index: this.all.length, waiting: [], seatsInUse: 0, executing: 0, nextDispatchR: 0 })
  }

  get queues(): readonly FairQueue[] { return this.all }
  get activeCount(): number { return this.active.size }
  get deck(): number { return this.deckSize }

  /** The queue of a hand with the least to do. */
  pick(hand: readonly number[]): FairQueue | undefined {
    let best: FairQueue | undefined
    let least = Infinity
    for (const index of hand) {
      const queue = this.all[index]
      if (!queue) continue
      const work = queue.waiting.reduce((sum, { request }) => sum + request.seats * guessMs + request.workAfter, queue.seatsInUse * guessMs)
      if (work < least) [best, least] = [queue, work]
    }
    return best
  }

  /** Lets virtual time pass, with as many seats as there are to be used. */
  advance(now: number, seats: number): void {
    const passed = now - this.advancedAt
    this.advancedAt = now
    if (passed <= 0 || this.active.size === 0) return
    let wanted = 0
    for (const { waiting, seatsInUse } of this.active) wanted += waiting.reduce((sum, { request }) => sum + request.seats, seatsInUse)
    this.currentR += (passed * Math.min(seats, wanted)) / this.active.size
  }

  add(queue: FairQueue, request: Waiting): void {
    if (!this.active.has(queue)) queue.nextDispatchR = this.currentR
    this.active.add(queue)
    queue.waiting.push({ request, arrivedR: this.currentR })
    this.size += 1
  }

  remove(queue: FairQueue, request: Waiting): void {
    const index = queue.waiting.findIndex((each) => each.request === request)
    if (index < 0) return
    queue.waiting.splice(index, 1)
    this.size -= 1
    this.settle(queue)
  }

  /** Who is next; the queues take turns where they are even. */
  next(): { queue: FairQueue; request: Waiting } | undefined {
    let best: FairQueue | undefined
    let [earliest, turn] = [Infinity, Infinity]
    for (const queue of this.active) {
      const [first] = queue.waiting
      if (!first) continue
      // Width does not count here: wide requests would wait forever beside narrow ones.
      const finish = queue.nextDispatchR + guessMs
      const distance = (queue.index - this.lastIndex - 1 + this.all.length) % this.all.length
      if (finish < earliest || (finish === earliest && distance < turn)) [best, earliest, turn] = [queue, finish, distance]
    }
    const request = best?.waiting[0]?.request
    return best && request && { queue: best, request }
  }

  /** Takes out the first of a queue: it runs from now on. */
  dispatch(queue: FairQueue): void {
    const first = queue.waiting.shift()
    if (!first) return
    this.size -= 1
    this.lastIndex = queue.index
    const { seats, workAfter } = first.request
    queue.seatsInUse += seats
    queue.executing += 1
    queue.nextDispatchR += seats * guessMs + workAfter
    // Nobody is served for a time before it came.
    const following = queue.waiting[0]
    if (following && queue.nextDispatchR < following.arrivedR) queue.nextDispatchR = following.arrivedR
  }

  /** What a request took in the end corrects the guess. */
  finish(queue: FairQueue, { seats }: Waiting, tookMs: number): void {
    queue.seatsInUse -= seats
    queue.executing -= 1
    queue.nextDispatchR += seats * (tookMs - guessMs)
    this.settle(queue)
  }

  private settle(queue: FairQueue): void {
    if (queue.waiting.length === 0 && queue.executing === 0) this.active.delete(queue)
  }
}
