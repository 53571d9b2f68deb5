/** One of several replicas leads, by holding a Lease. Mirrors client-go `tools/leaderelection`, with its defaults. */
import { type Clock, microTimestamp } from '../api/clock.ts'
import { Leases } from '../api/kinds.ts'
import type { Random } from '../api/random.ts'
import { isConflict, isNotFound } from '../api/status.ts'
import type { Lease } from '../api/types.ts'
import type { Client } from './client.ts'
import type { Log } from './component.ts'

export interface Election {
  client: Client
  clock: Clock
  random: Random
  log: Log
  lease: { namespace: string; name: string }
  /** Who we are: unlike anybody else, usually host name and a uuid. */
  identity: string
  /** For so long after its last renewal nobody takes a lease from its holder. */
  leaseMilliseconds?: number
  /** A leader who cannot renew for so long gives up. */
  renewMilliseconds?: number
  retryMilliseconds?: number
}

/**
 * Waits until this replica leads, then runs `lead` with a signal that aborts when leadership is lost or `signal` aborts, and gives the lease back at the end.
 * Resolves when `signal` aborted or `lead` ended by itself; rejects with LeadershipLost when the lease was lost: the process should end, as upstream's do, and start anew.
 */
export const whenLeading = async (election: Election, signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> => {
  const elector = new Elector(election)
  if (!await elector.acquire(signal)) return
  const { log, lease, identity } = election
  log.info(`successfully acquired lease ${lease.namespace}/${lease.name}`, { identity })
  const lost = new AbortController()
  const leading = AbortSignal.any([signal, lost.signal])
  const renewing = elector.renew(leading).then((held) => { if (!held) lost.abort(new LeadershipLost(`failed to renew lease ${lease.namespace}/${lease.name} in time`)) })
  try {
    await lead(leading)
  } catch (error) {
    if (!leading.aborted) throw error
  } finally {
    const wasLost = lost.signal.aborted
    lost.abort()
    await renewing
    if (!wasLost) await elector.release()
    if (wasLost && !signal.aborted) throw lost.signal.reason
  }
}

export class LeadershipLost extends Error { override readonly name = 'LeadershipLost' }

class Elector {
  readonly #election: Required<Election>
  /** The lease as last seen, and when by our own clock: other clocks are not compared. */
  #observed: { lease: Lease; at: number } | undefined

  constructor(election: Election) {
    this.#election = { leaseMilliseconds: 15_000, renewMilliseconds: 10_000, retryMilliseconds: 2_000, ...election }
  }

  /** False: the signal aborted before. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    const { clock, random, retryMilliseconds } = this.#election
    while (!signal.aborted) {
      if (await this.#try(signal)) return true
      await clock.sleep(retryMilliseconds * (1 + 1.2 * random.next()), signal).catch(() => {}) // aborted: the loop's condition sees it
    }
    return false
  }

  /** Renews until the signal aborts (true) or the lease is lost (false). */
  async renew(signal: AbortSignal): Promise<boolean> {
    const { clock, renewMilliseconds, retryMilliseconds } = this.#election
    let renewed = clock.monotonic()
    while (!signal.aborted) {
      await clock.sleep(retryMilliseconds, signal).catch(() => {}) // as above
      if (signal.aborted) return true
      const deadline = new AbortController()
      const timer = clock.sleep(Math.max(0, renewed + renewMilliseconds - clock.monotonic()), AbortSignal.any([signal, deadline.signal])).then(() => 'late' as const, () => 'stopped' as const)
      const tried = this.#try(AbortSignal.any([signal, deadline.signal]))
      const outcome = await Promise.race([tried, timer])
      deadline.abort()
      if (outcome === true) renewed = clock.monotonic()
      else if (!signal.aborted && clock.monotonic() - renewed >= renewMilliseconds) return false
    }
    return true
  }

  async release(): Promise<void> {
    const { client, clock, identity, log } = this.#election
    const { lease } = this.#observed ?? {}
    if (lease?.spec.holderIdentity !== identity) return
    const now = microTimestamp(clock.now())
    try {
      await client.update(Leases, { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now } }, { signal: AbortSignal.timeout(5_000) })
    } catch (error) {
      log.warn(`failed to release the lease: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** One attempt to get or renew the lease. */
  async #try(signal: AbortSignal): Promise<boolean> {
    const { client, log, lease: at } = this.#election
    try {
      const lease = await client.get(Leases, at, { signal }).catch((error: unknown) => {
        if (isNotFound(error)) return undefined
        throw error
      })
      const wanted = this.#wanted(lease)
      if (!wanted) return false
      this.#observe(lease ? await client.update(Leases, { ...lease, spec: wanted }, { signal }) : await client.create(Leases, { metadata: at, spec: wanted }, { signal }))
      return true
    } catch (error) {
      if (!signal.aborted && !isConflict(error)) log.warn(`cannot get or renew lease ${at.namespace}/${at.name}: ${error instanceof Error ? error.message : String(error)}`)
      return false
    }
  }

  #observe(lease: Lease): void {
    if (this.#observed?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) this.#observed = { lease, at: this.#election.clock.monotonic() }
  }

  /** The lease as we want it, or undefined while somebody else holds it. */
  #wanted(lease: Lease | undefined): Lease['spec'] | undefined {
    const { clock, identity, leaseMilliseconds } = this.#election
    const now = microTimestamp(clock.now())
    const ours = { holderIdentity: identity, leaseDurationSeconds: leaseMilliseconds / 1000, renewTime: now }
    if (!lease) return { ...ours, acquireTime: now, leaseTransitions: 0 }
    this.#observe(lease)
    const { holderIdentity, leaseTransitions = 0, acquireTime = now } = lease.spec
    if (holderIdentity === identity) return { ...lease.spec, ...ours, acquireTime, leaseTransitions }
    if (holderIdentity && clock.monotonic() < (this.#observed?.at ?? 0) + (lease.spec.leaseDurationSeconds ?? 0) * 1000) return undefined
    return { ...lease.spec, ...ours, acquireTime: now, leaseTransitions: leaseTransitions + 1 }
  }
}
