/** Whether a pod has to stop, and how much time its containers get. Pure. Mirrors pod_workers.go's calculateEffectiveGracePeriod and active_deadline.go. */
import type { Pod, PodStatus } from '../../src/api/types.ts'
import { graceSecondsOf, isTerminalPhase } from './pod.ts'
import type { Stopping } from './pod-run.ts'

/** What the pod's containers get to stop when nobody says otherwise. */
export const graceOf = ({ spec }: Pod): number => spec.terminationGracePeriodSeconds ?? 30

export interface StopInput {
  pod: Pod
  /** The status as last made. */
  status: PodStatus
  /** The pod fails as a whole, and gets this much time. */
  failedGrace: number | undefined
  /** Nobody wants the pod any more, and it gets this much time. */
  removedGrace: number | undefined
  stopping: Stopping | undefined
  /** Of the monotonic clock, as `stopping.since` is. */
  now: number
}

/** The grace with which the stop begins, counted from its beginning, or to which it is shortened; undefined: everything goes on as it is. A later wish never gives more time. */
export const decideStop = ({ pod, status, failedGrace, removedGrace, stopping, now }: StopInput): number | undefined => {
  const wishes = [
    ...(pod.metadata.deletionTimestamp ? [graceSecondsOf(pod)] : []),
    ...(removedGrace === undefined ? [] : [removedGrace]),
    ...(failedGrace === undefined ? [] : [failedGrace]),
    ...(isTerminalPhase(pod.status ?? {}) || isTerminalPhase(status) ? [graceOf(pod)] : []),
  ]
  if (wishes.length === 0) return undefined
  const wish = Math.min(...wishes)
  if (!stopping) return wish
  // A shorter grace counts from now, not from when the longer one began.
  const shortened = Math.min(wish + (now - stopping.since) / 1000, stopping.graceSeconds)
  return wish < stopping.graceSeconds && shortened < stopping.graceSeconds ? shortened : undefined
}

/** Milliseconds that a pod with activeDeadlineSeconds may still run, 0 when they are over; undefined without a deadline. */
export const remainingLife = (pod: Pod, status: PodStatus, now: number): number | undefined => {
  const seconds = pod.spec.activeDeadlineSeconds
  if (seconds === undefined || status.startTime === undefined || isTerminalPhase(status)) return undefined
  return Math.max(0, Date.parse(status.startTime) + seconds * 1000 - now)
}
