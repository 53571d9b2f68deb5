/** Objects for tests, in sentences: `aPod().named('web').inNamespace('shop').requesting({ cpu: '1' }).build()`. Builders are immutable. */
import type { Affinity, Container, ContainerPort, LabelSelector, Metadata, Node, NodeCondition, NodeSelectorRequirement, NodeSelectorTerm, OwnerReference, Pod, PodAffinityTerm, PodCondition, Taint, Toleration, TopologySpreadConstraint } from '../../src/api/types.ts'

let made = 0
const metadata = (name: string, namespace?: string): Metadata => ({ name, uid: `uid-${name}-${++made}`, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', ...(namespace !== undefined && { namespace }) })

export class PodBuilder {
  readonly #pod: Pod
  constructor(pod: Pod) { this.#pod = pod }

  build(): Pod { return structuredClone(this.#pod) }
  #with(change: { metadata?: Partial<Metadata>; spec?: Partial<Pod['spec']>; status?: Partial<Pod['status']> }): PodBuilder {
    const { metadata: of, spec, status } = this.#pod
    return new PodBuilder({ ...this.#pod, metadata: { ...of, ...change.metadata }, spec: { ...spec, ...change.spec }, status: { ...status, ...change.status } })
  }

  named(name: string): PodBuilder { return this.#with({ metadata: { name, uid: `uid-${name}-${++made}` } }) }
  inNamespace(namespace: string): PodBuilder { return this.#with({ metadata: { namespace } }) }
  withUid(uid: string): PodBuilder { return this.#with({ metadata: { uid } }) }
  withLabels(labels: Record<string, string>): PodBuilder { return this.#with({ metadata: { labels: { ...this.#pod.metadata.labels, ...labels } } }) }
  withAnnotations(annotations: Record<string, string>): PodBuilder { return this.#with({ metadata: { annotations } }) }
  createdAt(creationTimestamp: string): PodBuilder { return this.#with({ metadata: { creationTimestamp } }) }
  ownedBy(owner: OwnerReference): PodBuilder { return this.#with({ metadata: { ownerReferences: [...(this.#pod.metadata.ownerReferences ?? []), owner] } }) }
  terminating(deletionTimestamp = '2026-01-01T00:00:00Z', graceSeconds = 30): PodBuilder { return this.#with({ metadata: { deletionTimestamp, deletionGracePeriodSeconds: graceSeconds } }) }

  onNode(nodeName: string): PodBuilder { return this.#with({ spec: { nodeName } }) }
  nominatedTo(nominatedNodeName: string): PodBuilder { return this.#with({ status: { nominatedNodeName } }) }
  withSpec(spec: Partial<Pod['spec']>): PodBuilder { return this.#with({ spec }) }
  withStatus(status: Partial<Pod['status']>): PodBuilder { return this.#with({ status }) }
  inPhase(phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown'): PodBuilder { return this.#with({ status: { phase } }) }
  ready(ready = true): PodBuilder { return this.withCondition({ type: 'Ready', status: ready ? 'True' : 'False' }) }
  withCondition(condition: PodCondition): PodBuilder {
    return this.#with({ status: { conditions: [...(this.#pod.status.conditions ?? []).filter(({ type }) => type !== condition.type), condition] } })
  }
  withPodIp(podIP: string): PodBuilder { return this.#with({ status: { podIP, podIPs: [{ ip: podIP }] } }) }
  startedAt(startTime: string): PodBuilder { return this.#with({ status: { startTime } }) }

  /** One more container. The pod begins with one, named `main`, that asks for nothing. */
  withContainer(container: Partial<Container> & { name: string }): PodBuilder { return this.#with({ spec: { containers: [...this.#pod.spec.containers, container] } }) }
  withInitContainer(container: Partial<Container> & { name: string }): PodBuilder { return this.#with({ spec: { initContainers: [...(this.#pod.spec.initContainers ?? []), container] } }) }
  /** What the first container asks for. */
  requesting(requests: Record<string, string>): PodBuilder { return this.#first({ resources: { ...this.#pod.spec.containers[0]?.resources, requests } }) }
  limitedTo(limits: Record<string, string>): PodBuilder { return this.#first({ resources: { ...this.#pod.spec.containers[0]?.resources, limits } }) }
  withHostPort(hostPort: number, more: Partial<ContainerPort> = {}): PodBuilder {
    return this.#first({ ports: [...(this.#pod.spec.containers[0]?.ports ?? []), { containerPort: hostPort, hostPort, protocol: 'TCP', ...more }] })
  }
  #first(change: Partial<Container>): PodBuilder {
    const [first, ...others] = this.#pod.spec.containers
    return this.#with({ spec: { containers: [{ name: 'main', ...first, ...change }, ...others] } })
  }

  withPriority(priority: number): PodBuilder { return this.#with({ spec: { priority } }) }
  neverPreempting(): PodBuilder { return this.#with({ spec: { preemptionPolicy: 'Never' } }) }
  withNodeSelector(nodeSelector: Record<string, string>): PodBuilder { return this.#with({ spec: { nodeSelector } }) }
  tolerating(toleration: Toleration): PodBuilder { return this.#with({ spec: { tolerations: [...(this.#pod.spec.tolerations ?? []), toleration] } }) }
  gatedBy(...names: string[]): PodBuilder { return this.#with({ spec: { schedulingGates: names.map((name) => ({ name })) } }) }
  spreading(constraint: Partial<TopologySpreadConstraint> & { topologyKey: string }): PodBuilder {
    const whole = { maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', ...constraint }
    return this.#with({ spec: { topologySpreadConstraints: [...(this.#pod.spec.topologySpreadConstraints ?? []), whole] } })
  }

  requiringNodes(...terms: NodeSelectorTerm[]): PodBuilder { return this.#affinity('nodeAffinity', { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } }) }
  preferringNodes(weight: number, preference: NodeSelectorTerm): PodBuilder {
    const before = this.#pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    return this.#affinity('nodeAffinity', { preferredDuringSchedulingIgnoredDuringExecution: [...before, { weight, preference }] })
  }
  near(labelSelector: LabelSelector, topologyKey: string, more: Partial<PodAffinityTerm> = {}): PodBuilder { return this.#requiredPods('podAffinity', { labelSelector, topologyKey, ...more }) }
  awayFrom(labelSelector: LabelSelector, topologyKey: string, more: Partial<PodAffinityTerm> = {}): PodBuilder { return this.#requiredPods('podAntiAffinity', { labelSelector, topologyKey, ...more }) }
  ratherNear(weight: number, labelSelector: LabelSelector, topologyKey: string): PodBuilder { return this.#preferredPods('podAffinity', weight, { labelSelector, topologyKey }) }
  ratherAwayFrom(weight: number, labelSelector: LabelSelector, topologyKey: string): PodBuilder { return this.#preferredPods('podAntiAffinity', weight, { labelSelector, topologyKey }) }
  #requiredPods(field: 'podAffinity' | 'podAntiAffinity', term: PodAffinityTerm): PodBuilder {
    const before = this.#pod.spec.affinity?.[field]?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    return this.#affinity(field, { requiredDuringSchedulingIgnoredDuringExecution: [...before, term] })
  }
  #preferredPods(field: 'podAffinity' | 'podAntiAffinity', weight: number, podAffinityTerm: PodAffinityTerm): PodBuilder {
    const before = this.#pod.spec.affinity?.[field]?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    return this.#affinity(field, { preferredDuringSchedulingIgnoredDuringExecution: [...before, { weight, podAffinityTerm }] })
  }
  #affinity<F extends keyof Affinity>(field: F, value: NonNullable<Affinity[F]>): PodBuilder {
    const { affinity } = this.#pod.spec
    return this.#with({ spec: { affinity: { ...affinity, [field]: { ...affinity?.[field], ...value } } } })
  }
}

/** A pod in the namespace `default` with one container that asks for nothing, not on any node. */
export const aPod = (name = 'pod'): PodBuilder => new PodBuilder({
  apiVersion: 'v1', kind: 'Pod', metadata: metadata(name, 'default'),
  spec: { containers: [{ name: 'main', image: 'host' }], schedulerName: 'default-scheduler', restartPolicy: 'Always' }, status: { phase: 'Pending' },
})

export class NodeBuilder {
  readonly #node: Node
  constructor(node: Node) { this.#node = node }

  build(): Node { return structuredClone(this.#node) }
  #with(change: { metadata?: Partial<Metadata>; spec?: Partial<Node['spec']>; status?: Partial<Node['status']> }): NodeBuilder {
    const { metadata: of, spec, status } = this.#node
    return new NodeBuilder({ ...this.#node, metadata: { ...of, ...change.metadata }, spec: { ...spec, ...change.spec }, status: { ...status, ...change.status } })
  }

  withLabels(labels: Record<string, string>): NodeBuilder { return this.#with({ metadata: { labels: { ...this.#node.metadata.labels, ...labels } } }) }
  inZone(zone: string): NodeBuilder { return this.withLabels({ 'topology.kubernetes.io/zone': zone }) }
  withTaint(key: string, effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute' = 'NoSchedule', value = ''): NodeBuilder {
    const taint: Taint = { key, effect, ...(value && { value }) }
    return this.#with({ spec: { taints: [...(this.#node.spec.taints ?? []), taint] } })
  }
  unschedulable(): NodeBuilder { return this.#with({ spec: { unschedulable: true } }) }
  withSpec(spec: Partial<Node['spec']>): NodeBuilder { return this.#with({ spec }) }
  withStatus(status: Partial<Node['status']>): NodeBuilder { return this.#with({ status }) }
  /** Capacity and allocatable; what is not named stays: 4 CPUs, 8Gi, 110 pods. */
  withCapacity(resources: Record<string, string>): NodeBuilder {
    const all = { ...this.#node.status.allocatable, ...resources }
    return this.#with({ status: { capacity: all, allocatable: all } })
  }
  withCondition(condition: NodeCondition): NodeBuilder {
    return this.#with({ status: { conditions: [...(this.#node.status.conditions ?? []).filter(({ type }) => type !== condition.type), condition] } })
  }
  ready(ready = true): NodeBuilder { return this.withCondition({ type: 'Ready', status: ready ? 'True' : 'False' }) }
  withAddress(address: string, type = 'InternalIP'): NodeBuilder { return this.#with({ status: { addresses: [...(this.#node.status.addresses ?? []), { type, address }] } }) }
}

/** A node with 4 CPUs, 8Gi and room for 110 pods, labelled with its host name. */
export const aNode = (name: string): NodeBuilder => {
  const all = { cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '100Gi' }
  return new NodeBuilder({ apiVersion: 'v1', kind: 'Node', metadata: { ...metadata(name), labels: { 'kubernetes.io/hostname': name } }, spec: {}, status: { capacity: all, allocatable: all } })
}

/** One requirement on labels: `label('zone', 'In', 'a', 'b')`. */
export const label = (key: string, operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt', ...values: string[]): NodeSelectorRequirement => ({ key, operator, ...(values.length > 0 && { values }) })
