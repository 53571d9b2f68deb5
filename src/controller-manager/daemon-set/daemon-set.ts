/** DaemonSets: a pod on each node that wants one. Mirrors pkg/controller/daemon/daemon_controller.go. */
import { ControllerRevisions, DaemonSets, Nodes, Pods } from '../../api/kinds.ts'
import { controllerOf, keyOf } from '../../api/meta.ts'
import { selectorFromObject } from '../../api/selector.ts'
import type { DaemonSet, Node, Pod } from '../../api/types.ts'
import { type Action, event, updateStatus } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { candidatesOf, claim, keysOfOwner } from '../owners.ts'
import { isPodActive } from '../pod.ts'
import { createPod, deletePod } from '../pod-template.ts'
import { daemonPod, eligibility, nodeOf } from './daemon-pod.ts'
import { type FailureBackOff, failureBackOff } from './failure-back-off.ts'
import { cleanUpHistory, historyOf } from './history.ts'
import { place, type Placement } from './placement.ts'
import { rollingStep } from './rolling-update.ts'
import { calculateStatus, nextAvailability } from './status.ts'

/** So many pods at most are created or deleted before the world is looked at again. */
const burstReplicas = 250

const selectsAll = ({ spec }: DaemonSet): boolean => Object.keys(spec.selector.matchLabels ?? {}).length === 0 && (spec.selector.matchExpressions ?? []).length === 0

const groupByNode = (pods: readonly Pod[]): Map<string, Pod[]> => {
  const byNode = new Map<string, Pod[]>()
  for (const pod of pods) byNode.set(nodeOf(pod), [...(byNode.get(nodeOf(pod)) ?? []), pod])
  return byNode
}

const move = (daemonSet: DaemonSet, { createOn, remove }: Pick<Placement, 'createOn' | 'remove'>, hash: string): Action[] => {
  const owned = { owner: daemonSet, kind: DaemonSets }
  const creations = createOn.slice(0, burstReplicas).map((node) => createPod(daemonPod(daemonSet, node, hash), owned))
  const deletions = remove.slice(0, burstReplicas).map((pod) => deletePod(pod, owned))
  return [creations, deletions].filter(({ length }) => length > 0).map((actions) => ({ do: 'slowStart', actions }))
}

interface Observed { pods: readonly Pod[]; nodes: readonly Node[]; now: Date; backOff: FailureBackOff }

const planPods = (daemonSet: DaemonSet, hash: string, { pods, nodes, now, backOff }: Observed): Action[] => {
  const byNode = groupByNode(pods)
  const waits: number[] = []
  const mayReplace = (pod: Pod, node: Node): boolean => {
    const wait = backOff.wait(daemonSet, node.metadata.name, pod)
    if (wait > 0) waits.push(wait)
    return wait <= 0
  }
  const placement = place(daemonSet, nodes, { byNode, context: { hash, now, mayReplace } })
  const settled = placement.createOn.length === 0 && placement.remove.length === 0
  const desired = nodes.filter((node) => eligibility(daemonSet, node).run).length
  const rolls = settled && daemonSet.spec.updateStrategy?.type !== 'OnDelete'
  const step = rolls ? rollingStep(daemonSet, byNode, { hash, desired, now }) : { remove: [], createOn: [] }
  return [
    ...placement.events, ...move(daemonSet, placement, hash), ...move(daemonSet, step, hash),
    ...(waits.length > 0 ? [{ do: 'requeueAfter' as const, milliseconds: Math.min(...waits) }] : []),
  ]
}

const planStatus = (daemonSet: DaemonSet, hash: string, { pods, nodes, now }: Observed): Action[] => {
  const status = calculateStatus(daemonSet, nodes, { byNode: groupByNode(pods), hash, now })
  const wait = nextAvailability(daemonSet, pods, now)
  return [
    ...(sameMeaning(status, daemonSet.status) ? [] : [updateStatus(DaemonSets, { ...daemonSet, status })]),
    ...(wait === undefined ? [] : [{ do: 'requeueAfter' as const, milliseconds: wait }]),
  ]
}

export const planDaemonSet = (key: string, world: World, backOff: FailureBackOff): Action[] => {
  const daemonSet = world.get(DaemonSets, key)
  if (!daemonSet) return []
  if (selectsAll(daemonSet)) return [event(DaemonSets, daemonSet, { type: 'Warning', reason: 'SelectingAll', message: 'This daemon set is selecting all pods. A non-empty selector is required.' })]
  if (daemonSet.metadata.deletionTimestamp !== undefined) return []
  const selector = selectorFromObject(daemonSet.spec.selector)
  const adopting = claim(daemonSet, { kind: ControllerRevisions, ownerKind: DaemonSets, selector, candidates: candidatesOf(world, ControllerRevisions, daemonSet) })
  const claimed = claim(daemonSet, { kind: Pods, ownerKind: DaemonSets, selector, candidates: candidatesOf(world, Pods, daemonSet).filter((pod) => controllerOf(pod) !== undefined || isPodActive(pod)) })
  const claims = [...adopting.actions, ...claimed.actions]
  if (claims.length > 0) return claims
  const history = historyOf(daemonSet, adopting.mine, (name) => world.get(ControllerRevisions, keyOf({ metadata: { namespace: daemonSet.metadata.namespace, name } })) !== undefined)
  if (!history) return [updateStatus(DaemonSets, { ...daemonSet, status: { ...daemonSet.status, collisionCount: (daemonSet.status.collisionCount ?? 0) + 1 } })]
  const observed: Observed = { pods: claimed.mine, nodes: world.list(Nodes), now: world.now, backOff }
  return [
    ...history.actions, ...planPods(daemonSet, history.hash, observed),
    ...cleanUpHistory(daemonSet, history.old, claimed.mine), ...planStatus(daemonSet, history.hash, observed),
  ]
}

const placing = ({ metadata, spec }: Node): unknown => [metadata.labels, spec.taints, spec.unschedulable]

export const daemonSets = (monotonic: () => number): Reconciler => {
  const backOff = failureBackOff(monotonic)
  return {
    name: 'daemonset-controller',
    watches: [
      watching(DaemonSets, (daemonSet) => [keyOf(daemonSet)]),
      // A revision that somebody adds under the set's name is only looked at with the set's next change, as upstream does.
      watching(ControllerRevisions, keysOfOwner(DaemonSets), { matters: (revision, previous) => !revision || previous !== undefined || controllerOf(revision) === undefined }),
      watching(Pods, keysOfOwner(DaemonSets)),
      watching(Nodes, (_, world) => world.list(DaemonSets).map(keyOf), { matters: (node, previous) => !node || !previous || !sameMeaning(placing(node), placing(previous)) }),
    ],
    plan: (key, world) => planDaemonSet(key, world, backOff),
  }
}
