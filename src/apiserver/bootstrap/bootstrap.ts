/** What upstream's API server makes for itself after it has started, and keeps. */
import type { Clock } from '../../api/clock.ts'
import type { Log } from '../log.ts'
import type { InMemoryTransport } from '../listener/in-memory-transport.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'

export interface BootstrapOptions {
  /** Where clients inside the cluster reach the API servers. */
  advertise: { addresses: readonly string[]; port: number }
  /** Of Service default/kubernetes: the first of the Service range. */
  serviceIP: string
}

export interface BootstrapParts extends BootstrapOptions {
  cache: WatchCache
  clock: Clock
  log: Log
  transport(user: UserInfo): InMemoryTransport
  done(name: string): void
}

export const runBootstrap = async (_parts: BootstrapParts, _signal: AbortSignal): Promise<void> => undefined
