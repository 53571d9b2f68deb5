/** The controller manager: every controller over one set of informers, in the replica that leads. Mirrors cmd/kube-controller-manager. */
import type { Component } from '../client/component.ts'
import { runController } from '../client/controller.ts'
import { manager, type ManagerContext, type ManagerOptions } from '../client/manager.ts'
import { runForAllKinds } from './all-kinds.ts'
import { type ControllerOptions, controllers } from './controllers.ts'

export const controllerManagerPort = 10257

export interface ControllerManagerOptions extends ControllerOptions, ManagerOptions {}

export const controllerManager = (context: ManagerContext & { options: ControllerManagerOptions }): Component => manager(context, {
  name: 'kube-controller-manager', healthPort: controllerManagerPort,
  run: (cluster, signal) => Promise.all([
    ...controllers({ client: cluster.client, monotonic: () => cluster.clock.monotonic(), options: context.options }).map((reconciler) => runController(reconciler, cluster, signal)),
    runForAllKinds(cluster, signal),
  ]),
})
