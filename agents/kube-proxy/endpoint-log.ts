/**
 * When this node's kube-proxy learnt that an endpoint of a pod here has become ready, or is not any more, and when the rules said so: the last steps of healing, for the node's
 * heal log. Kept in memory, told to whoever asks on this machine.
 */
import type { Clock } from '../../src/api/clock.ts'
import type { EndpointStamp } from '../../src/api/heal.ts'
import type { EndpointSlice } from '../../src/api/types.ts'
import { broadcast } from '../../src/client/broadcast.ts'

export interface EndpointLog {
  /** The Service's slices as they are now. What is there when kube-proxy starts is no news. */
  seen(service: string, slices: readonly EndpointSlice[], isNews: boolean): void
  /** What has been seen and is not in the rules yet; given back to `written` when the rules are. */
  pending(): readonly EndpointStamp[]
  written(stamps: readonly EndpointStamp[]): void
  /** What was kept, then what happens, until `signal` aborts. A reader that falls 1,000 behind loses the oldest. */
  watch(signal: AbortSignal): AsyncIterable<EndpointStamp>
}

const kept = 200
const maxBehind = 1000

/** By pod, of those that run on this node: whether any of its addresses is ready. */
const readiness = (slices: readonly EndpointSlice[], nodeName: string): Map<string, boolean> => {
  const pods = new Map<string, boolean>()
  for (const { endpoints } of slices) {
    for (const { targetRef, nodeName: at, conditions } of endpoints ?? []) {
      if (at === nodeName && targetRef?.kind === 'Pod' && targetRef.uid) pods.set(targetRef.uid, (pods.get(targetRef.uid) ?? false) || (conditions?.ready ?? true))
    }
  }
  return pods
}

export const endpointLog = ({ clock, nodeName }: { clock: Clock; nodeName: string }): EndpointLog => {
  const known = new Map<string, Map<string, boolean>>()
  const history: EndpointStamp[] = []
  const readers = broadcast<EndpointStamp>(maxBehind)
  let waiting: EndpointStamp[] = []
  const tell = (stamp: EndpointStamp): void => {
    history.push(stamp)
    if (history.length > kept) history.shift()
    readers.tell(stamp)
  }
  return {
    seen(service, slices, isNews) {
      const [before, now] = [known.get(service), readiness(slices, nodeName)]
      if (now.size > 0) known.set(service, now)
      else known.delete(service)
      if (!isNews) return
      for (const podUid of new Set([...(before?.keys() ?? []), ...now.keys()])) {
        const ready = now.get(podUid) ?? false
        if (ready === (before?.get(podUid) ?? false)) continue
        const stamp: EndpointStamp = { podUid, service, ready, phase: 'endpoint', monotonicMs: clock.monotonic() }
        tell(stamp)
        waiting.push(stamp)
      }
    },
    pending() {
      const stamps = waiting
      waiting = []
      return stamps
    },
    written(stamps) { for (const stamp of stamps) tell({ ...stamp, phase: 'rules', monotonicMs: clock.monotonic() }) },
    watch: (signal) => readers.watch(history, signal),
  }
}
