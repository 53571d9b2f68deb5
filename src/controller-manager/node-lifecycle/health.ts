/** When a node was last heard of, and what its conditions become when it was not. Mirrors pkg/controller/nodelifecycle/node_lifecycle_controller.go tryUpdateNodeHealth. */
import { timestamp } from '../../api/clock.ts'
import type { Lease, Node, NodeCondition } from '../../api/types.ts'
import { findCondition } from '../conditions.ts'

export interface GracePeriods {
  /** After so long without a word a node's state is unknown. Upstream's --node-monitor-grace-period. */
  monitorMilliseconds: number
  /** A node that never said anything gets so long. Upstream's --node-startup-grace-period. */
  startupMilliseconds: number
}

export const defaultGracePeriods: GracePeriods = { monitorMilliseconds: 50_000, startupMilliseconds: 60_000 }

export const readyStatus = (node: Node): string | undefined => findCondition(node.status.conditions, 'Ready')?.status

/** What was last heard of each node, and when by our own clock: the nodes' clocks are not compared with it. */
export interface Heartbeats {
  /** Milliseconds since the node was last heard of; 0 when this is news. */
  silence(node: Node, lease: Lease | undefined): number
  forget(name: string): void
}

export const heartbeats = (now: () => number): Heartbeats => {
  const heard = new Map<string, { what: string; at: number }>()
  return {
    silence(node, lease) {
      const what = [node.metadata.uid, lease?.spec.renewTime ?? '', findCondition(node.status.conditions, 'Ready')?.lastHeartbeatTime ?? ''].join(' ')
      const last = heard.get(node.metadata.name)
      if (last?.what === what) return now() - last.at
      heard.set(node.metadata.name, { what, at: now() })
      return 0
    },
    forget: (name) => { heard.delete(name) },
  }
}

/** How long this node may be silent. */
export const graceMilliseconds = (node: Node, { monitorMilliseconds, startupMilliseconds }: GracePeriods): number =>
  (findCondition(node.status.conditions, 'Ready')?.lastHeartbeatTime === undefined ? startupMilliseconds : monitorMilliseconds)

const kubeletConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

/** The conditions of a node that has been silent for too long. */
export const unknownConditions = (node: Node, now: Date): NodeCondition[] => {
  const current = node.status.conditions ?? []
  const unknown = kubeletConditions.map((type): NodeCondition => {
    const old = findCondition(current, type)
    if (!old) return { type, status: 'Unknown', reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.', lastHeartbeatTime: node.metadata.creationTimestamp, lastTransitionTime: timestamp(now) }
    if (old.status === 'Unknown') return old
    return { ...old, status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.', lastTransitionTime: timestamp(now) }
  })
  return [...current.map((each) => unknown.find(({ type }) => type === each.type) ?? each), ...unknown.filter(({ type }) => !findCondition(current, type))]
}
