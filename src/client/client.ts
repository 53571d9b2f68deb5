/** The typed line to an API server over any transport: what every component, and the dashboard, speaks. */
import type { Kind } from '../api/kinds.ts'
import type { Draft, JsonValue, KubeObject } from '../api/meta.ts'
import type { ApiRequest, ApiResponse } from './transport.ts'

export interface Scope {
  /** Absent: all namespaces (list, watch), or a cluster-scoped kind. */
  namespace?: string | undefined
}

export interface ListOptions extends Scope {
  labelSelector?: string
  fieldSelector?: string
  resourceVersion?: string
  resourceVersionMatch?: 'Exact' | 'NotOlderThan'
  limit?: number
  continueToken?: string
  signal?: AbortSignal
}

export interface ObjectList<T> {
  items: T[]
  resourceVersion: string
  continueToken?: string
  remainingItemCount?: number
}

export interface WatchOptions extends Scope {
  labelSelector?: string
  fieldSelector?: string
  resourceVersion?: string
  sendInitialEvents?: boolean
  timeoutSeconds?: number
  signal: AbortSignal
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  /** Only `metadata.resourceVersion` (and annotations) of the object mean something. */
  | { type: 'BOOKMARK'; object: KubeObject }

export interface WriteOptions {
  subresource?: string
  fieldManager?: string
  dryRun?: boolean
  signal?: AbortSignal
}

export type Patch =
  | { type: 'json'; body: JsonValue }
  | { type: 'merge'; body: JsonValue }
  | { type: 'strategic'; body: JsonValue }
  /** Server-side apply; needs `fieldManager` in the options. */
  | { type: 'apply'; body: JsonValue; force?: boolean }

export interface DeleteOptions {
  gracePeriodSeconds?: number
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan'
  preconditions?: { uid?: string; resourceVersion?: string }
  dryRun?: boolean
  signal?: AbortSignal
}

export interface Name extends Scope { name: string }

/** Every method rejects with a `StatusError` for what the server refuses, and with a `ConnectionError` when it cannot be reached. */
export interface Client {
  get<T extends KubeObject>(kind: Kind<T>, at: Name, options?: { subresource?: string; resourceVersion?: string; signal?: AbortSignal }): Promise<T>
  list<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<ObjectList<T>>
  /** One watch request. It ends when the server or the signal ends it; a `StatusError` (410 among them) when the server says ERROR. Not a reconnecting one: that is the informer. */
  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>
  create<T extends KubeObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T>
  /** Replaces the object (or its subresource); its resourceVersion, if set, must be the newest. */
  update<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>
  patch<T extends KubeObject>(kind: Kind<T>, at: Name, patch: Patch, options?: WriteOptions): Promise<T>
  /** What the server answered: the object while it is terminating, else the Status of its deletion. */
  delete<T extends KubeObject>(kind: Kind<T>, at: Name, options?: DeleteOptions): Promise<KubeObject>
  deleteCollection<T extends KubeObject>(kind: Kind<T>, selection: Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>, options?: DeleteOptions): Promise<void>
  /** POST to a subresource with a body of another kind (binding, eviction, token); resolves with the answer. */
  createSubresource<R>(kind: Kind, at: Name, subresource: string, body: JsonValue, options?: WriteOptions): Promise<R>
  /** Anything else (logs, tables, openapi): the raw exchange, errors included; no status is checked. */
  raw(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse>
}
