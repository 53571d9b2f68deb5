/** A node with the pods on it and what they take of it. Mirrors `framework.NodeInfo`. */
import type { Labels } from '../api/requirement.ts'
import type { Node } from '../api/types.ts'
import type { HostPort, PodInfo } from './pod-info.ts'
import { addTo, type Resources, resourcesOf } from './resources.ts'

export class NodeInfo {
  readonly name: string
  /** Undefined while only pods tell of the node. */
  #node: Node | undefined
  #allocatable: Resources = new Map()
  readonly #pods = new Map<string, PodInfo>()
  readonly #requested = new Map<string, number>()
  readonly #nonZeroRequested = new Map<string, number>()
  readonly #withAffinity = new Set<PodInfo>()

  constructor(name: string, node?: Node) {
    this.name = name
    if (node) this.node = node
  }

  get node(): Node | undefined { return this.#node }
  set node(node: Node | undefined) {
    this.#node = node
    this.#allocatable = resourcesOf(node?.status.allocatable)
  }

  get labels(): Labels { return this.#node?.metadata.labels ?? {} }
  get taints(): NonNullable<Node['spec']['taints']> { return this.#node?.spec.taints ?? [] }
  get allocatable(): Resources { return this.#allocatable }
  get requested(): Resources { return this.#requested }
  /** With small amounts for containers that ask for nothing: for scores. */
  get nonZeroRequested(): Resources { return this.#nonZeroRequested }
  get podCount(): number { return this.#pods.size }
  get pods(): Iterable<PodInfo> { return this.#pods.values() }
  /** Pods with any pod affinity or anti-affinity of their own. */
  get podsWithAffinity(): Iterable<PodInfo> { return this.#withAffinity }

  has(uid: string): boolean { return this.#pods.has(uid) }

  add(pod: PodInfo): void {
    this.remove(pod.uid)
    this.#pods.set(pod.uid, pod)
    addTo(this.#requested, pod.requests)
    addTo(this.#nonZeroRequested, pod.nonZeroRequests)
    if (hasAffinity(pod)) this.#withAffinity.add(pod)
  }

  remove(uid: string): PodInfo | undefined {
    const pod = this.#pods.get(uid)
    if (!pod) return undefined
    this.#pods.delete(uid)
    addTo(this.#requested, pod.requests, -1)
    addTo(this.#nonZeroRequested, pod.nonZeroRequests, -1)
    this.#withAffinity.delete(pod)
    return pod
  }

  /** Whether a pod on the node holds one of these ports; on the same address, or one of both on all addresses. */
  holdsAny(wanted: readonly HostPort[]): boolean {
    if (wanted.length === 0) return false
    for (const { hostPorts } of this.#pods.values()) for (const held of hostPorts) if (wanted.some((port) => conflict(held, port))) return true
    return false
  }

  /** A copy for a trial. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.name, this.#node)
    for (const pod of this.#pods.values()) copy.add(pod)
    return copy
  }
}

const hasAffinity = ({ affinity, antiAffinity }: PodInfo): boolean => [affinity, antiAffinity].some(({ required, preferred }) => required.length > 0 || preferred.length > 0)

const everywhere = '0.0.0.0'
const conflict = (a: HostPort, b: HostPort): boolean => a.port === b.port && a.protocol === b.protocol && (a.hostIP === b.hostIP || a.hostIP === everywhere || b.hostIP === everywhere)
