import type { Clock } from './clock.ts'
import type { LeaseTable } from './lease-table.ts'

/** After a failing disk kept a lease from being revoked. */
const retryMilliseconds = 1000

/** Revokes leases as their time comes. No lease, no work. */
export class LeaseExpiry {
  readonly #leases: LeaseTable
  readonly #clock: Clock
  #wake = new AbortController()
  #sleepingUntil = Number.POSITIVE_INFINITY

  constructor(leases: LeaseTable, clock: Clock) {
    this.#leases = leases
    this.#clock = clock
  }

  /** A lease was granted, so the next moment to wake may have come nearer. (That one was kept alive shows when the old moment comes.) */
  changed(): void {
    if ((this.#leases.nextExpiry() ?? Number.POSITIVE_INFINITY) < this.#sleepingUntil) this.#wake.abort()
  }

  /** Calls `revoke` for each lease that has ended, until the signal aborts. What `revoke` rejects with is tried again a second later. */
  async run(revoke: (id: string) => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const expired = this.#leases.expired(this.#clock.monotonic())
      const outcomes = await Promise.allSettled(expired.map(revoke))
      const next = this.#leases.nextExpiry() ?? Number.POSITIVE_INFINITY
      const failed = outcomes.some(({ status }) => status === 'rejected')
      await this.#sleepUntil(failed ? this.#clock.monotonic() + retryMilliseconds : next, signal)
    }
  }

  async #sleepUntil(moment: number, signal: AbortSignal): Promise<void> {
    this.#sleepingUntil = moment
    this.#wake = new AbortController()
    const either = AbortSignal.any([signal, this.#wake.signal])
    try {
      await this.#clock.sleep(Math.max(0, moment - this.#clock.monotonic()), either)
    } catch (error) {
      if (!either.aborted) throw error
    }
  }
}
