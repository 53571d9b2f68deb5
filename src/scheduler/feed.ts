/** Brings what the informers hear to the snapshot and the queue. Mirrors `pkg/scheduler/eventhandlers.go`. */
import type { Namespace, Node, Pod } from '../api/types.ts'
import type { Change, Informer } from '../client/informer.ts'
import type { SchedulingQueue } from './queue.ts'
import { podInfoOf } from './pod-info.ts'
import type { Snapshot } from './snapshot.ts'

/** What the snapshot has been told already is no news. */
interface Sinks { snapshot: Snapshot; queue: SchedulingQueue; schedulerName: string }

const isOver = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed'

export const podChanged = ({ object, previous }: Change<Pod>, { snapshot, queue, schedulerName }: Sinks): void => {
  const pod = object && !isOver(object) ? object : undefined
  if (!pod) {
    const gone = object ?? previous
    if (!gone) return
    const held = snapshot.isPlaced(gone.metadata.uid)
    snapshot.removePod(gone.metadata.uid)
    queue.remove(gone.metadata.uid)
    if (held) queue.happened({ on: 'AssignedPod', pod: undefined, previous: previous ?? gone })
  } else if (pod.spec.nodeName) {
    if (snapshot.knows(pod)) return
    snapshot.setPod(pod)
    queue.remove(pod.metadata.uid)
    queue.happened({ on: 'AssignedPod', pod, previous: previous?.spec.nodeName ? previous : undefined })
  } else if (pod.spec.schedulerName === schedulerName && !snapshot.isPlaced(pod.metadata.uid)) {
    // One that is assumed waits for its binding: what changes in it now is of no interest.
    if (pod.metadata.deletionTimestamp !== undefined) return queue.remove(pod.metadata.uid)
    if (pod.status.nominatedNodeName) snapshot.nominate(podInfoOf(pod), pod.status.nominatedNodeName)
    queue.put(pod)
  }
}

export const nodeChanged = ({ key, object, previous }: Change<Node>, { snapshot, queue }: Sinks): void => {
  if (object && snapshot.node(key)?.node === object) return
  if (object) snapshot.setNode(object)
  else snapshot.removeNode(key)
  queue.happened({ on: 'Node', node: object, previous })
}

/** Hands on every change until `signal` aborts. */
export const feed = async (informers: { pods: Informer<Pod>; nodes: Informer<Node>; namespaces: Informer<Namespace> }, sinks: Sinks, signal: AbortSignal): Promise<void> => {
  await Promise.all([
    (async () => { for await (const change of informers.nodes.changes(signal)) nodeChanged(change, sinks) })(),
    (async () => { for await (const change of informers.pods.changes(signal)) podChanged(change, sinks) })(),
    (async () => { for await (const change of informers.namespaces.changes(signal)) if (change.object?.metadata.labels !== change.previous?.metadata.labels) sinks.queue.happened({ on: 'Namespace' }) })(),
  ])
}
