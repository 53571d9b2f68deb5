/** The cloud controller manager: what nodes, and the ways between them, need of the cloud that they live in. Mirrors k8s.io/cloud-provider/app. */
import type { Node } from '../api/types.ts'
import type { Component } from '../client/component.ts'
import { type Cluster, type Reconciler, runController } from '../client/controller.ts'
import { manager, type ManagerContext, type ManagerOptions } from '../client/manager.ts'
import type { Cloud, Routes } from './cloud.ts'
import { cloudNodes } from './node.ts'
import { cloudNodeLifecycle } from './node-lifecycle.ts'
import { routes } from './route.ts'

export const cloudControllerManagerPort = 10258

export interface CloudControllerManagerOptions extends ManagerOptions {
  clusterName: string
  /** Which nodes are this cloud's; absent: all. */
  isOurs?(node: Node): boolean
  /** Routes into the cluster's pod range are kept when given, and the cloud knows how. */
  ownsDestination?(destinationCIDR: string): boolean
}

export interface CloudContext extends ManagerContext { options: CloudControllerManagerOptions; cloud: Cloud }

const keepRoutes = ({ cloud, options }: CloudContext, cluster: Cluster, signal: AbortSignal): Promise<void>[] => {
  const { ownsDestination, clusterName } = options
  if (!cloud.routes || !ownsDestination) return []
  return [runController(routes(cloud as Cloud & { routes: Routes }, { clusterName, isOurs: ownsDestination, recorder: cluster.events.from('route_controller') }), cluster, signal)]
}

export const cloudControllerManager = (context: CloudContext): Component => manager(context, {
  name: 'cloud-controller-manager', healthPort: cloudControllerManagerPort,
  run: (cluster, signal) => {
    const isOurs = context.options.isOurs ?? (() => true)
    const controllers: Reconciler[] = [cloudNodes(context.cloud, isOurs), cloudNodeLifecycle(context.cloud, isOurs)]
    return Promise.all([...controllers.map((reconciler) => runController(reconciler, cluster, signal)), ...keepRoutes(context, cluster, signal)])
  },
})
