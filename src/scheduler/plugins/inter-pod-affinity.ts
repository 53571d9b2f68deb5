/** Pods near to, or away from, other pods. Mirrors `plugins/interpodaffinity`. */
import { deepEqual } from '../../api/equal.ts'
import type { Labels } from '../../api/requirement.ts'
import type { StateKey } from '../cycle-state.ts'
import { fits, maxScore, type Plugin, reject, rejectForGood } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { type AffinityTerm, type PodInfo, podInfoOf, termMatches } from '../pod-info.ts'

/** By topology key and domain: how many pods match, or how much they weigh. */
class Domains {
  readonly #byKey: Map<string, Map<string, number>>
  constructor(byKey = new Map<string, Map<string, number>>()) { this.#byKey = byKey }

  add(node: NodeInfo, key: string, amount: number): void {
    const domain = node.labels[key]
    if (domain === undefined) return
    const domains = this.#byKey.get(key) ?? new Map<string, number>()
    this.#byKey.set(key, domains)
    const sum = (domains.get(domain) ?? 0) + amount
    if (sum === 0) domains.delete(domain)
    else domains.set(domain, sum)
  }
  of(node: NodeInfo, key: string): number {
    const domain = node.labels[key]
    return domain === undefined ? 0 : this.#byKey.get(key)?.get(domain) ?? 0
  }
  get keys(): Iterable<string> { return this.#byKey.keys() }
  get isEmpty(): boolean { return [...this.#byKey.values()].every(({ size }) => size === 0) }
  clone(): Domains { return new Domains(new Map([...this.#byKey].map(([key, domains]) => [key, new Map(domains)]))) }
}

type NamespaceLabels = (namespace: string) => Labels

interface Hard {
  /** Where existing pods do not want this one. */
  refusing: Domains
  /** Where pods are that this one must be near to, and must be away from. */
  wanted: Domains
  unwanted: Domains
  namespaceLabels: NamespaceLabels
}
const hard: StateKey<Hard> = { name: 'InterPodAffinity/filter', clone: ({ refusing, wanted, unwanted, namespaceLabels }) => ({ refusing: refusing.clone(), wanted: wanted.clone(), unwanted: unwanted.clone(), namespaceLabels }) }

/** A pod that is to be near others must match all terms at once to count as one of them. */
const matchesAll = (terms: readonly AffinityTerm[], other: PodInfo, labels: NamespaceLabels): boolean => terms.length > 0 && terms.every((term) => termMatches(term, other, labels))

const account = (pod: PodInfo, { other, node }: { other: PodInfo; node: NodeInfo }, { state: { refusing, wanted, unwanted, namespaceLabels }, by }: { state: Hard; by: 1 | -1 }): void => {
  for (const term of other.antiAffinity.required) if (termMatches(term, pod, namespaceLabels)) refusing.add(node, term.topologyKey, by)
  if (matchesAll(pod.affinity.required, other, namespaceLabels)) for (const term of pod.affinity.required) wanted.add(node, term.topologyKey, by)
  for (const term of pod.antiAffinity.required) if (termMatches(term, other, namespaceLabels)) unwanted.add(node, term.topologyKey, by)
}

const preFilter: NonNullable<Plugin['preFilter']> = (pod, snapshot, state) => {
  const noted: Hard = { refusing: new Domains(), wanted: new Domains(), unwanted: new Domains(), namespaceLabels: snapshot.namespaceLabels }
  const hasTerms = pod.affinity.required.length > 0 || pod.antiAffinity.required.length > 0
  for (const node of snapshot.nodes) for (const other of hasTerms ? node.pods : node.podsWithAffinity) account(pod, { other, node }, { state: noted, by: 1 })
  if (!hasTerms && noted.refusing.isEmpty) return { verdict: fits, skip: true }
  state.set(hard, noted)
  return { verdict: fits }
}

const changed = (by: 1 | -1): NonNullable<Plugin['podAdded']> => (pod, trial, state) => {
  const noted = state.get(hard)
  if (noted) account(pod, trial, { state: noted, by })
}

const filter: NonNullable<Plugin['filter']> = (pod, node, state) => {
  const noted = state.get(hard)
  if (!noted) return fits
  const { refusing, wanted, unwanted, namespaceLabels } = noted
  const near = pod.affinity.required
  if (!near.every(({ topologyKey }) => node.labels[topologyKey] !== undefined)) return rejectForGood("node(s) didn't match pod affinity rules")
  // The first of a group that wants to be near itself may go anywhere.
  const isFirst = wanted.isEmpty && matchesAll(near, pod, namespaceLabels)
  if (!isFirst && !near.every(({ topologyKey }) => wanted.of(node, topologyKey) > 0)) return rejectForGood("node(s) didn't match pod affinity rules")
  if (pod.antiAffinity.required.some(({ topologyKey }) => unwanted.of(node, topologyKey) > 0)) return reject("node(s) didn't match pod anti-affinity rules")
  for (const key of refusing.keys) if (refusing.of(node, key) > 0) return reject("node(s) didn't satisfy existing pods anti-affinity rules")
  return fits
}

const soft: StateKey<Domains> = { name: 'InterPodAffinity/score' }
// What a required term of an existing pod counts in favour of a node (upstream's default hardPodAffinityWeight).
const hardAffinityWeight = 1

const preScore: NonNullable<Plugin['preScore']> = (pod, { snapshot }, state) => {
  const { namespaceLabels } = snapshot
  const weights = new Domains()
  const hasPreferences = pod.affinity.preferred.length > 0 || pod.antiAffinity.preferred.length > 0
  for (const node of snapshot.nodes) {
    for (const other of hasPreferences ? node.pods : node.podsWithAffinity) {
      for (const { term, weight } of pod.affinity.preferred) if (termMatches(term, other, namespaceLabels)) weights.add(node, term.topologyKey, weight)
      for (const { term, weight } of pod.antiAffinity.preferred) if (termMatches(term, other, namespaceLabels)) weights.add(node, term.topologyKey, -weight)
      for (const term of other.affinity.required) if (termMatches(term, pod, namespaceLabels)) weights.add(node, term.topologyKey, hardAffinityWeight)
      for (const { term, weight } of other.affinity.preferred) if (termMatches(term, pod, namespaceLabels)) weights.add(node, term.topologyKey, weight)
      for (const { term, weight } of other.antiAffinity.preferred) if (termMatches(term, pod, namespaceLabels)) weights.add(node, term.topologyKey, -weight)
    }
  }
  if (weights.isEmpty) return 'skip'
  state.set(soft, weights)
  return undefined
}

const score: NonNullable<Plugin['score']> = (_, node, state) => {
  const weights = state.get(soft)
  return weights ? [...weights.keys].reduce((sum, key) => sum + weights.of(node, key), 0) : 0
}

const normalize: NonNullable<Plugin['normalize']> = (scores) => {
  const least = Math.min(...scores)
  const range = Math.max(...scores) - least
  for (const [index, raw] of scores.entries()) scores[index] = range === 0 ? 0 : Math.floor((maxScore * (raw - least)) / range)
}

const mayHelp: NonNullable<Plugin['mayHelp']> = (event, pod) => {
  const info = podInfoOf(pod)
  const terms = [...info.affinity.required, ...info.antiAffinity.required]
  switch (event.on) {
    case 'Namespace': return terms.some(({ namespaceSelector }) => namespaceSelector !== undefined)
    case 'Pod': return !deepEqual(event.pod.metadata.labels, event.previous.metadata.labels)
    case 'Node': return event.node !== undefined && !deepEqual(event.node.metadata.labels, event.previous?.metadata.labels)
    // A pod that comes may be the one to be near to; one that goes, or is relabelled, may have been in the way.
    case 'AssignedPod': return !event.pod || !event.previous || !deepEqual(event.pod.metadata.labels, event.previous.metadata.labels)
    default: return false
  }
}

export const interPodAffinity: Plugin = { name: 'InterPodAffinity', preFilter, podAdded: changed(1), podRemoved: changed(-1), filter, preScore, score, normalize, mayHelp }
