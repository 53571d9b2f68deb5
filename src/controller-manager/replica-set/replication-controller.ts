/** ReplicationControllers, planned as the ReplicaSets that they nearly are. Mirrors pkg/controller/replication/conversion.go. */
import { Pods, ReplicationControllers } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import { selectorFromLabels } from '../../api/selector.ts'
import type { ReplicaSet, ReplicationController } from '../../api/types.ts'
import type { Action } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { keysOfSelecting } from '../owners.ts'
import { planKeeper } from './replica-set.ts'

const asReplicaSet = (controller: ReplicationController): ReplicaSet => ({ ...controller, spec: { ...controller.spec, selector: { matchLabels: controller.spec.selector } } })

export const planReplicationController = (key: string, world: World): Action[] => {
  const controller = world.get(ReplicationControllers, key)
  if (!controller) return []
  return planKeeper({ kind: ReplicationControllers, replicaSet: asReplicaSet(controller), stored: controller, statusOf: ({ terminatingReplicas: _, ...status }) => status }, world)
}

export const replicationControllers: Reconciler = {
  name: 'replication-controller',
  watches: [
    watching(ReplicationControllers, (controller) => [keyOf(controller)]),
    watching(Pods, keysOfSelecting(ReplicationControllers, ({ spec }) => selectorFromLabels(spec.selector ?? {}))),
  ],
  plan: planReplicationController,
}
