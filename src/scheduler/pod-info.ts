/** A pod with what plugins ask about it again and again, worked out once. Mirrors `framework.PodInfo`. */
import { keyOf } from '../api/meta.ts'
import type { Labels } from '../api/requirement.ts'
import { nothing, type Selector, SelectorError, selectorFromObject, selectorMatches } from '../api/selector.ts'
import type { LabelSelector, Pod, PodAffinityTerm, WeightedPodAffinityTerm } from '../api/types.ts'
import { nonZeroRequests, podRequests, type Resources } from './resources.ts'

/** A term of pod (anti-)affinity, its selectors parsed. */
export interface AffinityTerm {
  topologyKey: string
  selector: Selector
  namespaces: ReadonlySet<string>
  /** Undefined: only the namespaces listed. */
  namespaceSelector: Selector | undefined
}
export interface WeightedTerm { weight: number; term: AffinityTerm }

export interface HostPort { protocol: string; hostIP: string; port: number }

export interface PodInfo {
  readonly pod: Pod
  readonly key: string
  readonly uid: string
  readonly namespace: string
  readonly labels: Labels
  readonly priority: number
  readonly requests: Resources
  readonly nonZeroRequests: Resources
  readonly hostPorts: readonly HostPort[]
  readonly affinity: { required: readonly AffinityTerm[]; preferred: readonly WeightedTerm[] }
  readonly antiAffinity: { required: readonly AffinityTerm[]; preferred: readonly WeightedTerm[] }
  readonly terminating: boolean
}

const known = new WeakMap<Pod, PodInfo>()

/** The same PodInfo for the same object. */
export const podInfoOf = (pod: Pod): PodInfo => {
  const before = known.get(pod)
  if (before) return before
  const { metadata: { uid, namespace = '', labels = {}, deletionTimestamp }, spec } = pod
  const required = (terms: readonly PodAffinityTerm[] | undefined) => (terms ?? []).map((term) => termOf(term, pod))
  const preferred = (terms: readonly WeightedPodAffinityTerm[] | undefined) => (terms ?? []).map(({ weight, podAffinityTerm }) => ({ weight, term: termOf(podAffinityTerm, pod) }))
  const { podAffinity: near, podAntiAffinity: away } = spec.affinity ?? {}
  const info: PodInfo = {
    pod, key: keyOf(pod), uid, namespace, labels, priority: spec.priority ?? 0, requests: podRequests(pod), nonZeroRequests: nonZeroRequests(pod), hostPorts: hostPorts(pod),
    affinity: { required: required(near?.requiredDuringSchedulingIgnoredDuringExecution), preferred: preferred(near?.preferredDuringSchedulingIgnoredDuringExecution) },
    antiAffinity: { required: required(away?.requiredDuringSchedulingIgnoredDuringExecution), preferred: preferred(away?.preferredDuringSchedulingIgnoredDuringExecution) },
    terminating: deletionTimestamp !== undefined,
  }
  known.set(pod, info)
  return info
}

const hostPorts = ({ spec }: Pod): HostPort[] => [...spec.containers, ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')]
  .flatMap(({ ports = [] }) => ports.flatMap(({ hostPort, hostIP, protocol }) => (hostPort ? [{ port: hostPort, hostIP: hostIP || '0.0.0.0', protocol: protocol || 'TCP' }] : [])))

const termOf = (term: PodAffinityTerm, pod: Pod): AffinityTerm => {
  const { labels = {}, namespace = '' } = pod.metadata
  const byLabelKeys = (keys: readonly string[] | undefined, operator: 'In' | 'NotIn') => (keys ?? []).flatMap((key) => (labels[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }]))
  const more = [...byLabelKeys(term.matchLabelKeys, 'In'), ...byLabelKeys(term.mismatchLabelKeys, 'NotIn')]
  const labelSelector = term.labelSelector && more.length > 0 ? { ...term.labelSelector, matchExpressions: [...(term.labelSelector.matchExpressions ?? []), ...more] } : term.labelSelector
  // Neither namespaces nor a selector: the pod's own namespace.
  const namespaces = term.namespaces?.length || term.namespaceSelector ? term.namespaces ?? [] : [namespace]
  return {
    topologyKey: term.topologyKey, selector: lenient(labelSelector), namespaces: new Set(namespaces),
    namespaceSelector: term.namespaceSelector && lenient(term.namespaceSelector),
  }
}

/** API servers let no invalid selector in; should one be there, it means nobody, and one pod does not stop the others. */
const lenient = (selector: LabelSelector | undefined): Selector => {
  try {
    return selectorFromObject(selector)
  } catch (error) {
    if (error instanceof SelectorError) return nothing
    throw error
  }
}

/** Whether a term means this pod, by namespace and labels; the topology is another question. */
export const termMatches = (term: AffinityTerm, other: Pick<PodInfo, 'namespace' | 'labels'>, namespaceLabels: (namespace: string) => Labels): boolean =>
  (term.namespaces.has(other.namespace) || (term.namespaceSelector !== undefined && selectorMatches(term.namespaceSelector, namespaceLabels(other.namespace))))
    && selectorMatches(term.selector, other.labels)
