/** Which pods go first when there are too many. Mirrors pkg/controller/controller_utils.go ActivePodsWithRanks. */
import type { Pod } from '../api/types.ts'
import { isPodReady, readySince } from './pod.ts'

const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost'

const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }

/** An int32 in its canonical form; anything else (which the API server refuses) counts as 0. */
const deletionCost = (pod: Pod): number => {
  const text = pod.metadata.annotations?.[deletionCostAnnotation] ?? ''
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0
}

const restarts = (pod: Pod, ofSidecars: boolean): number => {
  const sidecars = new Set((pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name))
  const statuses = ofSidecars ? (pod.status.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)) : (pod.status.containerStatuses ?? [])
  return Math.max(0, ...statuses.map(({ restartCount }) => restartCount))
}

/** Ages count by powers of two, so that of pods of about the same age any may go: else all of the newest node's would. */
const ageRank = (since: number, now: number): number => (now > since ? Math.floor(Math.log2((now - since) * 1e6)) : -1)

const compareAges = (a: { since: number; pod: Pod }, b: { since: number; pod: Pod }, now: number): number =>
  ageRank(a.since, now) - ageRank(b.since, now) || (a.pod.metadata.uid < b.pod.metadata.uid ? -1 : 1)

const created = (pod: Pod): number => Date.parse(pod.metadata.creationTimestamp) || 0

type Comparison = (a: Pod, b: Pod) => number

/** Each decides only between pods that those before it hold equal. */
const comparisons = (doubledUp: (pod: Pod) => number, now: number): readonly Comparison[] => [
  (a, b) => Number(Boolean(a.spec.nodeName)) - Number(Boolean(b.spec.nodeName)),
  (a, b) => (phaseOrder[a.status.phase ?? ''] ?? 0) - (phaseOrder[b.status.phase ?? ''] ?? 0),
  (a, b) => Number(isPodReady(a)) - Number(isPodReady(b)),
  (a, b) => deletionCost(a) - deletionCost(b),
  (a, b) => doubledUp(b) - doubledUp(a),
  (a, b) => {
    const [since, other] = [readySince(a), readySince(b)]
    return since === undefined || other === undefined || since === other ? 0 : compareAges({ since, pod: a }, { since: other, pod: b }, now)
  },
  (a, b) => restarts(b, false) - restarts(a, false),
  (a, b) => restarts(b, true) - restarts(a, true),
  (a, b) => (created(a) === created(b) ? 0 : compareAges({ since: created(a), pod: a }, { since: created(b), pod: b }, now)),
]

/** The `count` pods that are missed least. `related` are the pods of all ReplicaSets of the same owner: a node that has several of them gives one up first. */
export const podsToDelete = (pods: readonly Pod[], count: number, at: { related: readonly Pod[]; now: Date }): Pod[] => {
  if (count >= pods.length) return [...pods]
  const onNode = new Map<string, number>()
  for (const { spec } of at.related) if (spec.nodeName) onNode.set(spec.nodeName, (onNode.get(spec.nodeName) ?? 0) + 1)
  const order = comparisons((pod) => onNode.get(pod.spec.nodeName ?? '') ?? 0, at.now.getTime())
  const compare: Comparison = (a, b) => {
    for (const each of order) { const result = each(a, b); if (result !== 0) return result }
    return 0
  }
  return [...pods].sort(compare).slice(0, count)
}
