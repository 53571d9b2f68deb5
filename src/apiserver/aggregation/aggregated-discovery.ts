/** What discovery is told of group versions that other servers answer, and of the order of all. */
import type { Priority } from './priorities.ts'

/** A resource of apidiscovery.k8s.io/v2. */
export interface DiscoveredResource {
  resource: string
  responseKind: { group: string; version: string; kind: string }
  scope: 'Namespaced' | 'Cluster'
  singularResource: string
  verbs: string[]
  shortNames?: string[]
  categories?: string[]
  subresources?: { subresource: string; responseKind?: { group: string; version: string; kind: string }; verbs: string[] }[]
}

export interface RemoteVersion {
  group: string
  version: string
  /** As its server told last; Stale when that server is not available now. */
  resources: readonly DiscoveredResource[]
  freshness: 'Current' | 'Stale'
}

export interface AggregatedDiscovery {
  /** Another text whenever something of the below is different. */
  readonly state: string
  remote(): readonly RemoteVersion[]
  priorityOf(group: string, version: string): Priority
}
