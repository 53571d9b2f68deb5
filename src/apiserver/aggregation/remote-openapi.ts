/** What aggregated servers say of their types: asked each time that they have been found to be there. Mirrors kube-aggregator's `pkg/controllers/{openapi,openapiv3}`. */
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import type { APIService } from '../../api/types.ts'
import { definitionsOf } from '../openapi/remote-definitions.ts'
import type { RemoteServers } from './remote-server.ts'

const limits = { timeoutMs: 10_000, maxBytes: 64 << 20 }

interface Types {
  /** Tells one state of the v3 document from the next; undefined: the server has none. */
  hash: string | undefined
  /** The ETag of the v2 document that `definitions` are of. */
  etag: string | undefined
  definitions: JsonObject
}

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

const parsed = (body: Buffer): JsonObject => {
  try {
    const value = JSON.parse(body.toString()) as JsonValue
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

const pathOf = ({ spec: { group = '', version = '' } }: APIService): string => `apis/${group}/${version}`

const hashIn = (root: JsonObject, path: string): string | undefined => {
  const entry = isObject(root['paths']) ? root['paths'][path] : undefined
  const url = isObject(entry) ? entry['serverRelativeURL'] : undefined
  return typeof url === 'string' ? (new URL(url, 'https://server').searchParams.get('hash') ?? '') : undefined
}

export class RemoteOpenapi {
  private readonly types = new Map<string, { path: string; types: Types }>()
  private readonly servers: RemoteServers
  /** Grows with every change. */
  generation = 0

  constructor(servers: RemoteServers) {
    this.servers = servers
  }

  /** Never rejects: a server need not describe its types. */
  async learn(apiService: APIService, signal: AbortSignal): Promise<void> {
    const { metadata: { name }, spec: { group = '', version = '' } } = apiService
    const known = this.types.get(name)?.types
    const types = await this.ask(apiService, known, signal).catch(() => undefined)
    if (!types || (known?.hash === types.hash && known?.definitions === types.definitions)) return
    this.types.set(name, { path: `apis/${group}/${version}`, types })
    this.generation += 1
  }

  private async ask(apiService: APIService, known: Types | undefined, signal: AbortSignal): Promise<Types> {
    const { spec: { group = '', version = '' } } = apiService
    const address = this.servers.resolve(apiService)
    const v3 = await this.servers.get(address, '/openapi/v3', { ...limits, signal })
    const v2 = await this.servers.get(address, '/openapi/v2', { ...limits, signal, ...(known?.etag !== undefined && { headers: { 'if-none-match': known.etag } }) })
    const hash = v3.status === 200 ? hashIn(parsed(v3.body), pathOf(apiService)) : undefined
    if (known && v2.status === 304) return { ...known, hash }
    return { hash, etag: v2.etag, definitions: v2.status === 200 ? definitionsOf(parsed(v2.body), group, version) : {} }
  }

  forget(name: string): void {
    if (this.types.delete(name)) this.generation += 1
  }

  /** Paths of /openapi/v3 that other servers answer, with their hashes. */
  get paths(): ReadonlyMap<string, string> {
    return new Map([...this.types.values()].flatMap(({ path, types: { hash } }) => (hash === undefined ? [] : [[path, hash] as const])))
  }

  get definitions(): JsonObject[] { return [...this.types.values()].map(({ types }) => types.definitions) }
}
