/** Spreads pods over zones, hosts or other domains, as hard and soft constraints. Mirrors `plugins/podtopologyspread`. */
import { deepEqual } from '../../api/equal.ts'
import type { Labels } from '../../api/requirement.ts'
import { selectorFromObject, selectorMatches } from '../../api/selector.ts'
import type { Pod, TopologySpreadConstraint } from '../../api/types.ts'
import type { StateKey } from '../cycle-state.ts'
import { fits, maxScore, type Plugin, reject, rejectForGood, type SnapshotView } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { nodeIsRequired } from '../node-selector.ts'
import { type PodInfo, podInfoOf } from '../pod-info.ts'
import { repelling, untolerated } from '../tolerations.ts'

interface Constraint {
  maxSkew: number
  topologyKey: string
  minDomains: number
  honorsAffinity: boolean
  honorsTaints: boolean
  selects(labels: Labels): boolean
}

const hostname = 'kubernetes.io/hostname'

/** What upstream spreads by when a pod says nothing: softly, over hosts and zones. */
const systemDefaults: readonly TopologySpreadConstraint[] = [
  { topologyKey: hostname, maxSkew: 3, whenUnsatisfiable: 'ScheduleAnyway' },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5, whenUnsatisfiable: 'ScheduleAnyway' },
]

const constraintOf = (constraint: TopologySpreadConstraint, labels: Labels): Constraint => {
  const { maxSkew, topologyKey, minDomains = 1, nodeAffinityPolicy = 'Honor', nodeTaintsPolicy = 'Ignore', labelSelector, matchLabelKeys = [] } = constraint
  const selector = selectorFromObject(labelSelector)
  const same = matchLabelKeys.filter((key) => labels[key] !== undefined)
  return {
    maxSkew, topologyKey, minDomains, honorsAffinity: nodeAffinityPolicy === 'Honor', honorsTaints: nodeTaintsPolicy === 'Honor',
    selects: (others) => selectorMatches(selector, others) && same.every((key) => others[key] === labels[key]),
  }
}

const constraintsOf = ({ pod, labels }: PodInfo, when: 'DoNotSchedule' | 'ScheduleAnyway'): Constraint[] =>
  (pod.spec.topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when).map((constraint) => constraintOf(constraint, labels))

const hasAllKeys = (node: NodeInfo, constraints: readonly Constraint[]): boolean => constraints.every(({ topologyKey }) => node.labels[topologyKey] !== undefined)

/** Whether the node counts for a constraint. */
const counts = ({ honorsAffinity, honorsTaints }: Constraint, pod: Pod, node: NodeInfo): boolean =>
  (!honorsAffinity || nodeIsRequired(pod, node)) && (!honorsTaints || !untolerated(node.taints, pod.spec.tolerations ?? [], repelling))

const matching = (node: NodeInfo, { namespace }: PodInfo, selects: (labels: Labels) => boolean): number => {
  let count = 0
  for (const other of node.pods) if (other.namespace === namespace && !other.terminating && selects(other.labels)) count++
  return count
}

/** Per constraint: how many matching pods are in each domain. */
interface Hard {
  constraints: readonly Constraint[]
  matches: Map<string, number>[]
  /** The least of each constraint's matches, worked out when it is asked for. */
  least: (number | undefined)[]
}
const hard: StateKey<Hard> = { name: 'PodTopologySpread/filter', clone: ({ constraints, matches }) => ({ constraints, matches: matches.map((each) => new Map(each)), least: [] }) }
const none: Hard = { constraints: [], matches: [], least: [] }

const preFilter: NonNullable<Plugin['preFilter']> = (pod, { nodes }, state) => {
  const constraints = constraintsOf(pod, 'DoNotSchedule')
  if (constraints.length === 0) return { verdict: fits, skip: true }
  const matches = constraints.map(() => new Map<string, number>())
  for (const node of nodes) {
    if (!hasAllKeys(node, constraints)) continue
    for (const [index, constraint] of constraints.entries()) {
      if (!counts(constraint, pod.pod, node)) continue
      const domain = node.labels[constraint.topologyKey] ?? ''
      matches[index]?.set(domain, (matches[index].get(domain) ?? 0) + matching(node, pod, constraint.selects))
    }
  }
  state.set(hard, { constraints, matches, least: [] })
  return { verdict: fits }
}

const changed = (by: 1 | -1): NonNullable<Plugin['podAdded']> => (pod, { other, node }, state) => {
  const { constraints, matches, least } = state.get(hard) ?? none
  if (other.namespace !== pod.namespace || !hasAllKeys(node, constraints)) return
  for (const [index, constraint] of constraints.entries()) {
    if (!constraint.selects(other.labels) || !counts(constraint, pod.pod, node)) continue
    const domain = node.labels[constraint.topologyKey] ?? ''
    matches[index]?.set(domain, (matches[index].get(domain) ?? 0) + by)
    least[index] = undefined
  }
}

const filter: NonNullable<Plugin['filter']> = (pod, node, state) => {
  const { constraints, matches, least } = state.get(hard) ?? none
  for (const [index, { topologyKey, minDomains, maxSkew, selects }] of constraints.entries()) {
    const domain = node.labels[topologyKey]
    const inDomains = matches[index] ?? new Map<string, number>()
    if (domain === undefined) return rejectForGood("node(s) didn't match pod topology spread constraints (missing required label)")
    const base = least[index] ??= inDomains.size < minDomains ? 0 : Math.min(...inDomains.values())
    if ((inDomains.get(domain) ?? 0) + (selects(pod.labels) ? 1 : 0) - base > maxSkew) return reject("node(s) didn't match pod topology spread constraints")
  }
  return fits
}

