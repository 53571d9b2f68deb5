/** Makes what upstream's API server makes for itself after it has started, and keeps it: by a watch, not by a timer. */
import type { Clock } from '../../api/clock.ts'
import { deepCopy, semanticEqual } from '../../api/equal.ts'
import { apiVersionOf, resourcePath } from '../../api/kinds.ts'
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import type { Log } from '../log.ts'
import type { InMemoryTransport } from '../listener/in-memory-transport.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'
import { bootstrapHooks, type BootstrapOptions, bootstrapStages, hookOf, type Wanted } from './bootstrap-objects.ts'

export type { BootstrapOptions } from './bootstrap-objects.ts'

export interface BootstrapParts {
  options: BootstrapOptions
  cache: WatchCache
  clock: Clock
  log: Log
  transport(user: UserInfo): InMemoryTransport
  /** Called once for each hook, when all that it makes is there for the first time. */
  done(hook: string): void
}

const apiserver: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }
const retryMs = 1000

const headers = { 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'kube-apiserver' }

const send = async (parts: BootstrapParts, request: { method: string; path: string; object: object }, signal: AbortSignal): Promise<void> => {
  const { status, body } = await parts.transport(apiserver).request({ method: request.method, path: request.path, headers, body: Buffer.from(JSON.stringify(request.object)) }, signal)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  // Another server may have been quicker.
  if (status >= 300 && status !== 409) throw new Error(`${request.method} ${request.path}: ${status} ${Buffer.concat(chunks).toString().slice(0, 500)}`)
}

/** The object as it should be, when it is not; what others have added to its metadata stays. */
const corrected = (current: KubeObject, wanted: Wanted): object | undefined => {
  const { metadata, ...rest } = wanted.object as JsonObject & { metadata: { labels?: Record<string, string> } }
  const next = deepCopy(current) as KubeObject & Record<string, unknown>
  Object.assign(next, deepCopy(rest))
  next.metadata.labels = { ...next.metadata.labels, ...metadata.labels }
  return semanticEqual(next, current) ? undefined : next
}

const ensure = async (parts: BootstrapParts, wanted: Wanted, signal: AbortSignal): Promise<void> => {
  const { kind, namespace, name, object, kept } = wanted
  const current = parts.cache.of(kind).get(namespace, name)?.object
  if (!current) return send(parts, { method: 'POST', path: resourcePath(kind, { namespace }), object: { apiVersion: apiVersionOf(kind), kind: kind.kind, ...object } }, signal)
  const next = wanted.correct ? wanted.correct(current) : kept ? corrected(current, wanted) : undefined
  if (next) await send(parts, { method: 'PUT', path: resourcePath(kind, { namespace, name }), object: next }, signal)
}

/** Level-driven: after any change of one of the objects all are looked at anew. */
export const runBootstrap = async (parts: BootstrapParts, signal: AbortSignal): Promise<void> => {
  const stages = bootstrapStages(parts.options).map((stage) => stage.filter(({ kind }) => parts.cache.has(kind)))
  const objects = stages.flat()
  let changed: () => void = () => undefined
  const keys = new Set(objects.map(({ kind, namespace, name }) => parts.cache.of(kind).key(namespace, name)))
  const unsubscribe = [...new Set(objects.map(({ kind }) => parts.cache.of(kind)))].map((cache) => cache.subscribe({
    namespace: '', flush: () => undefined, expire: () => changed(), offer: (event) => { if (keys.has(event.key)) changed() },
  }))
  signal.addEventListener('abort', () => changed(), { once: true })
  const announced = new Set<string>()
  const announce = (hook: string): void => { if (!announced.has(hook)) parts.done(hook); announced.add(hook) }
  while (!signal.aborted) {
    const nextChange = new Promise<void>((resolve) => { changed = resolve })
    try {
      for (const stage of stages) {
        await Promise.all(stage.map((wanted) => ensure(parts, wanted, signal)))
        for (const { kind } of stage) announce(hookOf(kind))
      }
      // What is not served here needs nothing.
      for (const hook of bootstrapHooks) announce(hook)
      await nextChange
    } catch (error) {
      if (signal.aborted) break
      parts.log.warn('bootstrap objects could not be made; trying again', { error: String(error) })
      await parts.clock.sleep(retryMs, signal).catch(() => undefined)
    }
  }
  for (const stop of unsubscribe) stop()
}
