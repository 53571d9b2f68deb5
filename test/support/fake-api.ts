/**
 * An API server in memory that understands what clients do: create, get, list, watch from a version, update (with conflicts), merge and JSON-free patches,
 * delete, status, and binding. It knows no defaults, validation or finalizers: for those use the real one. A test may make it fail.
 */
import { fieldSelectorMatches, parseFieldSelector } from '../../src/api/field-selector.ts'
import { type Kind, resourcePath, storedKinds } from '../../src/api/kinds.ts'
import { type JsonObject, type JsonValue, type KubeObject, keyOf } from '../../src/api/meta.ts'
import { parseSelector, selectorMatches } from '../../src/api/selector.ts'
import { StatusError, alreadyExists, expired, notFound, notImplemented, resourceNotFound, staleWrite, timeout } from '../../src/api/status.ts'
import type { Pod } from '../../src/api/types.ts'
import { type ApiRequest, type ApiResponse, ConnectionError, type Transport } from '../../src/client/transport.ts'

interface Change { type: 'ADDED' | 'MODIFIED' | 'DELETED'; kind: Kind; object: KubeObject; previous?: KubeObject; version: number }
interface Target { kind: Kind; namespace: string | undefined; name: string | undefined; subresource: string | undefined; query: URLSearchParams }

export interface FakeApi extends Transport {
  /** Every request so far, `GET /api/v1/pods?watch=true`. */
  readonly requests: string[]
  /** Puts an object there as if somebody had; returns it as stored. */
  put<T extends KubeObject>(kind: Kind<T>, object: { metadata: { name: string; namespace?: string | undefined } }): T
  read<T extends KubeObject>(kind: Kind<T>, key: string): T | undefined
  all<T extends KubeObject>(kind: Kind<T>): T[]
  remove(kind: Kind, key: string): void
  /** Cuts every watch in the middle of its stream. */
  cutWatches(): void
  /** Forgets history: watches from older versions are 410 Gone. */
  compact(): void
  bookmark(): void
  /** When set, it is asked about each request, and may throw what the request is to fail with. */
  refuse: ((request: ApiRequest) => void) | undefined
}

