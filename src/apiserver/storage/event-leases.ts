/** Leases for objects that vanish by themselves. One lease serves many objects, as etcd's are costly: mirrors apiserver's `pkg/storage/etcd3/lease_manager.go`. */
import type { Clock } from '../../api/clock.ts'
import type { Store } from '../../store/store.ts'

const reuseMs = 60_000
const maxObjects = 1000

export class EventLeases {
  private readonly store: Store
  private readonly clock: Clock
  private readonly current = new Map<number, { id: Promise<string>; since: number; objects: number }>()

  constructor(store: Store, clock: Clock) {
    this.store = store
    this.clock = clock
  }

  /** A lease that lives at least `ttlSeconds` from now. */
  async lease(ttlSeconds: number): Promise<string> {
    const now = this.clock.monotonic()
    let lease = this.current.get(ttlSeconds)
    if (!lease || now - lease.since > reuseMs || lease.objects >= maxObjects) {
      // Objects attached at the end of the lease's use must live long enough, too.
      lease = { id: this.store.grantLease(ttlSeconds + reuseMs / 1000).then(({ id }) => id), since: now, objects: 0 }
      this.current.set(ttlSeconds, lease)
      lease.id.catch(() => this.current.delete(ttlSeconds))
    }
    lease.objects += 1
    return lease.id
  }
}
