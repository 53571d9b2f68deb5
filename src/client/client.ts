/** The typed line to an API server over any transport: what every component, and the dashboard, speaks. */
import { type Kind, apiVersionOf, resourcePath } from '../api/kinds.ts'
import type { Draft, JsonValue, KubeObject } from '../api/meta.ts'
import { StatusError } from '../api/status.ts'
import type { Status } from '../api/types.ts'
import { failureOf } from './failure.ts'
import { type ApiRequest, type ApiResponse, ConnectionError, type EncodedEvent, type Transport } from './transport.ts'
import { lines, text } from './watch.ts'

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

const patchTypes: Record<Patch['type'], string> = {
  json: 'application/json-patch+json', merge: 'application/merge-patch+json', strategic: 'application/strategic-merge-patch+json', apply: 'application/apply-patch+yaml',
}

type Parameters = Record<string, string | number | boolean | undefined>

const withQuery = (path: string, parameters: Parameters): string => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined && value !== '' && value !== false) query.set(name, String(value))
  return query.size > 0 ? `${path}?${query}` : path
}

const never = new AbortController().signal

const writeParameters = ({ fieldManager, dryRun }: WriteOptions): Parameters => ({ fieldManager, dryRun: dryRun ? 'All' : undefined })
const selectionParameters = ({ labelSelector, fieldSelector }: Pick<ListOptions, 'labelSelector' | 'fieldSelector'>): Parameters => ({ labelSelector, fieldSelector })

/** Objects inside a list or a watch carry their kind and version as objects read alone do. */
const asBody = (kind: Kind, object: object): JsonValue => ({ apiVersion: apiVersionOf(kind), kind: kind.kind, ...object }) as JsonValue

const deleteBody = ({ gracePeriodSeconds, propagationPolicy, preconditions, dryRun }: DeleteOptions): JsonValue => ({
  apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds, propagationPolicy, preconditions, dryRun: dryRun ? ['All'] : undefined,
})

interface Exchange {
  method: ApiRequest['method']
  path: string
  body?: JsonValue
  contentType?: string
  signal?: AbortSignal | undefined
}

/** One answer, its head checked: throws the server's Status for 400 and more. */
const opened = async (transport: Transport, userAgent: string, { method, path, body, contentType = 'application/json', signal = never }: Exchange): Promise<ApiResponse> => {
  const request: ApiRequest = {
    method, path,
    headers: { accept: 'application/json', 'user-agent': userAgent, ...(body !== undefined && { 'content-type': contentType }) },
    ...(body !== undefined && { body: Buffer.from(JSON.stringify(body)) }),
  }
  const response = await transport.request(request, signal)
  if (response.status >= 400) throw failureOf(request, response, await text(response.body).catch(lineBroke(signal)))
  return response
}

