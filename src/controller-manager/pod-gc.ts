/** Pods that nobody else will remove. Mirrors pkg/controller/podgc/gc_controller.go. */
import { timestamp } from '../api/clock.ts'
import { Nodes, Pods } from '../api/kinds.ts'
import { keyOf } from '../api/meta.ts'
import { isNotFound } from '../api/status.ts'
import type { Node, Pod } from '../api/types.ts'
import type { Action } from '../client/action.ts'
import type { Client } from '../client/client.ts'
import { type Reconciler, watching, type World } from '../client/controller.ts'
import type { Index } from '../client/informer.ts'
import { findCondition } from './conditions.ts'
import { isPodFinished } from './pod.ts'
import { byNode } from './selected-pods.ts'
import { taintKeys } from './taints.ts'

/** A node may only be late: its pods get so long. */
export const quarantineMilliseconds = 40_000

/** Upstream's --terminated-pod-gc-threshold. */
export const defaultTerminatedThreshold = 12_500

const finished: Index<Pod> = { name: 'finished', valuesOf: (pod) => (isPodFinished(pod) ? [''] : []) }
const terminatedKey = ' terminated'

const forceDelete = (pod: Pod): Action => ({ do: 'delete', kind: Pods, object: pod, options: { gracePeriodSeconds: 0 } })

/** A pod that never came to an end of its own is told to have failed, and why. */
const failAndDelete = (pod: Pod, why: { reason: string; message: string }, now: Date): Action[] => [
  ...(isPodFinished(pod) ? [] : [{
    do: 'patch' as const, kind: Pods, at: { name: pod.metadata.name, namespace: pod.metadata.namespace }, subresource: 'status', tolerate: isNotFound,
    patch: { type: 'strategic' as const, body: { metadata: { uid: pod.metadata.uid }, status: { phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True', ...why, lastTransitionTime: timestamp(now) }] } } },
  }]),
  forceDelete(pod),
]

const isOutOfService = (node: Node): boolean => findCondition(node.status.conditions, 'Ready')?.status !== 'True' && (node.spec.taints ?? []).some(({ key }) => key === taintKeys.outOfService)

const collectedBy = { reason: 'DeletionByPodGC' }

/** What becomes of one pod; `nodeIsGone` has outlasted the quarantine and was asked of the server. */
export const planPod = (pod: Pod, world: World, nodeIsGone: boolean): Action[] => {
  const terminating = pod.metadata.deletionTimestamp !== undefined
  if (!pod.spec.nodeName) return terminating ? [forceDelete(pod)] : []
  if (nodeIsGone) return failAndDelete(pod, { ...collectedBy, message: 'PodGC: node no longer exists' }, world.now)
  const node = world.get(Nodes, pod.spec.nodeName)
  return node && terminating && isOutOfService(node) ? failAndDelete(pod, { ...collectedBy, message: 'PodGC: node is out of service' }, world.now) : []
}

const planTerminated = (world: World, threshold: number): Action[] => {
  const pods = world.byIndex(Pods, finished, '')
  if (threshold <= 0 || pods.length <= threshold) return []
  return [...pods].sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1)).slice(0, pods.length - threshold).map(forceDelete)
}

export interface PodGC { client: Client; monotonic(): number; terminatedThreshold?: number }

export const podGarbageCollector = ({ client, monotonic, terminatedThreshold = defaultTerminatedThreshold }: PodGC): Reconciler => {
  const missingSince = new Map<string, number>()
  /** Milliseconds of quarantine left; 0 when the node is gone for sure, undefined when it is there. */
  const quarantine = async (nodeName: string, world: World): Promise<number | undefined> => {
    if (world.get(Nodes, nodeName)) {
      missingSince.delete(nodeName)
      return undefined
    }
    const since = missingSince.get(nodeName) ?? monotonic()
    missingSince.set(nodeName, since)
    const left = since + quarantineMilliseconds - monotonic()
    if (left > 0) return left
    try {
      await client.get(Nodes, { name: nodeName })
      return undefined
    } catch (error) {
      if (isNotFound(error)) return 0
      throw error
    }
  }
  return {
    name: 'pod-garbage-collector-controller',
    watches: [
      watching(Pods, (pod) => [keyOf(pod), ...(isPodFinished(pod) ? [terminatedKey] : [])], { matters: (pod, previous) => pod !== undefined
        && !(previous && previous.spec.nodeName === pod.spec.nodeName && previous.metadata.deletionTimestamp === pod.metadata.deletionTimestamp && isPodFinished(previous) === isPodFinished(pod)) }),
      watching(Nodes, (node, world) => world.byIndex(Pods, byNode, node.metadata.name).map(keyOf), { matters: (node) => !node || isOutOfService(node) }),
    ],
    async plan(key, world) {
      if (key === terminatedKey) return planTerminated(world, terminatedThreshold)
      const pod = world.get(Pods, key)
      if (!pod) return []
      const left = pod.spec.nodeName ? await quarantine(pod.spec.nodeName, world) : undefined
      return left ? [{ do: 'requeueAfter', milliseconds: left }] : planPod(pod, world, left === 0)
    },
  }
}
