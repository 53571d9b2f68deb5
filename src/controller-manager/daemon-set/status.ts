/** A DaemonSet's status, counted by nodes. Mirrors pkg/controller/daemon/daemon_controller.go updateDaemonSetStatus. */
import type { DaemonSet, DaemonSetStatus, Node, Pod } from '../../api/types.ts'
import { isPodAvailable, isPodReady, millisecondsToAvailable } from '../pod.ts'
import { eligibility } from './daemon-pod.ts'
import { hasHash } from './rolling-update.ts'

const oldest = (pods: readonly Pod[]): Pod | undefined => [...pods].sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1))[0]

/** Of several pods on a node the oldest counts; zeros that upstream leaves out are absent. */
export const calculateStatus = (daemonSet: DaemonSet, nodes: readonly Node[], at: { byNode: ReadonlyMap<string, readonly Pod[]>; hash: string; now: Date }): DaemonSetStatus => {
  let [desired, scheduled, misscheduled, ready, updated, available] = [0, 0, 0, 0, 0, 0]
  for (const node of nodes) {
    const pod = oldest(at.byNode.get(node.metadata.name) ?? [])
    if (!eligibility(daemonSet, node).run) {
      if (pod) misscheduled++
      continue
    }
    desired++
    if (!pod) continue
    scheduled++
    if (isPodReady(pod)) ready++
    if (isPodAvailable(pod, daemonSet.spec.minReadySeconds ?? 0, at.now)) available++
    if (hasHash(pod, at.hash)) updated++
  }
  return {
    ...daemonSet.status, observedGeneration: daemonSet.metadata.generation,
    desiredNumberScheduled: desired, currentNumberScheduled: scheduled, numberMisscheduled: misscheduled, numberReady: ready,
    updatedNumberScheduled: updated || undefined, numberAvailable: available || undefined, numberUnavailable: desired - available || undefined,
  }
}

/** Milliseconds until the next pod becomes available by time alone; undefined when none waits. */
export const nextAvailability = ({ spec }: DaemonSet, pods: readonly Pod[], now: Date): number | undefined => {
  const waits = pods.flatMap((pod) => millisecondsToAvailable(pod, spec.minReadySeconds ?? 0, now) || [])
  return waits.length > 0 ? Math.min(...waits) : undefined
}
