/** The annotations that a Deployment keeps on itself and its ReplicaSets. Mirrors pkg/controller/deployment/util/deployment_util.go. */
import type { Deployment, ReplicaSet } from '../../api/types.ts'
import { desiredReplicas, maxSurge } from './limits.ts'

export const revisionAnnotation = 'deployment.kubernetes.io/revision'
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history'
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas'

type Annotations = Record<string, string>

const notCopied = new Set(['kubectl.kubernetes.io/last-applied-configuration', revisionAnnotation, revisionHistoryAnnotation, desiredReplicasAnnotation, maxReplicasAnnotation, 'deprecated.deployment.rollback.to'])

const copiedFrom = (deployment: Deployment): Annotations =>
  Object.fromEntries(Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key)))

const numberIn = (annotations: Annotations | undefined, key: string): number | undefined => {
  const text = annotations?.[key]
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined
}

/** Revisions are 64 bits wide: a ReplicaSet that is adopted may carry one beyond what a double holds. */
const revisionOf = ({ metadata: { annotations } }: ReplicaSet): bigint => {
  const text = annotations?.[revisionAnnotation]
  return text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : 0n
}
export const desiredReplicasIn = (replicaSet: ReplicaSet): number | undefined => numberIn(replicaSet.metadata.annotations, desiredReplicasAnnotation)
export const maxReplicasIn = (replicaSet: ReplicaSet): number | undefined => numberIn(replicaSet.metadata.annotations, maxReplicasAnnotation)
export const maxRevision = (replicaSets: readonly ReplicaSet[]): bigint => replicaSets.map(revisionOf).reduce((highest, revision) => (revision > highest ? revision : highest), 0n)
/** For sorting, lowest revision first. */
export const byRevision = (a: ReplicaSet, b: ReplicaSet): number => Number(maxRevision([a]) - maxRevision([b]))

/** The size that the Deployment has in mind, written on its ReplicaSets: what tells scaling from rolling out. */
export const sizeAnnotations = (deployment: Deployment): Annotations => ({
  [desiredReplicasAnnotation]: String(desiredReplicas(deployment)),
  [maxReplicasAnnotation]: String(desiredReplicas(deployment) + maxSurge(deployment)),
})

/** Of a ReplicaSet that is about to be created. */
export const annotationsForNew = (deployment: Deployment, revision: bigint): Annotations =>
  ({ ...copiedFrom(deployment), [revisionAnnotation]: String(revision), ...sizeAnnotations(deployment) })

/** More history than this many bytes is forgotten, oldest first. */
const revisionHistoryLimitBytes = 2000

const appendedHistory = (history: string | undefined, revision: string): string | undefined => {
  const revisions = [...(history ? history.split(',') : []), revision]
  while (revisions.length > 1 && revisions.join(',').length > revisionHistoryLimitBytes) revisions.shift()
  const text = revisions.join(',')
  return text.length > revisionHistoryLimitBytes ? undefined : text
}

/**
 * Of the ReplicaSet that has become (or stays) the new one: its revision only grows, and a ReplicaSet that served before keeps
 * the revisions that it had, as `revision-history`.
 */
export const annotationsForExisting = (deployment: Deployment, replicaSet: ReplicaSet, revision: bigint): Annotations => {
  const old = replicaSet.metadata.annotations ?? {}
  const next: Annotations = { ...old, ...copiedFrom(deployment) }
  const oldRevision = old[revisionAnnotation]
  if (revisionOf(replicaSet) >= revision) return next
  next[revisionAnnotation] = String(revision)
  const history = oldRevision === undefined ? undefined : appendedHistory(old[revisionHistoryAnnotation], oldRevision)
  if (history !== undefined) next[revisionHistoryAnnotation] = history
  return next
}
