/** What is done next about a StatefulSet's pods. Mirrors pkg/controller/statefulset/stateful_set_control.go updateStatefulSet. */
import type { Pod, StatefulSet } from '../../api/types.ts'
import type { Action } from '../../client/action.ts'
import type { World } from '../../client/controller.ts'
import { scaledValue } from '../int-or-percent.ts'
import { isPodFinished } from '../pod.ts'
import { isInRange, isStale, retention } from './claims.ts'
import { ordinalOf, podName, replicasOf, revisionOf, startOrdinal, statefulPod, withIdentity } from './identity.ts'
import { createMissingClaims, createStatefulPod, deleteStatefulPod, updateStatefulPod } from './pod-actions.ts'
import { type Availability, isRunningAndAvailable, isTerminating, isUnavailable } from './pod-state.ts'
import type { Revisions } from './revisions.ts'

export interface Step {
  actions: Action[]
  /** How many pods go because they are of an old revision. */
  replaced: number
}

/** `blocks`: an ordered set waits here, and looks at nothing further. */
interface Part { actions: Action[]; blocks: boolean }

interface Context { set: StatefulSet; revisions: Revisions; availability: Availability; world: World; ordered: boolean }

interface Replica { ordinal: number; pod: Pod | undefined }
interface Member { ordinal: number; pod: Pod }

const partitionOf = ({ spec }: StatefulSet): number => spec.updateStrategy?.rollingUpdate?.partition ?? 0

/** Below the partition (or, without one, as many as there are) a pod that is made anew gets the revision of before. */
const revisionFor = ({ set, revisions }: Context, ordinal: number): Revisions['current'] => {
  const { type = 'RollingUpdate', rollingUpdate } = set.spec.updateStrategy ?? {}
  const kept = rollingUpdate ? partitionOf(set) : (set.status.currentReplicas ?? 0)
  return type === 'RollingUpdate' && ordinal < startOrdinal(set) + kept ? revisions.current : revisions.update
}

const createMissing = (context: Context, ordinal: number): Part => {
  const { set, world } = context
  if (isStale(set, ordinal, { podName: podName(set, ordinal), world })) return { actions: [], blocks: true }
  const { template, name } = revisionFor(context, ordinal)
  return { actions: createStatefulPod(set, { ordinal, pod: statefulPod(set, ordinal, { template, revision: name }) }, world), blocks: true }
}

const processReplica = (context: Context, { ordinal, pod }: Replica): Part => {
  const { set, world, availability } = context
  if (!pod) return createMissing(context, ordinal)
  if (isPodFinished(pod)) return { actions: isTerminating(pod) ? [] : [deleteStatefulPod(set, pod)], blocks: true }
  const claims = pod.status.phase === 'Pending' ? createMissingClaims(set, { name: pod.metadata.name, ordinal }, world) : []
  if (context.ordered && (isTerminating(pod) || !isRunningAndAvailable(pod, availability))) return { actions: claims, blocks: true }
  const corrected = withIdentity(set, ordinal, pod)
  return { actions: [...claims, ...retention(set, { pod, ordinal }, world), ...(corrected ? [updateStatefulPod(set, corrected)] : [])], blocks: false }
}

/** Beyond the wanted number: they go from the highest ordinal down, in an ordered set one at a time and only while all others are well. */
const processCondemned = ({ set, ordered, availability }: Context, { pod }: Member, firstUnavailable: Pod | undefined): Part => {
  if (isTerminating(pod)) return { actions: [], blocks: true }
  if (ordered && !isRunningAndAvailable(pod, availability) && pod !== firstUnavailable) return { actions: [], blocks: true }
  return { actions: [deleteStatefulPod(set, pod)], blocks: true }
}

/** Ordered: up to and with the first that blocks. Otherwise all, ever more at a time. */
const runAll = <T>(ordered: boolean, items: readonly T[], process: (item: T) => Part): Part => {
  if (!ordered) {
    const actions = items.flatMap((item) => process(item).actions)
    return { actions: actions.length > 0 ? [{ do: 'slowStart', actions }] : [], blocks: false }
  }
  const actions: Action[] = []
  for (const item of items) {
    const part = process(item)
    actions.push(...part.actions)
    if (part.blocks) return { actions, blocks: true }
  }
  return { actions, blocks: false }
}

/** At least one may be unavailable, else nothing would ever be updated. */
const maxUnavailable = (set: StatefulSet): number => Math.max(1, scaledValue(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, replicasOf(set), 'down'))

/** Pods of an old revision, from the highest ordinal down to the partition; one that is unavailable anyway costs nothing. */
const outdated = ({ set, revisions, availability }: Context, replicas: readonly Replica[]): Pod[] => {
  const unavailable = (pod: Pod | undefined): boolean => !pod || isUnavailable(pod, availability)
  let budget = maxUnavailable(set) - replicas.filter(({ pod }) => unavailable(pod)).length
  if (set.spec.updateStrategy?.type === 'OnDelete' || budget < 0) return []
  const leaving: Pod[] = []
  for (const { pod } of [...replicas].slice(partitionOf(set)).reverse()) {
    if (!pod || isTerminating(pod) || revisionOf(pod) === revisions.update.name) continue
    if (!unavailable(pod) && budget-- <= 0) continue
    leaving.push(pod)
  }
  return leaving
}

/** `pods`: all that the set has claimed. */
export const planPods = (pods: readonly Pod[], context: Context): Step => {
  const { set, ordered, availability, world } = context
  const members = pods.flatMap((pod): Member[] => { const ordinal = ordinalOf(set, pod); return ordinal === undefined ? [] : [{ ordinal, pod }] })
  const replicas = Array.from({ length: replicasOf(set) }, (_, index): Replica => ({ ordinal: startOrdinal(set) + index, pod: members.find(({ ordinal }) => ordinal === startOrdinal(set) + index)?.pod }))
  const condemned = members.filter(({ ordinal }) => !isInRange(set, ordinal)).sort((a, b) => b.ordinal - a.ordinal)
  const firstUnavailable = [...replicas, ...condemned.toReversed()].find(({ pod }) => !pod || isUnavailable(pod, availability))?.pod
  const actions: Action[] = []
  for (const run of [
    () => runAll(ordered, replicas, (each) => processReplica(context, each)),
    () => runAll(ordered, condemned, (each) => ({ actions: retention(set, each, world), blocks: false })),
    () => runAll(ordered, condemned, (each) => processCondemned(context, each, firstUnavailable)),
  ]) {
    const part = run()
    actions.push(...part.actions)
    if (part.blocks) return { actions, replaced: 0 }
  }
  const leaving = outdated(context, replicas)
  return { actions: [...actions, ...leaving.map((pod) => deleteStatefulPod(set, pod))], replaced: leaving.filter((pod) => revisionOf(pod) === context.revisions.current.name).length }
}
