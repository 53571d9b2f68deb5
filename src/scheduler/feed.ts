/** Brings what the informers hear to the snapshot and the queue. Mirrors `pkg/scheduler/eventhandlers.go`. */
import type { CSIDriver, CSINode, CSIStorageCapacity, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../api/types.ts'
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

export interface Fed {
  pods: Informer<Pod>
  nodes: Informer<Node>
  namespaces: Informer<Namespace>
  claims: Informer<PersistentVolumeClaim>
  volumes: Informer<PersistentVolume>
  storageClasses: Informer<StorageClass>
  csiNodes: Informer<CSINode>
  csiDrivers: Informer<CSIDriver>
  capacities: Informer<CSIStorageCapacity>
}

/** Hands on every change until `signal` aborts. */
export const feed = async (informers: Fed, sinks: Sinks, signal: AbortSignal): Promise<void> => {
  const { queue } = sinks
  await Promise.all([
    (async () => { for await (const change of informers.nodes.changes(signal)) nodeChanged(change, sinks) })(),
    (async () => { for await (const change of informers.pods.changes(signal)) podChanged(change, sinks) })(),
    (async () => { for await (const change of informers.namespaces.changes(signal)) if (change.object?.metadata.labels !== change.previous?.metadata.labels) queue.happened({ on: 'Namespace' }) })(),
    (async () => { for await (const { object } of informers.claims.changes(signal)) queue.happened({ on: 'PersistentVolumeClaim', claim: object }) })(),
    (async () => { for await (const { object } of informers.volumes.changes(signal)) queue.happened({ on: 'PersistentVolume', volume: object }) })(),
    (async () => { for await (const _ of informers.csiNodes.changes(signal)) queue.happened({ on: 'CSINode' }) })(),
    (async () => { for await (const _ of informers.csiDrivers.changes(signal)) queue.happened({ on: 'CSIDriver' }) })(),
    (async () => { for await (const _ of informers.capacities.changes(signal)) queue.happened({ on: 'CSIStorageCapacity' }) })(),
    (async () => { for await (const { object, previous } of informers.storageClasses.changes(signal)) queue.happened({ on: 'StorageClass', storageClass: object, previous }) })(),
  ])
}
