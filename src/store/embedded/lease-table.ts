import type { Lease } from '../store.ts'
import type { Change } from './change.ts'

export interface LeaseEntry extends Lease {
  /** By the clock's monotonic time, in milliseconds. */
  expiresAt: number
  readonly keys: Set<string>
}

/** Which leases there are, until when, and which keys hang on them, as of the newest write (on disk or not yet). */
export class LeaseTable {
  readonly #leases = new Map<string, LeaseEntry>()

  has(id: string): boolean {
    return this.#leases.has(id)
  }
  get(id: string): LeaseEntry | undefined {
    return this.#leases.get(id)
  }
  add(lease: LeaseEntry): void {
    this.#leases.set(lease.id, lease)
  }
  remove(id: string): void {
    this.#leases.delete(id)
  }
  all(): Lease[] {
    return [...this.#leases.values()].map(({ id, ttlSeconds }) => ({ id, ttlSeconds }))
  }

  /** The key is now what `to` says and no longer what `from` says: moves it between their leases. */
  move(from: Change | undefined, to: Change | undefined): void {
    if (from?.item?.lease !== undefined) this.#leases.get(from.item.lease)?.keys.delete(from.key)
    if (to?.item?.lease !== undefined) this.#leases.get(to.item.lease)?.keys.add(to.key)
  }

  /** When the next lease ends; undefined if there is none. */
  nextExpiry(): number | undefined {
    let earliest: number | undefined
    for (const { expiresAt } of this.#leases.values()) if (earliest === undefined || expiresAt < earliest) earliest = expiresAt
    return earliest
  }
  expired(now: number): string[] {
    return [...this.#leases.values()].filter(({ expiresAt }) => expiresAt <= now).map(({ id }) => id)
  }
}
