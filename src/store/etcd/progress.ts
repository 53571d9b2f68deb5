import type { EtcdClock } from './connection.ts'
import type { WatchProgress } from './watch.ts'

const repeatMilliseconds = 100

/**
 * Whether a member of this version answers a request for progress only when all earlier events were sent. Before 3.4.25 and 3.5.8 the answer could overtake
 * them (etcd issue 15220), so there it is not asked, and marks come when the member sends them of itself, every ten minutes.
 */
export const progressIsSound = (version: string): boolean => {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  if (major !== 3 || minor > 5) return major > 3 || minor > 5
  return (minor === 5 && patch >= 8) || (minor === 4 && patch >= 25)
}

/** Asks members for progress until every watch has been told of the wanted revision. A member that is still sending older events does not answer, so the question is repeated. */
export class ProgressRequests {
  readonly #watches = new Set<WatchProgress>()
  readonly #clock: EtcdClock
  readonly #signal: AbortSignal
  #wanted = 0
  #repeating = false

  constructor(clock: EtcdClock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  add(): WatchProgress {
    const watch: WatchProgress = { told: Number.POSITIVE_INFINITY, stream: undefined }
    this.#watches.add(watch)
    return watch
  }

  remove(watch: WatchProgress): void {
    this.#watches.delete(watch)
  }

  want(revision: number): void {
    this.#wanted = Math.max(this.#wanted, revision)
    if (!this.#ask() || this.#repeating) return
    this.#repeating = true
    this.#repeat().catch((error: unknown) => { if (!this.#signal.aborted) throw error }).finally(() => { this.#repeating = false })
  }

  async #repeat(): Promise<void> {
    do await this.#clock.sleep(repeatMilliseconds, this.#signal)
    while (this.#ask())
  }

  /** Whether there was somebody to ask for. */
  #ask(): boolean {
    const behind = [...this.#watches].filter(({ told }) => told < this.#wanted)
    for (const { stream } of behind) stream?.write({ progress_request: {} })
    return behind.length > 0
  }
}