/** `inDomain`: per constraint, matching pods in each domain that a candidate is in (not by host name: that is counted when scored). */
interface Soft { constraints: readonly Constraint[]; inDomain: Map<string, number>[]; weights: number[]; ignored: Set<NodeInfo> }
const soft: StateKey<Soft> = { name: 'PodTopologySpread/score' }

const softConstraints = (pod: PodInfo, snapshot: SnapshotView): { constraints: Constraint[]; needAllKeys: boolean } => {
  if (pod.pod.spec.topologySpreadConstraints?.length) return { constraints: constraintsOf(pod, 'ScheduleAnyway'), needAllKeys: true }
  const selects = snapshot.defaultSelector(pod.pod)
  // Nodes without a zone are still spread over by host name.
  return { constraints: selects ? systemDefaults.map((each) => ({ ...constraintOf(each, {}), selects })) : [], needAllKeys: false }
}

const preScore: NonNullable<Plugin['preScore']> = (pod, { nodes, snapshot }, state) => {
  const { constraints, needAllKeys } = softConstraints(pod, snapshot)
  if (constraints.length === 0) return 'skip'
  const ignored = new Set(needAllKeys ? nodes.filter((node) => !hasAllKeys(node, constraints)) : [])
  const inDomain = constraints.map(({ topologyKey }) => new Map<string, number>(topologyKey === hostname ? [] : nodes.filter((node) => !ignored.has(node)).map((node) => [node.labels[topologyKey] ?? '', 0] as const)))
  const weights = constraints.map(({ topologyKey }, index) => Math.log((topologyKey === hostname ? nodes.length - ignored.size : inDomain[index]?.size ?? 0) + 2))
  for (const node of snapshot.nodes) {
    if (needAllKeys && !hasAllKeys(node, constraints)) continue
    for (const [index, constraint] of constraints.entries()) {
      const domain = node.labels[constraint.topologyKey] ?? ''
      const before = inDomain[index]?.get(domain)
      if (before !== undefined && counts(constraint, pod.pod, node)) inDomain[index]?.set(domain, before + matching(node, pod, constraint.selects))
    }
  }
  state.set(soft, { constraints, inDomain, weights, ignored })
  return undefined
}

const score: NonNullable<Plugin['score']> = (pod, node, state) => {
  const { constraints, inDomain, weights, ignored } = state.get(soft) ?? { constraints: [], inDomain: [], weights: [], ignored: new Set<NodeInfo>() }
  if (ignored.has(node)) return 0
  let sum = 0
  for (const [index, { topologyKey, maxSkew, selects }] of constraints.entries()) {
    const domain = node.labels[topologyKey]
    if (domain === undefined) continue
    const count = topologyKey === hostname ? matching(node, pod, selects) : inDomain[index]?.get(domain) ?? 0
    sum += count * (weights[index] ?? 0) + (maxSkew - 1)
  }
  return Math.round(sum)
}

const normalize: NonNullable<Plugin['normalize']> = (scores, nodes, state) => {
  const ignored = state.get(soft)?.ignored ?? new Set<NodeInfo>()
  const scored = scores.filter((_, index) => !ignored.has(nodes[index] as NodeInfo))
  const least = Math.min(...scored)
  const most = Math.max(0, ...scored)
  for (const [index, raw] of scores.entries()) {
    if (ignored.has(nodes[index] as NodeInfo)) scores[index] = 0
    else scores[index] = most === 0 ? maxScore : Math.floor((maxScore * (most + least - raw)) / most)
  }
}

const mayHelp: NonNullable<Plugin['mayHelp']> = (event, pod) => {
  const info = podInfoOf(pod)
  const constraints = constraintsOf(info, 'DoNotSchedule')
  switch (event.on) {
    case 'Pod': return !deepEqual(event.pod.metadata.labels, event.previous.metadata.labels) || !deepEqual(event.pod.spec.topologySpreadConstraints, event.previous.spec.topologySpreadConstraints)
    case 'AssignedPod': {
      const concerns = (other: Pod | undefined): boolean => other !== undefined && other.metadata.namespace === info.namespace && constraints.some(({ selects }) => selects(other.metadata.labels ?? {}))
      const sameLabels = event.pod && event.previous && deepEqual(event.pod.metadata.labels, event.previous.metadata.labels) && event.pod.metadata.deletionTimestamp === event.previous.metadata.deletionTimestamp
      return !sameLabels && (concerns(event.pod) || concerns(event.previous))
    }
    case 'Node': return constraints.some(({ topologyKey }) => event.node?.metadata.labels?.[topologyKey] !== event.previous?.metadata.labels?.[topologyKey])
      || (event.node !== undefined && !deepEqual(event.node.spec.taints, event.previous?.spec.taints))
    default: return false
  }
}

export const podTopologySpread: Plugin = { name: 'PodTopologySpread', preFilter, podAdded: changed(1), podRemoved: changed(-1), filter, preScore, score, normalize, mayHelp }