const lineBroke = (signal: AbortSignal) => (error: unknown): never => {
  signal.throwIfAborted()
  throw error instanceof ConnectionError ? error : new ConnectionError(`the connection broke while the answer arrived: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}

type AnyEvent<T> = WatchEvent<T> | { type: 'ERROR'; object: Status }

async function* eventsIn<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<Iterable<AnyEvent<T>>> {
  for await (const line of lines(body)) yield [JSON.parse(line) as AnyEvent<T>]
}

/** Parsed when they are asked for: what comes after the last one that is read costs nothing. */
const parsedEvents = function* <T>(batch: readonly EncodedEvent[]): Generator<AnyEvent<T>> {
  for (const { type, object } of batch) yield { type, object: JSON.parse(Buffer.from(object.buffer, object.byteOffset, object.byteLength).toString()) as unknown } as AnyEvent<T>
}

async function* eventsOf<T>(events: AsyncIterable<readonly EncodedEvent[]>): AsyncGenerator<Iterable<AnyEvent<T>>> {
  for await (const batch of events) yield parsedEvents<T>(batch)
}

async function* watchEvents<T extends KubeObject>(open: () => Promise<ApiResponse>, signal: AbortSignal): AsyncGenerator<WatchEvent<T>> {
  try {
    const { body, events } = await open()
    for await (const batch of events ? eventsOf<T>(events) : eventsIn<T>(body)) {
      for (const event of batch) {
        if (event.type === 'ERROR') throw new StatusError(event.object)
        yield event
        if (signal.aborted) return
      }
    }
  } catch (error) {
    if (signal.aborted) return
    throw error instanceof StatusError ? error : lineBroke(signal)(error)
  }
}

/** A client over any transport. `userAgent` is how audit logs and field managers know the component (`wherry-scheduler`). */
export const createClient = (transport: Transport, { userAgent = 'wherry' }: { userAgent?: string } = {}): Client => {
  const open = (exchange: Exchange): Promise<ApiResponse> => opened(transport, userAgent, exchange)
  const exchanged = async <R>(exchange: Exchange): Promise<R> =>
    JSON.parse(await open(exchange).then((response) => text(response.body).catch(lineBroke(exchange.signal ?? never)))) as R
  return {
    get: (kind, at, { subresource, resourceVersion, signal } = {}) =>
      exchanged({ method: 'GET', path: withQuery(resourcePath(kind, { ...at, subresource }), { resourceVersion }), signal }),
    list: async <T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}): Promise<ObjectList<T>> => {
      const { resourceVersion, resourceVersionMatch, limit, continueToken, signal } = options
      const path = withQuery(resourcePath(kind, options), { ...selectionParameters(options), resourceVersion, resourceVersionMatch, limit, continue: continueToken })
      const { items, metadata } = await exchanged<{ items: T[] | null; metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number } }>({ method: 'GET', path, signal })
      return {
        items: items ?? [], resourceVersion: metadata.resourceVersion ?? '', ...(metadata.continue && { continueToken: metadata.continue }),
        ...(metadata.remainingItemCount !== undefined && { remainingItemCount: metadata.remainingItemCount }),
      }
    },
    watch: (kind, options) => watchEvents(() => open({
      method: 'GET', signal: options.signal,
      path: withQuery(resourcePath(kind, options), {
        watch: true, allowWatchBookmarks: true, ...selectionParameters(options), resourceVersion: options.resourceVersion, timeoutSeconds: options.timeoutSeconds,
        ...(options.sendInitialEvents && { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }),
      }),
    }), options.signal),
    create: (kind, object, options = {}) => exchanged({ method: 'POST', body: asBody(kind, object), signal: options.signal,
      path: withQuery(resourcePath(kind, { namespace: object.metadata.namespace, ...(options.subresource && { name: object.metadata.name, subresource: options.subresource }) }), writeParameters(options)) }),
    update: (kind, object, options = {}) => exchanged({ method: 'PUT', body: asBody(kind, object), signal: options.signal,
      path: withQuery(resourcePath(kind, { ...object.metadata, subresource: options.subresource }), writeParameters(options)) }),
    patch: (kind, at, patch, options = {}) => exchanged({ method: 'PATCH', body: patch.body, contentType: patchTypes[patch.type], signal: options.signal,
      path: withQuery(resourcePath(kind, { ...at, subresource: options.subresource }), { ...writeParameters(options), force: patch.type === 'apply' ? patch.force : undefined }) }),
    delete: (kind, at, options = {}) => exchanged({ method: 'DELETE', body: deleteBody(options), signal: options.signal, path: resourcePath(kind, at) }),
    deleteCollection: async (kind, selection, options = {}) => {
      await exchanged({ method: 'DELETE', body: deleteBody(options), signal: options.signal, path: withQuery(resourcePath(kind, selection), selectionParameters(selection)) })
    },
    createSubresource: (kind, at, subresource, body, options = {}) =>
      exchanged({ method: 'POST', body, signal: options.signal, path: withQuery(resourcePath(kind, { ...at, subresource }), writeParameters(options)) }),
    raw: (request, signal = never) => transport.request(request, signal),
  }
}
