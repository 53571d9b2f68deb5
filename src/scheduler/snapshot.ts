/**
 * All nodes with the pods on them, kept up to date change by change: those bound, and those that this scheduler has just decided about (assumed).
 * A scheduling cycle is synchronous, so what it sees does not move under it. Mirrors `backend/cache`.
 */
import type { Labels } from '../api/requirement.ts'
import { type Selector, selectorFromLabels, selectorMatches } from '../api/selector.ts'
import type { Namespace, Node, Pod, Service } from '../api/types.ts'
import type { SnapshotView } from './framework.ts'
import { NodeInfo } from './node-info.ts'
import { type PodInfo, podInfoOf } from './pod-info.ts'

/** Objects of other kinds that plugins ask about. */
export interface Surroundings {
  namespace(name: string): Namespace | undefined
  services(namespace: string): readonly Service[]
  /** Which pods a controller of pods counts as its own; undefined: there is none of that kind and key. */
  selectorOf(kind: SpreadingKind, key: string): Selector | undefined
}

/** Controllers whose pods are spread though nobody asks for it, by apiVersion and kind. */
const spreadingKinds = ['v1/ReplicationController', 'apps/v1/ReplicaSet', 'apps/v1/StatefulSet'] as const
export type SpreadingKind = typeof spreadingKinds[number]

interface Placed { info: PodInfo; node: string; assumed: boolean }

const noLabels: Labels = {}

export class Snapshot implements SnapshotView {
  readonly #around: Surroundings
  readonly #nodes = new Map<string, NodeInfo>()
  readonly #placed = new Map<string, Placed>()
  /** Pods that wait for room on a node, by the node's name and their uid. */
  readonly #nominated = new Map<string, Map<string, PodInfo>>()
  #list: readonly NodeInfo[] | undefined

  constructor(around: Surroundings) { this.#around = around }

  get nodes(): readonly NodeInfo[] { return this.#list ??= [...this.#nodes.values()].filter(({ node }) => node !== undefined) }
  node(name: string): NodeInfo | undefined { return this.#nodes.get(name) }
  isPlaced(uid: string): boolean { return this.#placed.has(uid) }
  /** Whether it has been told of the pod exactly as it is. */
  knows(pod: Pod): boolean { return this.#placed.get(pod.metadata.uid)?.info.pod === pod }
  namespaceLabels = (namespace: string): Labels => this.#around.namespace(namespace)?.metadata.labels ?? noLabels

  /** Of the Services that select the pod and of the controller that owns it, all at once. Mirrors `plugins/helper/spread.go: DefaultSelector`. */
  defaultSelector = ({ metadata: { labels = {}, namespace = '', ownerReferences = [] } }: Pod): ((labels: Labels) => boolean) | undefined => {
    const ofServices = this.#around.services(namespace).flatMap(({ spec: { selector = {} } }) => (Object.keys(selector).length > 0 ? [selectorFromLabels(selector)] : []))
    const owner = ownerReferences.find(({ controller }) => controller)
    const kind = owner && spreadingKinds.find((each) => each === `${owner.apiVersion}/${owner.kind}`)
    const ofOwner = kind && this.#around.selectorOf(kind, `${namespace}/${owner.name}`)
    const selectors = [...ofServices.filter((selector) => selectorMatches(selector, labels)), ...(ofOwner ? [ofOwner] : [])]
    return selectors.length === 0 ? undefined : (others) => selectors.every((selector) => selectorMatches(selector, others))
  }

  setNode(node: Node): void {
    this.#info(node.metadata.name).node = node
    this.#list = undefined
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name)
    if (!info) return
    info.node = undefined
    if (info.podCount === 0) this.#nodes.delete(name)
    this.#list = undefined
  }

  /** A pod as the API server tells: on its node, or no longer anywhere. */
  setPod(pod: Pod): void {
    if (pod.spec.nodeName) this.#place(podInfoOf(pod), { node: pod.spec.nodeName, assumed: false })
    else this.removePod(pod.metadata.uid)
  }

  removePod(uid: string): void {
    this.#unplace(uid)
    this.removeNomination(uid)
  }

  /** The pod is as good as on the node: its binding is on its way. */
  assume(info: PodInfo, node: string): void { this.#place(info, { node, assumed: true }) }

  /** The binding failed. A pod that meanwhile turns out to be bound stays. */
  forget(uid: string): void {
    if (this.#placed.get(uid)?.assumed) this.#unplace(uid)
  }

  nominate(info: PodInfo, node: string): void {
    this.removeNomination(info.uid)
    const pods = this.#nominated.get(node) ?? new Map<string, PodInfo>()
    pods.set(info.uid, info)
    this.#nominated.set(node, pods)
  }

  removeNomination(uid: string): void {
    for (const [node, pods] of this.#nominated) if (pods.delete(uid) && pods.size === 0) this.#nominated.delete(node)
  }

  /** Pods that wait for this node and are not less important than `than`. */
  nominatedTo(node: string, than: PodInfo): readonly PodInfo[] {
    const pods = this.#nominated.get(node)
    return pods ? [...pods.values()].filter(({ uid, priority }) => uid !== than.uid && priority >= than.priority) : []
  }

  #place(info: PodInfo, at: { node: string; assumed: boolean }): void {
    this.#unplace(info.uid)
    this.removeNomination(info.uid)
    this.#placed.set(info.uid, { info, ...at })
    this.#info(at.node).add(info)
  }

  #unplace(uid: string): void {
    const placed = this.#placed.get(uid)
    if (!placed) return
    this.#placed.delete(uid)
    const node = this.#nodes.get(placed.node)
    node?.remove(uid)
    if (node && !node.node && node.podCount === 0) this.#nodes.delete(node.name)
  }

  #info(name: string): NodeInfo {
    const known = this.#nodes.get(name)
    if (known) return known
    const made = new NodeInfo(name)
    this.#nodes.set(name, made)
    return made
  }
}
