/** Nodes that fall silent: their state becomes unknown, they are tainted, their pods are not ready any more. A deadline per node, no scan. Mirrors pkg/controller/nodelifecycle. */
import { timestamp } from '../../api/clock.ts'
import { Leases, Nodes, Pods } from '../../api/kinds.ts'
import { isNotFound } from '../../api/status.ts'
import type { Node, Pod } from '../../api/types.ts'
import { type Action, event, update, updateStatus } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { isPodReady } from '../pod.ts'
import { byNode } from '../selected-pods.ts'
import { defaultGracePeriods, graceMilliseconds, type GracePeriods, type Heartbeats, heartbeats, readyStatus, unknownConditions } from './health.ts'
import { nextTaints } from './node-taints.ts'

const leaseNamespace = 'kube-node-lease'

/** Its kubelet will not say so, so we do: that is what takes its endpoints out of the Services. */
const podNotReady = (pod: Pod, now: Date): Action[] => [{
  do: 'patch', kind: Pods, at: { name: pod.metadata.name, namespace: pod.metadata.namespace }, subresource: 'status', tolerate: isNotFound,
  patch: { type: 'strategic', body: { metadata: { uid: pod.metadata.uid }, status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: timestamp(now) }] } } },
}, event(Pods, pod, { type: 'Warning', reason: 'NodeNotReady', message: 'Node is not ready' })]

const podsNotReady = (node: Node, world: World): Action[] => world.byIndex(Pods, byNode, node.metadata.name).filter(isPodReady).flatMap((pod) => podNotReady(pod, world.now))

const statusChange = (node: Node, to: string): Action => event(Nodes, node, { type: 'Normal', reason: to, message: `Node ${node.metadata.name} status is now: ${to}` })

/** Its conditions become Unknown; what follows from that is planned when the write is seen. */
const lose = (node: Node, world: World): Action[] => [
  ...(readyStatus(node) === 'True' ? [statusChange(node, 'NodeNotReady')] : []),
  updateStatus(Nodes, { ...node, status: { ...node.status, conditions: unknownConditions(node, world.now) } }),
  ...podsNotReady(node, world),
]

const taint = (node: Node, world: World): Action[] => {
  const mayEvict = world.list(Nodes).some((each) => readyStatus(each) === 'True')
  const taints = nextTaints(node, mayEvict, world.now)
  return taints ? [update(Nodes, { ...node, spec: { ...node.spec, taints } })] : []
}

/** `wasReady`: when this node was last planned. */
export const planNode = (node: Node, world: World, known: { silenceMilliseconds: number; wasReady: boolean; grace: GracePeriods }): Action[] => {
  const left = graceMilliseconds(node, known.grace) - known.silenceMilliseconds
  if (left <= 0 && unknownConditions(node, world.now).some((next, index) => next !== node.status.conditions?.[index])) return lose(node, world)
  const status = readyStatus(node)
  const lost = status === 'Unknown' || (status === 'False' && known.wasReady)
  return [
    ...(status === 'False' && known.wasReady ? [statusChange(node, 'NodeNotReady')] : []),
    ...taint(node, world),
    ...(lost ? podsNotReady(node, world) : []),
    ...(left > 0 ? [{ do: 'requeueAfter' as const, milliseconds: left }] : []),
  ]
}

const readyChanged = (node: Node | undefined, previous: Node | undefined): boolean => (node && readyStatus(node)) !== (previous && readyStatus(previous))

/** As upstream's RecordNodeEvent. */
const nodeEvent = (node: Node, reason: string, what: string): Action => event(Nodes, node, { type: 'Normal', reason, message: `Node ${node.metadata.name} event: ${what}` })

const planWith = (beats: Heartbeats, grace: GracePeriods): Reconciler['plan'] => {
  const ready = new Set<string>()
  /** As last seen: of a node that is gone nothing else is left to tell of. */
  const known = new Map<string, Node>()
  return (name, world) => {
    const node = world.get(Nodes, name)
    const before = known.get(name)
    if (!node) {
      beats.forget(name)
      ready.delete(name)
      known.delete(name)
      return before ? [nodeEvent(before, 'RemovingNode', `Removing Node ${name} from Controller`)] : []
    }
    known.set(name, node)
    const wasReady = ready.has(name)
    if (readyStatus(node) === 'True') ready.add(name)
    else ready.delete(name)
    return [
      ...(before?.metadata.uid === node.metadata.uid ? [] : [nodeEvent(node, 'RegisteredNode', `Registered Node ${name} in Controller`)]),
      ...planNode(node, world, { silenceMilliseconds: beats.silence(node, world.get(Leases, `${leaseNamespace}/${name}`)), wasReady, grace }),
    ]
  }
}

/** `monotonic`: the clock by which silence is measured. */
export const nodeLifecycle = ({ monotonic, grace = defaultGracePeriods }: { monotonic(): number; grace?: GracePeriods }): Reconciler => ({
  name: 'node-controller',
  watches: [
    watching(Nodes, ({ metadata }) => [metadata.name]),
    // Whether evicting is wise depends on all nodes together.
    watching(Nodes, (_, world) => world.list(Nodes).map(({ metadata }) => metadata.name), { matters: readyChanged }),
    watching(Leases, ({ metadata }) => [metadata.name], { selection: { namespace: leaseNamespace } }),
  ],
  reads: [Pods],
  plan: planWith(heartbeats(monotonic), grace),
})
