/** What the API server can be given to serve besides stored kinds: computed resources, POST-only subresources, other paths. */
import type { Kind } from '../api/kinds.ts'
import type { AggregatedDiscovery } from './aggregation/aggregated-discovery.ts'
import type { JsonObject, KubeObject } from '../api/meta.ts'
import type { Exchange } from './exchange.ts'
import type { Column, Lookup, UserInfo } from './registry/strategy.ts'
import type { AuthorizedRequest, ServerParts } from './server-parts.ts'

export interface ExtensionRequest {
  user: UserInfo
  /** '' for cluster-scoped requests. */
  namespace: string
  /** '' for collections. */
  name: string
  query: URLSearchParams
  dryRun: boolean
  lookup: Lookup
  signal: AbortSignal
}

/** A kind whose objects are computed, not stored: reviews (create only), metrics (get, list). Its Kind row says which verbs it has. */
export interface VirtualResource<T extends KubeObject = KubeObject> {
  kind: Kind<T>
  /** The answer to a POST (201), made from its decoded and schema-checked body. Not convertible to tables (406, as upstream). */
  create?(object: T, request: ExtensionRequest): Promise<T> | T
  /** Undefined: 404. */
  get?(request: ExtensionRequest): Promise<T | undefined> | T | undefined
  list?(request: ExtensionRequest): Promise<readonly T[]> | readonly T[]
  columns?: readonly Column<T>[]
  /** Answers every request by itself, instead of the functions above: for resources that stand for another one (bindings). */
  handle?(request: AuthorizedRequest, server: ServerParts): Promise<void>
  /** A warning header with every answer: what is deprecated. */
  warning?: string
}

/** A subresource that takes a POST with a body of another kind: serviceaccounts/token. (binding and eviction are handlers of our own.) */
export interface SubresourceHandler {
  kind: Kind
  subresource: string
  /** The group, version, kind and schema name of the body. */
  body: Pick<Kind, 'group' | 'version' | 'kind' | 'schema'>
  /** `parent` is a 404 if it does not exist. Resolves with the answer (201). */
  create(body: JsonObject, parent: KubeObject, request: ExtensionRequest): Promise<JsonObject> | JsonObject
}

/** A path that is no resource: /openapi/v2, /openapi/v3/..., /openid/v1/jwks. Authenticated and authorized as a non-resource request before. */
export interface PathHandler {
  path: string
  /** Whether everything below the path belongs to it, too. */
  prefix?: boolean
  /** What `GET /` lists. */
  listed?: boolean
  handle(exchange: Exchange, request: { path: string; user: UserInfo }): Promise<void> | void
}

/** Requests of a whole group version that another server answers (APIService aggregation). Asked after authorization, before our own resources. */
export interface Delegate {
  /** Whether the delegate serves this group version now. */
  serves(group: string, version: string): boolean
  handle(exchange: Exchange, request: { path: string; user: UserInfo }): Promise<void>
  /** What discovery is to show of it. */
  discovery?: AggregatedDiscovery
}
