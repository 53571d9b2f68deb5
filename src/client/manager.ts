/** A component made of controllers: one set of informers, one event sink, an election if asked for, health. What kube-controller-manager and cloud-controller-manager have in common. */
import type { Clock } from '../api/clock.ts'
import type { Random } from '../api/random.ts'
import type { Client } from './client.ts'
import type { Component, Log } from './component.ts'
import type { Cluster } from './controller.ts'
import { eventSink } from './events.ts'
import { type HealthTls, serveHealth } from './health-server.ts'
import { sharedInformers } from './informers.ts'
import { whenLeading } from './leader-election.ts'

export interface ManagerOptions {
  /** Unlike that of any other replica (host name and a uuid); absent: no election, this replica always leads. */
  leaderElection?: { identity: string; namespace?: string; name?: string }
  /** Absent: nothing is served. */
  health?: { host?: string; port?: number; tls?: HealthTls | undefined }
}

export interface ManagerContext { client: Client; clock: Clock; random: Random; log: Log; options: ManagerOptions }

interface Manager {
  name: string
  healthPort: number
  /** Everything that runs while this replica leads, until the signal aborts. */
  run(cluster: Cluster, signal: AbortSignal): Promise<unknown>
}

/** One part that fails ends the others, and rejects: the process is to end, and to be started anew. */
export const manager = ({ client, clock, random, log, options }: ManagerContext, { name, healthPort, run }: Manager): Component => ({
  name,
  async run(signal) {
    const stop = new AbortController()
    const running = AbortSignal.any([signal, stop.signal])
    let leads = false
    const lead = async (leading: AbortSignal): Promise<void> => {
      const context = { client, clock, random, log }
      leads = true
      try {
        await run({ ...context, informers: sharedInformers(context, leading), events: eventSink(context, leading) }, leading)
      } catch (error) {
        if (!leading.aborted) throw error
      } finally {
        leads = false
      }
    }
    const { leaderElection, health } = options
    const lease = { namespace: leaderElection?.namespace ?? 'kube-system', name: leaderElection?.name ?? name }
    const work = leaderElection ? whenLeading({ client, clock, random, log, identity: leaderElection.identity, lease }, running, lead) : lead(running)
    const served = health ? serveHealth({ clock, host: health.host ?? '0.0.0.0', port: health.port ?? healthPort, name, tls: health.tls, leads: () => leads }, running) : Promise.resolve()
    const results = await Promise.allSettled([work.finally(() => stop.abort()), served.catch((error: unknown) => { stop.abort(); throw error })])
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  },
})
