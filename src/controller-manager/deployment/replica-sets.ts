/** A Deployment's ReplicaSets: which is the new one, which are old, how many pods they have. Mirrors pkg/controller/deployment/util. */
import type { Deployment, PodTemplateSpec, ReplicaSet } from '../../api/types.ts'
import { sameMeaning } from '../canonical.ts'

export const templateHashLabel = 'pod-template-hash'

export const replicasOf = (replicaSet: ReplicaSet): number => replicaSet.spec.replicas ?? 1
export const totalReplicas = (replicaSets: readonly ReplicaSet[]): number => replicaSets.reduce((sum, each) => sum + replicasOf(each), 0)
export const totalAvailable = (replicaSets: readonly ReplicaSet[]): number => replicaSets.reduce((sum, { status }) => sum + (status.availableReplicas ?? 0), 0)
export const active = (replicaSets: readonly ReplicaSet[]): ReplicaSet[] => replicaSets.filter((each) => replicasOf(each) > 0)

const withoutHash = ({ [templateHashLabel]: _, ...labels }: Record<string, string>): Record<string, string> => labels

/** Whether two templates differ in nothing but the hash that we put on them ourselves. */
export const sameTemplate = (a: PodTemplateSpec, b: PodTemplateSpec): boolean => {
  const bare = (template: PodTemplateSpec): unknown =>
    ({ ...template, metadata: { ...template.metadata, creationTimestamp: undefined, labels: withoutHash(template.metadata?.labels ?? {}) } })
  return sameMeaning(bare(a), bare(b))
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Oldest first; names decide between equals. */
export const oldestFirst = (replicaSets: readonly ReplicaSet[]): ReplicaSet[] => [...replicaSets].sort((a, b) =>
  compareText(a.metadata.creationTimestamp, b.metadata.creationTimestamp) || compareText(a.metadata.name, b.metadata.name))

/** The ReplicaSet with the Deployment's own template: the oldest one, so that the choice is the same every time. */
export const findNew = (deployment: Deployment, replicaSets: readonly ReplicaSet[]): ReplicaSet | undefined =>
  oldestFirst(replicaSets).find(({ spec }) => spec.template !== undefined && sameTemplate(spec.template, deployment.spec.template))

/** All but the new one. */
export const findOld = (replicaSets: readonly ReplicaSet[], newReplicaSet: ReplicaSet | undefined): ReplicaSet[] =>
  replicaSets.filter(({ metadata }) => metadata.uid !== newReplicaSet?.metadata.uid)

/** The one that takes a scaling alone: the only active one, or else the newest; undefined when several are active and share it. */
export const activeOrLatest = (newReplicaSet: ReplicaSet | undefined, old: readonly ReplicaSet[]): ReplicaSet | undefined => {
  const all = newReplicaSet ? [...old, newReplicaSet] : [...old]
  const running = active(all)
  if (running.length === 0) return newReplicaSet ?? oldestFirst(old).at(-1)
  return running.length === 1 ? running[0] : undefined
}