const encode = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`)

const answer = (status: number, body: unknown): ApiResponse => ({ status, headers: { 'content-type': 'application/json' }, body: once(encode(body)) })
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> { yield bytes }

const mergePatch = (target: JsonValue | undefined, patch: JsonValue): JsonValue => {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result: JsonObject = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else if (value !== undefined) result[key] = mergePatch(result[key], value)
  }
  return result
}

const targetOf = (path: string): Target => {
  const { pathname, searchParams: query } = new URL(path, 'http://fake')
  for (const kind of storedKinds) {
    const prefix = resourcePath(kind).slice(0, -kind.plural.length)
    if (!pathname.startsWith(prefix)) continue
    const parts = pathname.slice(prefix.length).split('/').map(decodeURIComponent)
    const namespace = kind.namespaced && parts[0] === 'namespaces' ? parts[1] : undefined
    const [plural, name, subresource] = namespace === undefined ? parts : parts.slice(2)
    if (plural === kind.plural && (subresource === undefined || kind.subresources.some((each) => each.name === subresource))) return { kind, namespace, name, subresource, query }
  }
  throw resourceNotFound()
}

export const fakeApi = ({ now = () => '2026-01-01T00:00:00Z' }: { now?: () => string } = {}): FakeApi => {
  const stored = new Map<Kind, Map<string, KubeObject>>(storedKinds.map((kind) => [kind, new Map()]))
  const history: Change[] = []
  const listeners = new Set<{ changed(): void; cut(): void; bookmark(): void }>()
  let version = 1
  let oldest = 1
  let uids = 0

  const of = (kind: Kind): Map<string, KubeObject> => stored.get(storedKinds.find(({ plural, group }) => plural === kind.plural && group === kind.group) ?? kind) ?? new Map()
  const commit = (type: Change['type'], kind: Kind, object: KubeObject): KubeObject => {
    version++
    const key = keyOf(object)
    const previous = of(kind).get(key)
    const next = structuredClone({ ...object, metadata: { ...object.metadata, resourceVersion: String(version) } })
    if (type === 'DELETED') of(kind).delete(key)
    else of(kind).set(key, next)
    history.push({ type, kind, object: next, version, ...(previous && { previous }) })
    for (const listener of listeners) listener.changed()
    return next
  }
  const insert = (kind: Kind, object: KubeObject): KubeObject =>
    commit('ADDED', kind, { ...object, metadata: { ...object.metadata, uid: object.metadata.uid || `uid-${++uids}`, creationTimestamp: object.metadata.creationTimestamp || now() } })
  const existing = ({ kind, namespace, name = '' }: Target): KubeObject => {
    const found = of(kind).get(namespace ? `${namespace}/${name}` : name)
    if (!found) throw notFound(kind, name)
    return found
  }
  const selects = ({ query, namespace }: Target): ((object: KubeObject) => boolean) => {
    const selector = parseSelector(query.get('labelSelector') ?? '')
    const fields = parseFieldSelector(query.get('fieldSelector') ?? '')
    const field = (object: KubeObject, path: string): string => String(path.split('.').reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], object) ?? '')
    return (object) => (namespace === undefined || object.metadata.namespace === namespace) && selectorMatches(selector, object.metadata.labels)
      && fieldSelectorMatches(fields, (path) => field(object, path))
  }

  async function* watch(target: Target, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let from = Number(target.query.get('resourceVersion') || version)
    const matches = selects(target)
    const pending: ('changed' | 'cut' | 'bookmark')[] = []
    let wake = (): void => {}
    const told = (what: (typeof pending)[number]) => () => { pending.push(what); wake() }
    const listener = { changed: told('changed'), cut: told('cut'), bookmark: told('bookmark') }
    listeners.add(listener)
    signal.addEventListener('abort', listener.cut)
    try {
      for (;;) {
        for (const change of history.filter((each) => each.version > from && each.kind.plural === target.kind.plural && each.kind.group === target.kind.group)) {
          const isIn = matches(change.object) && change.type !== 'DELETED'
          const wasIn = change.previous !== undefined && matches(change.previous)
          if (isIn) yield encode({ type: wasIn ? 'MODIFIED' : 'ADDED', object: change.object })
          else if (wasIn) yield encode({ type: 'DELETED', object: change.object })
          from = change.version
        }
        const next = pending.shift()
        if (next === 'cut') throw new ConnectionError('the watch was cut')
        if (next === 'bookmark') yield encode({ type: 'BOOKMARK', object: { kind: target.kind.kind, metadata: { resourceVersion: String(version) } } })
        if (next === undefined) await new Promise<void>((resolve) => { wake = resolve })
      }
    } finally {
      listeners.delete(listener)
      signal.removeEventListener('abort', listener.cut)
    }
  }

  const replaced = (target: Target, next: KubeObject): KubeObject => {
    const old = existing(target)
    if (next.metadata.resourceVersion && next.metadata.resourceVersion !== old.metadata.resourceVersion) throw staleWrite(target.kind, old.metadata.name)
    const status = target.subresource === 'status' ? { ...old, status: (next as Pod).status } : { ...next, ...('status' in old && { status: old.status }) }
    return commit('MODIFIED', target.kind, { ...status, metadata: { ...(target.subresource === 'status' ? old.metadata : next.metadata), uid: old.metadata.uid } })
  }

  const verbs: Record<ApiRequest['method'], (target: Target, body: JsonObject, signal: AbortSignal, contentType: string) => ApiResponse> = {
    GET: (target, _, signal) => {
      if (target.name !== undefined) return answer(200, existing(target))
      if (target.query.get('watch') === 'true') {
        const from = Number(target.query.get('resourceVersion') || version)
        if (from < oldest) throw expired(`too old resource version: ${from} (${oldest})`)
        return { status: 200, headers: {}, body: watch(target, signal) }
      }
      return answer(200, { kind: `${target.kind.kind}List`, metadata: { resourceVersion: String(version) }, items: [...of(target.kind).values()].filter(selects(target)) })
    },
    POST: (target, body) => {
      if (target.subresource === 'binding') {
        const pod = existing(target) as Pod
        if (pod.spec.nodeName) throw staleWrite(target.kind, pod.metadata.name)
        commit('MODIFIED', target.kind, { ...pod, spec: { ...pod.spec, nodeName: (body as unknown as { target: { name: string } }).target.name },
          status: { ...pod.status, conditions: [{ type: 'PodScheduled', status: 'True' }] } } as KubeObject)
        return answer(201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' })
      }
      const draft = body as unknown as KubeObject
      const name = draft.metadata.name || `${draft.metadata.generateName ?? ''}${++uids}`
      const object = { ...draft, metadata: { ...draft.metadata, name, ...(target.namespace !== undefined && { namespace: target.namespace }) } }
      if (of(target.kind).has(keyOf(object))) throw alreadyExists(target.kind, name)
      return answer(201, insert(target.kind, object))
    },
    PUT: (target, body) => answer(200, replaced(target, body as unknown as KubeObject)),
    PATCH: (target, body, _, contentType) => {
      if (contentType.includes('json-patch') || contentType.includes('apply')) throw notImplemented(`the fake knows no ${contentType}`)
      return answer(200, replaced(target, mergePatch(existing(target) as unknown as JsonValue, body) as unknown as KubeObject))
    },
    DELETE: (target, body) => {
      const object = existing(target)
      const uid = (body as { preconditions?: { uid?: string } } | undefined)?.preconditions?.uid
      if (uid !== undefined && uid !== object.metadata.uid) throw staleWrite(target.kind, object.metadata.name)
      commit('DELETED', target.kind, object)
      return answer(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' })
    },
  }

  const api: FakeApi = {
    requests: [], refuse: undefined,
    request: async (request, signal) => {
      signal.throwIfAborted()
      api.requests.push(`${request.method} ${request.path}`)
      try {
        api.refuse?.(request)
        const body = request.body ? JSON.parse(Buffer.from(request.body).toString()) as JsonObject : {}
        return verbs[request.method](targetOf(request.path), body, signal, request.headers['content-type'] ?? '')
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        return answer(error.code, error.status)
      }
    },
    put: <T extends KubeObject>(kind: Kind<T>, object: { metadata: { name: string; namespace?: string | undefined } }) => {
      const key = keyOf(object)
      const full = { ...of(kind).get(key), ...object, metadata: { ...of(kind).get(key)?.metadata, ...object.metadata } } as KubeObject
      return (of(kind).has(key) ? commit('MODIFIED', kind, full) : insert(kind, full)) as T
    },
    read: <T extends KubeObject>(kind: Kind<T>, key: string) => of(kind).get(key) as T | undefined,
    all: <T extends KubeObject>(kind: Kind<T>) => [...of(kind).values()] as T[],
    remove: (kind, key) => {
      const object = of(kind).get(key)
      if (!object) throw timeout(`the fake has no ${kind.plural} ${key}`)
      commit('DELETED', kind, object)
    },
    cutWatches: () => { for (const listener of listeners) listener.cut() },
    compact: () => { oldest = ++version; history.splice(0) },
    bookmark: () => { for (const listener of listeners) listener.bookmark() },
  }
  return api
}
