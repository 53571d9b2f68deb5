/** Nodes whose machine no longer exists are deleted; those that are switched off are tainted. Mirrors k8s.io/cloud-provider/controllers/nodelifecycle. */
import { Nodes } from '../api/kinds.ts'
import { keyOf } from '../api/meta.ts'
import { timestamp } from '../api/clock.ts'
import type { Node } from '../api/types.ts'
import { type Action, event, update } from '../client/action.ts'
import { type Reconciler, watching } from '../client/controller.ts'
import type { Cloud } from './cloud.ts'
import { uninitializedTaint } from './node.ts'

const shutdownTaint = 'node.cloudprovider.kubernetes.io/shutdown'

/** A machine may go without a word: while its node is not ready it is asked for again after so long. Upstream's --node-monitor-period. */
const checkMilliseconds = 5_000

const isReady = ({ status }: Node): boolean => status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
const isTainted = ({ spec }: Node): boolean => (spec.taints ?? []).some(({ key }) => key === shutdownTaint)

export type Machine = 'runs' | 'shutdown' | 'gone'

export const planMachine = (node: Node, machine: Machine, now: Date): Action[] => {
  if (machine === 'gone') {
    return [
      event(Nodes, node, { type: 'Normal', reason: 'DeletingNode', message: `Deleting node ${node.metadata.name} because it does not exist in the cloud provider` }),
      { do: 'delete', kind: Nodes, object: node },
    ]
  }
  const again: Action[] = isReady(node) ? [] : [{ do: 'requeueAfter', milliseconds: checkMilliseconds }]
  const taints = (node.spec.taints ?? []).filter(({ key }) => key !== shutdownTaint)
  if ((machine === 'shutdown') === isTainted(node)) return again
  const next = machine === 'shutdown' ? [...taints, { key: shutdownTaint, effect: 'NoSchedule', timeAdded: timestamp(now) }] : taints
  return [update(Nodes, { ...node, spec: { ...node.spec, taints: next } }), ...again]
}

const machineOf = async (cloud: Cloud, node: Node): Promise<Machine> => {
  const signal = AbortSignal.timeout(30_000)
  if (isReady(node)) return 'runs'
  if (!await cloud.instances.exists(node, signal)) return 'gone'
  return await cloud.instances.isShutdown(node, signal) ? 'shutdown' : 'runs'
}

export const cloudNodeLifecycle = (cloud: Cloud, isOurs: (node: Node) => boolean): Reconciler => ({
  name: 'cloud-node-lifecycle-controller',
  watches: [watching(Nodes, (node) => [keyOf(node)])],
  async plan(name, world) {
    const node = world.get(Nodes, name)
    const isNew = node?.spec.taints?.some(({ key }) => key === uninitializedTaint) ?? false
    if (!node || isNew || node.metadata.deletionTimestamp !== undefined || !isOurs(node)) return []
    return planMachine(node, await machineOf(cloud, node), world.now)
  },
})
