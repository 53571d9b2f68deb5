/** What the handlers work with: made once by `createApiServer`. */
import type { Clock } from '../api/clock.ts'
import type { Random } from '../api/random.ts'
import type { Store } from '../store/store.ts'
import type { AdmissionPlugin } from './admission/plugin.ts'
import type { ServerCounters } from './counters.ts'
import type { Exchange } from './exchange.ts'
import type { Log } from './log.ts'
import type { UserInfo } from './registry/strategy.ts'
import type { RequestInfo } from './request-info.ts'
import type { ResourceTable, StoredResource } from './resource-table.ts'
import type { ObjectStorage } from './storage/object-storage.ts'
import type { WatchCache } from './watch-cache/watch-cache.ts'

export interface ServerParts {
  store: Store
  cache: WatchCache
  storage: ObjectStorage
  resources: ResourceTable
  admission: readonly AdmissionPlugin[]
  clock: Clock
  random: Random
  log: Log
  counters: ServerCounters
  /** Aborts when the server stops: ends watches and streams. */
  stopping: AbortSignal
}

/** A request past the filters: who, and what about. */
export interface AuthorizedRequest {
  exchange: Exchange
  info: RequestInfo
  user: UserInfo
}

/** A request about a stored resource. */
export interface ResourceRequest extends AuthorizedRequest {
  server: ServerParts
  resource: StoredResource
  /** '' for cluster-scoped resources and lists over all namespaces. */
  namespace: string
  /** From the path; '' for collections. */
  name: string
  subresource: string
}
