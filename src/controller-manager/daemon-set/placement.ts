/** Which nodes need a daemon, and which daemons are too many. Mirrors pkg/controller/daemon/daemon_controller.go podsShouldBeOnNode. */
import { DaemonSets } from '../../api/kinds.ts'
import type { DaemonSet, Node, Pod } from '../../api/types.ts'
import { type Action, event } from '../../client/action.ts'
import { isPodAvailable } from '../pod.ts'
import { eligibility } from './daemon-pod.ts'
import { hasHash, limits } from './rolling-update.ts'

export interface Placement { createOn: string[]; remove: Pod[]; events: Action[] }

export interface PlacementContext {
  hash: string
  now: Date
  /** Whether a failed pod may be replaced now; false while its node's back-off runs. */
  mayReplace(pod: Pod, node: Node): boolean
}

const oldestFirst = (pods: readonly Pod[]): Pod[] => [...pods].sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : a.metadata.creationTimestamp > b.metadata.creationTimestamp ? 1 : a.metadata.name < b.metadata.name ? -1 : 1))

/** While surging a node may have one old and one new pod. */
const duplicates = (daemonSet: DaemonSet, pods: readonly Pod[], { hash, now }: PlacementContext): Pod[] => {
  if (limits(daemonSet, 1).surge === 0) return oldestFirst(pods).slice(1)
  const [next, ...moreNew] = oldestFirst(pods.filter((pod) => hasHash(pod, hash)))
  const [, ...moreOld] = oldestFirst(pods.filter((pod) => !hasHash(pod, hash)))
  const replaced = next && isPodAvailable(next, daemonSet.spec.minReadySeconds ?? 0, now) ? oldestFirst(pods.filter((pod) => !hasHash(pod, hash))).slice(0, 1) : []
  return [...moreNew, ...moreOld, ...replaced]
}

const told = (daemonSet: DaemonSet, pod: Pod, node: Node): Action => {
  const what = `daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${node.metadata.name}`
  return pod.status.phase === 'Failed'
    ? event(DaemonSets, daemonSet, { type: 'Warning', reason: 'FailedDaemonPod', message: `Found failed ${what}, will try to kill it` })
    : event(DaemonSets, daemonSet, { type: 'Normal', reason: 'SucceededDaemonPod', message: `Found succeeded ${what}, will try to delete it` })
}

const placeOn = (daemonSet: DaemonSet, node: Node, at: { pods: readonly Pod[]; context: PlacementContext }): Placement => {
  const { pods, context } = at
  const { run, stay } = eligibility(daemonSet, node)
  const present = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  if (!stay) return { createOn: [], remove: present, events: [] }
  if (pods.length === 0) return { createOn: run ? [node.metadata.name] : [], remove: [], events: [] }
  const ended = present.filter((pod) => pod.status.phase === 'Succeeded' || (pod.status.phase === 'Failed' && context.mayReplace(pod, node)))
  const running = present.filter(({ status }) => status.phase !== 'Succeeded' && status.phase !== 'Failed')
  return { createOn: [], remove: [...ended, ...duplicates(daemonSet, running, context)], events: ended.map((pod) => told(daemonSet, pod, node)) }
}

/** `byNode`: the DaemonSet's pods, by the node that they run on or are meant for. */
export const place = (daemonSet: DaemonSet, nodes: readonly Node[], at: { byNode: ReadonlyMap<string, readonly Pod[]>; context: PlacementContext }): Placement => {
  const { byNode, context } = at
  const names = new Set(nodes.map(({ metadata }) => metadata.name))
  const placements = nodes.map((node) => placeOn(daemonSet, node, { pods: byNode.get(node.metadata.name) ?? [], context }))
  const lost = [...byNode].filter(([name]) => !names.has(name)).flatMap(([, pods]) => pods.filter(({ spec, metadata }) => !spec.nodeName && metadata.deletionTimestamp === undefined))
  return { createOn: placements.flatMap((each) => each.createOn), remove: [...placements.flatMap((each) => each.remove), ...lost], events: placements.flatMap((each) => each.events) }
}
