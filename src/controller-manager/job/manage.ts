/** Which pods a running Job creates and deletes. Mirrors pkg/controller/job/job_controller.go manageJob. */
import { Jobs } from '../../api/kinds.ts'
import type { Draft } from '../../api/meta.ts'
import type { EnvVar, Job, JobStatus, Pod, PodSpec } from '../../api/types.ts'
import type { Action } from '../../client/action.ts'
import { isPodTerminating } from '../pod.ts'
import { podsToDelete } from '../pod-ranking.ts'
import { createPod, deletePod, podFromTemplate } from '../pod-template.ts'
import { failsByIndex, failureCounts, type IndexFailures, waitOfIndex } from './index-failures.ts'
import { completionIndexAnnotation, indexOf, isIndexed, parseIndexes, pendingIndexes } from './indexes.ts'
import { backOff, isTracked, releaseFinalizer, replacesOnlyFailed, trackingFinalizer } from './job-pods.ts'
import { totals } from './track.ts'

/** So many at most before the world is looked at again. */
const burstPods = 500

export interface Managing { pods: readonly Pod[]; active: readonly Pod[]; status: JobStatus; failures: IndexFailures; now: Date }

export const wantedActive = (job: Job, status: JobStatus, active: number): number => {
  const { completions, parallelism = 1 } = job.spec
  const { succeeded } = totals(status)
  if (completions === undefined) return succeeded > 0 ? active : parallelism
  return Math.max(0, Math.min(completions - succeeded, parallelism))
}

/** Taken out of the accounts first: it is not its fault. */
const discard = (pod: Pod, job: Job): Action[] => [...(isTracked(pod) ? [releaseFinalizer(pod)] : []), deletePod(pod, { owner: job, kind: Jobs })]

/** Pods with an index that is done, wrong, or already worked on by an older pod. */
const superfluous = (job: Job, active: readonly Pod[], status: JobStatus): Pod[] => {
  if (!isIndexed(job)) return []
  const seen = parseIndexes(status.completedIndexes, job.spec.completions ?? 0)
  const oldestFirst = [...active].sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1))
  return oldestFirst.filter((pod) => {
    const index = indexOf(pod)
    const useless = index === undefined || index >= (job.spec.completions ?? 0) || seen.has(index)
    if (index !== undefined) seen.add(index)
    return useless
  })
}

const surplusPods = (job: Job, { active, status, now }: Managing, atLeast: number): Pod[] => {
  const first = superfluous(job, active, status)
  const rest = active.filter((pod) => !first.includes(pod))
  return [...first, ...podsToDelete(rest, Math.max(0, atLeast - first.length), { related: [], now })].slice(0, burstPods)
}

/** How a container learns its index. */
const indexVariable: EnvVar = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath: `metadata.labels['${completionIndexAnnotation}']` } } }

const withIndexVariable = (spec: PodSpec): PodSpec => {
  const add = <C extends { env?: EnvVar[] | undefined }>(container: C): C => (container.env?.some(({ name }) => name === indexVariable.name) ? container : { ...container, env: [...(container.env ?? []), indexVariable] })
  return { ...spec, containers: spec.containers.map(add), ...(spec.initContainers && { initContainers: spec.initContainers.map(add) }) }
}

const podOf = (job: Job, index: number | undefined, { delayed }: IndexFailures): Draft<Pod> => {
  const pod = podFromTemplate(job.spec.template, job, Jobs)
  const metadata = { ...pod.metadata, finalizers: [...(pod.metadata.finalizers ?? []), trackingFinalizer] }
  if (index === undefined) return { ...pod, metadata }
  const mark = { [completionIndexAnnotation]: String(index) }
  return {
    ...pod,
    metadata: { ...metadata, generateName: `${job.metadata.name}-${index}-`, annotations: { ...metadata.annotations, ...mark, ...failureCounts(job, delayed.get(index)) }, labels: { ...metadata.labels, ...mark } },
    spec: { ...withIndexVariable(pod.spec), hostname: `${job.metadata.name}-${index}` },
  }
}

/** Each index waits for itself; `wait` is what is left when none may be tried now. */
const indexesToTry = (indexes: readonly number[], { failures, now }: Managing): { now: number[]; wait: number } => {
  const waits = indexes.map((index) => ({ index, wait: waitOfIndex(failures.delayed.get(index), now) }))
  const ready = waits.filter(({ wait }) => wait === 0).map(({ index }) => index)
  return { now: ready, wait: ready.length > 0 ? 0 : Math.min(...waits.map(({ wait }) => wait)) }
}

const createMissing = (job: Job, managing: Managing, count: number): Action[] => {
  const { pods, active, status, failures, now } = managing
  const wait = failsByIndex(job) ? 0 : backOff(pods, job, now)
  if (wait > 0) return [{ do: 'requeueAfter', milliseconds: wait }]
  const taken = isIndexed(job) ? parseIndexes(status.completedIndexes, job.spec.completions ?? 0) : new Set<number>()
  const busy = replacesOnlyFailed(job) ? [...active, ...pods.filter(isPodTerminating)] : active
  for (const pod of busy) { const index = indexOf(pod); if (index !== undefined) taken.add(index) }
  for (const index of failures.failed) taken.add(index)
  const number = Math.min(count, burstPods)
  const indexes = isIndexed(job) ? pendingIndexes(job.spec.completions ?? 0, taken, number) : Array.from({ length: number }, () => undefined)
  const tried = failsByIndex(job) ? indexesToTry(indexes.flatMap((index) => index ?? []), managing) : { now: indexes, wait: 0 }
  if (tried.wait > 0 && tried.wait < Infinity) return [{ do: 'requeueAfter', milliseconds: tried.wait }]
  return [{ do: 'slowStart', actions: tried.now.map((index) => createPod(podOf(job, index, failures), { owner: job, kind: Jobs })) }]
}

/** Deletes or creates, never both at once. The Job has not reached its end. */
export const managePods = (job: Job, managing: Managing): Action[] => {
  const { active, status, pods } = managing
  const wanted = job.spec.suspend ? 0 : wantedActive(job, status, active.length)
  const surplus = job.spec.suspend ? active : surplusPods(job, managing, active.length - wanted)
  if (surplus.length > 0) return surplus.flatMap((pod) => discard(pod, job))
  const leaving = replacesOnlyFailed(job) ? pods.filter(isPodTerminating).length : 0
  const missing = wanted - active.length - leaving
  return missing > 0 ? createMissing(job, managing, missing) : []
}
