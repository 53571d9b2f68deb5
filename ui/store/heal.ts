/** What the nodes' supervisors told about faults and recoveries: a lane per fault, from the exit to being ready again. */
import type { HealEvent } from '../../src/api/heal.ts'

/** One end of one container, and what followed. `healedMs`: how long until it was ready again; absent while it is not. `stopped`: the node had been told to stop it, or did of itself. */
export interface Lane { podUid: string; podNamespace: string; podName: string; container: string; number: number; events: HealEvent[]; healedMs: number | undefined; stopped: boolean }

const isBegunAnew = ({ events }: Lane): boolean => events.some(({ phase }) => phase === 'backoff' || phase === 'started' || phase === 'created')

const keptLanes = 200
const keptPerPod = 200

export class HealStore {
  /** By pod uid, oldest first. */
  readonly events = new Map<string, HealEvent[]>()
  /** Oldest first. */
  readonly lanes: Lane[] = []
  version = 0
  #number = 0
  readonly #seen = new Set<string>()

  /** A node tells its history anew after each reconnect: what is known already is passed over. */
  add(event: HealEvent): void {
    const name = `${event.podUid}/${event.container}/${event.attempt}/${event.phase}/${event.at}`
    if (this.#seen.has(name)) return
    this.#seen.add(name)
    if (this.#seen.size > 20_000) this.#seen.clear()
    const known = this.events.get(event.podUid) ?? []
    known.push(event)
    if (known.length > keptPerPod) known.shift()
    this.events.set(event.podUid, known)
    this.#toLane(event)
    this.version += 1
  }

  #toLane(event: HealEvent): void {
    if (event.phase === 'exit') {
      const { podUid, podNamespace, podName, container } = event
      const stopped = (this.events.get(podUid) ?? []).some((each) => each.phase === 'killing' && each.container === container && each.attempt === event.attempt)
      this.lanes.push({ podUid, podNamespace, podName, container, number: ++this.#number, events: [event], healedMs: undefined, stopped })
      if (this.lanes.length > keptLanes) this.lanes.shift()
      return
    }
    const lane = this.lanes.findLast(({ podUid, container }) => podUid === event.podUid && container === event.container)
    // Traffic follows readiness: what the node's kube-proxy tells comes after it.
    const follows = event.phase === 'endpoint' || event.phase === 'rules'
    if (!lane || (lane.healedMs !== undefined && !follows)) return
    lane.events.push(event)
    if (event.phase === 'ready') lane.healedMs = event.monotonicMs - (lane.events[0]?.monotonicMs ?? event.monotonicMs)
  }

  /** Lanes that tell of a fault: something that ended and was begun again, or ended with an error of its own. What a Job completes, or a pod's deletion stops, is none. */
  faults(): Lane[] {
    return this.lanes.filter((lane) => isBegunAnew(lane) || (!lane.stopped && (lane.events[0]?.exitCode ?? 0) !== 0))
  }

  /** Healing now: begun again, or about to be, and not ready yet. */
  open(): Lane[] {
    return this.lanes.filter((lane) => lane.healedMs === undefined && isBegunAnew(lane)
      && lane === this.lanes.findLast(({ podUid, container }) => podUid === lane.podUid && container === lane.container))
  }

  /** Milliseconds of all that healed, shortest first. */
  healed(): number[] { return this.lanes.flatMap(({ healedMs }) => healedMs ?? []).sort((left, right) => left - right) }

  keep(uids: { has(uid: string): boolean }): void {
    for (const uid of this.events.keys()) if (!uids.has(uid)) this.events.delete(uid)
  }
}
