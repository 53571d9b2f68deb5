/** Subresources that are conversations, not objects: pods/exec, attach, portforward, log, proxy; services/proxy; nodes/proxy. */
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import type { Exchange } from '../exchange.ts'
import type { Lookup, UserInfo } from '../registry/strategy.ts'
import type { RequestInfo } from '../request-info.ts'

export interface ConnectRequest {
  exchange: Exchange
  info: RequestInfo
  user: UserInfo
  /** The parent (the Pod of pods/exec), from the cache. Undefined where the name is not plainly an object's (services/proxy: `http:web:80`); the handler then resolves it. */
  parent: KubeObject | undefined
  /** What follows the subresource in the path: `/a/b` for `.../proxy/a/b`; '' if nothing does. As sent, percent-encoded. */
  tail: string
  lookup: Lookup
  /** Aborts when the client is gone, or the server stops. */
  signal: AbortSignal
}

export interface ConnectHandler {
  /** The plural of the parent and the subresource's name: `pods`, `exec`. All of them are core/v1. */
  resource: string
  subresource: string
  /** HTTP methods; for proxies all of them. */
  methods: readonly string[]
  /** The kind of its options, as discovery names it where the parent's row in api/kinds.ts does not list it: `PodProxyOptions`. */
  optionsKind?: string
  /** Whether `parent` must exist before `connect` is called (404 otherwise). */
  needsParent: boolean
  /** The object that CONNECT admission is to see (PodExecOptions, ...), made of the query. Absent: log (a GET, without admission). */
  options?(request: ConnectRequest): JsonObject
  /** Answers the exchange, by a stream or by taking its upgraded socket. Errors before the answer are thrown as StatusErrors. */
  connect(request: ConnectRequest): Promise<void>
}
