/** Pods leave a node whose NoExecute taints they do not tolerate, or not for longer. Mirrors pkg/controller/tainteviction/taint_eviction.go. */
import { timestamp } from '../../api/clock.ts'
import { Nodes, Pods } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import { isNotFound } from '../../api/status.ts'
import type { Node, Pod, Taint } from '../../api/types.ts'
import { type Action, event, remove } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { isPodFinished, podCondition } from '../pod.ts'
import { byNode } from '../selected-pods.ts'
import { isTolerated, tolerates } from '../taints.ts'

const evicting = (node: Node | undefined): Taint[] => (node?.spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute')

/** When a pod came to its node, in milliseconds of the epoch. */
const assigned = (pod: Pod): number => Date.parse(podCondition(pod, 'PodScheduled')?.lastTransitionTime ?? pod.status.startTime ?? pod.metadata.creationTimestamp)

/** When the pod must go, in milliseconds of the epoch: 0 at once, Infinity never. Of several tolerations for a taint the shortest counts. */
export const evictionTime = (pod: Pod, taints: readonly Taint[], since: (taint: Taint) => number): number => {
  const tolerations = pod.spec.tolerations ?? []
  const times = taints.map((taint) => {
    if (!isTolerated(taint, tolerations)) return 0
    const seconds = tolerations.filter((each) => tolerates(each, taint)).flatMap(({ tolerationSeconds }) => tolerationSeconds ?? [])
    return seconds.length === 0 ? Infinity : Math.max(0, Math.min(...seconds)) * 1000 + Math.max(since(taint), assigned(pod))
  })
  return Math.min(Infinity, ...times)
}

const evict = (pod: Pod, now: Date): Action[] => [
  event(Pods, pod, { type: 'Normal', reason: 'TaintManagerEviction', message: `Marking for deletion Pod ${keyOf(pod)}` }),
  {
    do: 'patch', kind: Pods, at: { name: pod.metadata.name, namespace: pod.metadata.namespace }, subresource: 'status', tolerate: isNotFound,
    patch: { type: 'strategic', body: { metadata: { uid: pod.metadata.uid }, status: { conditions: [{
      type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint', lastTransitionTime: timestamp(now),
    }] } } },
  },
  remove(Pods, pod),
]

/** `since`: from when a taint counts. */
export const planEviction = (key: string, world: World, since: (node: Node, taint: Taint) => number): Action[] => {
  const pod = world.get(Pods, key)
  const node = pod && world.get(Nodes, pod.spec.nodeName ?? '')
  if (!pod || !node || isPodFinished(pod) || pod.metadata.deletionTimestamp !== undefined) return []
  const wait = evictionTime(pod, evicting(node), (taint) => since(node, taint)) - world.now.getTime()
  if (wait <= 0) return evict(pod, world.now)
  return wait === Infinity ? [] : [{ do: 'requeueAfter', milliseconds: wait }]
}

/** Taints put by hand say not when: from when we first saw them. */
const sightings = (): ((node: Node, taint: Taint, now: Date) => number) => {
  const seen = new Map<string, Map<string, number>>()
  return (node, taint, now) => {
    if (taint.timeAdded) return Date.parse(taint.timeAdded)
    const present = new Set(evicting(node).map(({ key }) => key))
    const known = new Map([...(seen.get(node.metadata.name) ?? [])].filter(([key]) => present.has(key)))
    const at = known.get(taint.key) ?? now.getTime()
    seen.set(node.metadata.name, known.set(taint.key, at))
    return at
  }
}

export const taintEviction = (): Reconciler => {
  const firstSeen = sightings()
  return {
    name: 'taint-eviction-controller',
    watches: [
      watching(Pods, (pod) => (pod.spec.nodeName ? [keyOf(pod)] : []), { matters: (pod, previous) => pod !== undefined && !(previous && sameMeaning([pod.spec.nodeName, pod.spec.tolerations], [previous.spec.nodeName, previous.spec.tolerations])) }),
      watching(Nodes, (node, world) => world.byIndex(Pods, byNode, node.metadata.name).map(keyOf), { matters: (node, previous) => node !== undefined && !sameMeaning(evicting(node), evicting(previous)) }),
    ],
    plan: (key, world) => planEviction(key, world, (node, taint) => firstSeen(node, taint, world.now)),
  }
}
