/** Jobs: pods run until enough of them have succeeded, or too many have failed. Mirrors pkg/controller/job/job_controller.go. */
import { timestamp } from '../../api/clock.ts'
import { Jobs, Pods } from '../../api/kinds.ts'
import { controllerOf, keyOf } from '../../api/meta.ts'
import { selectorFromObject } from '../../api/selector.ts'
import type { Job, JobCondition, JobStatus, Pod } from '../../api/types.ts'
import { type Action, event, updateStatus } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { findCondition, withCondition } from '../conditions.ts'
import { candidatesOf, claim, controlledBy, controllerIn, keysOfOwner } from '../owners.ts'
import { isPodActive, isPodReady, isPodTerminating } from '../pod.ts'
import { deletePod } from '../pod-template.ts'
import { failedIndexes, failsByIndex, indexFailures } from './index-failures.ts'
import { parseIndexes } from './indexes.ts'
import { isTracked, releaseFinalizer, trackingFinalizer } from './job-pods.ts'
import { managePods } from './manage.ts'
import { deadlineLeft, isFinished, type Outcome, outcomeOf, withOutcome } from './outcome.ts'
import { track, type Tracking } from './track.ts'

const managedElsewhere = ({ spec }: Job): boolean => spec.managedBy !== undefined && spec.managedBy !== 'kubernetes.io/job-controller'

/** Tells of suspension and resumption, and starts the time anew. */
const withSuspension = (job: Job, now: Date): { status: JobStatus; events: Action[] } => {
  const { status, spec } = job
  const was = findCondition(status.conditions, 'Suspended')?.status === 'True'
  const time = timestamp(now)
  const say = (value: 'True' | 'False', reason: string, message: string): JobCondition[] =>
    withCondition(status.conditions, { type: 'Suspended', status: value, reason, message, lastProbeTime: time, lastTransitionTime: time })
  const tell = (reason: string, message: string): Action[] => [event(Jobs, job, { type: 'Normal', reason, message })]
  if (spec.suspend) return was ? { status, events: [] } : { status: { ...status, startTime: undefined, conditions: say('True', 'JobSuspended', 'Job suspended') }, events: tell('Suspended', 'Job suspended') }
  if (was) return { status: { ...status, startTime: time, conditions: say('False', 'JobResumed', 'Job resumed') }, events: tell('Resumed', 'Job resumed') }
  return { status: status.startTime === undefined ? { ...status, startTime: time } : status, events: [] }
}

const counted = (status: JobStatus, pods: readonly Pod[]): JobStatus => {
  const active = pods.filter(isPodActive)
  return { ...status, active: active.length || undefined, ready: active.filter(isPodReady).length, terminating: pods.filter(isPodTerminating).length }
}

const endEvents = (job: Job, { end, reason, message }: Outcome): Action[] =>
  [end === 'Complete' ? event(Jobs, job, { type: 'Normal', reason: 'Completed', message: 'Job completed' }) : event(Jobs, job, { type: 'Warning', reason, message })]

/** The status is stored before finalizers go: else a pod could be gone without having been counted. */
const store = (job: Job, status: JobStatus, after: readonly Action[]): Action[] =>
  (sameMeaning(status, job.status) ? [...after] : [updateStatus(Jobs, { ...job, status }, { then: () => after })])

const end = (job: Job, outcome: Outcome, at: { pods: readonly Pod[]; tracking: Tracking; now: Date }): Action[] => {
  const { pods, tracking, now } = at
  const active = pods.filter(isPodActive)
  const over = active.length === 0 && pods.every((pod) => !isPodTerminating(pod)) && tracking.settled
  const conditions = withOutcome(tracking.status.conditions ?? [], outcome, { over, time: timestamp(now) })
  const status = { ...counted(tracking.status, pods), conditions, ...(over && outcome.end === 'Complete' && { completionTime: timestamp(now) }) }
  return store(job, status, [...tracking.release.map(releaseFinalizer), ...active.map((pod) => deletePod(pod, { owner: job, kind: Jobs })), ...(over ? endEvents(job, outcome) : [])])
}

const planRunning = (job: Job, pods: readonly Pod[], now: Date): Action[] => {
  const { status, events } = withSuspension(job, now)
  const first = track({ ...job, status }, pods)
  const failures = indexFailures(job, pods, { succeeded: parseIndexes(first.status.completedIndexes, job.spec.completions ?? 0), now })
  const tell = (tracking: Tracking): Tracking => (failsByIndex(job) ? { ...tracking, status: { ...tracking.status, failedIndexes: failedIndexes(job, failures) } } : tracking)
  const tracking = tell(track({ ...job, status }, pods, new Set(failures.delayed.values())))
  const active = pods.filter(isPodActive)
  const outcome = outcomeOf(job, pods, { status: tracking.status, activePods: active.length, failures, now })
  // At the end nobody is tried again, so nobody is held.
  if (outcome && job.metadata.deletionTimestamp === undefined) return end(job, outcome, { pods, tracking: tell(first), now })
  const deadline = deadlineLeft({ ...job, status: tracking.status }, now)
  return [
    ...store(job, counted(tracking.status, pods), [...events, ...tracking.release.map(releaseFinalizer)]),
    ...(job.metadata.deletionTimestamp === undefined ? managePods(job, { pods, active, status: tracking.status, failures, now }) : []),
    ...(deadline === undefined ? [] : [{ do: 'requeueAfter' as const, milliseconds: deadline }]),
  ]
}

export const planJob = (key: string, world: World): Action[] => {
  const job = world.get(Jobs, key)
  if (!job || managedElsewhere(job)) return []
  if (isFinished(job)) return controlledBy(world, Pods, job).filter(isTracked).map(releaseFinalizer)
  const candidates = candidatesOf(world, Pods, job).filter((pod) => controllerOf(pod) !== undefined || isPodActive(pod))
  const { mine, actions } = claim(job, { kind: Pods, ownerKind: Jobs, selector: selectorFromObject(job.spec.selector), candidates, finalizer: trackingFinalizer })
  return actions.length > 0 ? actions : planRunning(job, mine, world.now)
}

/** A pod that waits to be counted by a Job that is gone. */
const orphanPrefix = 'orphan:'
const orphanKey = (pod: Pod): string => `${orphanPrefix}${keyOf(pod)}`

const planOrphan = (key: string, world: World): Action[] => {
  const pod = world.get(Pods, key)
  return pod && isTracked(pod) && !controllerIn(world, Jobs, pod) ? [releaseFinalizer(pod)] : []
}

export const jobs: Reconciler = {
  name: 'job-controller',
  watches: [
    watching(Jobs, (job, world) => [keyOf(job), ...(world.get(Jobs, keyOf(job))?.metadata.uid === job.metadata.uid ? [] : controlledBy(world, Pods, job).map(orphanKey))]),
    watching(Pods, (pod, world) => [...keysOfOwner(Jobs)(pod, world), ...(isTracked(pod) && !controllerIn(world, Jobs, pod) ? [orphanKey(pod)] : [])]),
  ],
  plan: (key, world) => (key.startsWith(orphanPrefix) ? planOrphan(key.slice(orphanPrefix.length), world) : planJob(key, world)),
}
