/** The controller manager: every controller over one set of informers, in the replica that leads. Mirrors cmd/kube-controller-manager. */
import type { Clock } from '../api/clock.ts'
import type { Random } from '../api/random.ts'
import type { Client } from '../client/client.ts'
import type { Component, Log } from '../client/component.ts'
import { type Cluster, runController } from '../client/controller.ts'
import { eventSink } from '../client/events.ts'
import { sharedInformers } from '../client/informers.ts'
import { whenLeading } from '../client/leader-election.ts'
import { runForAllKinds } from './all-kinds.ts'
import { type ControllerOptions, controllers } from './controllers.ts'
import { serveHealth } from './health-server.ts'

export const controllerManagerPort = 10257

export interface ControllerManagerOptions extends ControllerOptions {
  /** Unlike that of any other replica (host name and a uuid); absent: no election, this replica always leads. */
  leaderElection?: { identity: string; namespace?: string; name?: string }
  /** Absent: nothing is served. */
  health?: { host?: string; port?: number }
}

export interface ControllerManager { client: Client; clock: Clock; random: Random; log: Log; options: ControllerManagerOptions }

const runControllers = async ({ client, clock, random, log, options }: ControllerManager, signal: AbortSignal): Promise<void> => {
  const context = { client, clock, random, log }
  const cluster: Cluster = { ...context, informers: sharedInformers(context, signal), events: eventSink(context, signal) }
  await Promise.all([
    ...controllers({ client, monotonic: () => clock.monotonic(), options }).map((reconciler) => runController(reconciler, cluster, signal)),
    runForAllKinds(cluster, signal).catch((error: unknown) => { if (!signal.aborted) throw error }),
  ])
}

export const controllerManager = (manager: ControllerManager): Component => ({
  name: 'kube-controller-manager',
  async run(signal) {
    const { client, clock, random, log, options: { leaderElection, health } } = manager
    // One part that fails ends the others: the process is to end, and to be started anew.
    const stop = new AbortController()
    const running = AbortSignal.any([signal, stop.signal])
    let leads = false
    const lead = async (leading: AbortSignal): Promise<void> => {
      leads = true
      await runControllers(manager, leading).finally(() => { leads = false })
    }
    const work = leaderElection
      ? whenLeading({ client, clock, random, log, identity: leaderElection.identity, lease: { namespace: leaderElection.namespace ?? 'kube-system', name: leaderElection.name ?? 'kube-controller-manager' } }, running, lead)
      : lead(running)
    const served = health ? serveHealth({ clock, host: health.host ?? '0.0.0.0', port: health.port ?? controllerManagerPort, name: 'kube-controller-manager', leads: () => leads }, running) : Promise.resolve()
    const results = await Promise.allSettled([work.finally(() => stop.abort()), served.catch((error: unknown) => { stop.abort(); throw error })])
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  },
})
