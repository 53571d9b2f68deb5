/** An API server, as far as the dashboard sees one: tables with watches, node streams, logs, and the writes that the dashboard makes. */
import type { ApiRequest, ApiResponse } from '../../src/client/transport.ts'
import { ConnectionError, type Transport } from '../../src/client/transport.ts'
import { createClient } from '../../src/client/client.ts'
import type { Line } from '../../ui/connect.ts'

interface FakeObject { metadata: { name: string; namespace?: string; uid: string; resourceVersion: string; creationTimestamp: string; labels?: Record<string, string>; annotations?: Record<string, string>; deletionTimestamp?: string }; [field: string]: unknown }
export interface FakeRow { cells: (string | number)[]; object: FakeObject }
type Column = readonly [name: string, type: string, priority: number]

const tables: Record<string, { path: string; columns: readonly Column[] }> = {
  pods: { path: '/api/v1/pods', columns: [['Name', 'string', 0], ['Ready', 'string', 0], ['Status', 'string', 0], ['Restarts', 'string', 0], ['Age', 'string', 0], ['IP', 'string', 1], ['Node', 'string', 1]] },
  nodes: { path: '/api/v1/nodes', columns: [['Name', 'string', 0], ['Status', 'string', 0], ['Roles', 'string', 0], ['Age', 'string', 0], ['Version', 'string', 0]] },
  deployments: { path: '/apis/apps/v1/deployments', columns: [['Name', 'string', 0], ['Ready', 'string', 0], ['Up-to-date', 'integer', 0], ['Available', 'integer', 0], ['Age', 'string', 0]] },
  events: { path: '/api/v1/events', columns: [['Last Seen', 'string', 0], ['Type', 'string', 0], ['Reason', 'string', 0], ['Object', 'string', 0], ['Message', 'string', 0]] },
}

/** Lines that a reader gets until it or the server ends. */
class Lines implements AsyncIterable<Uint8Array> {
  readonly #waiting: string[] = []
  #wake: (() => void) | undefined
  #ended: Error | 'quietly' | undefined
  push(line: string): void { this.#waiting.push(line); this.#wake?.() }
  end(how: Error | 'quietly'): void { this.#ended = how; this.#wake?.() }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const line = this.#waiting.shift()
      if (line !== undefined) yield Buffer.from(`${line}\n`)
      else if (this.#ended === 'quietly') return
      else if (this.#ended) throw this.#ended
      else await new Promise<void>((resolve) => { this.#wake = resolve })
    }
  }
}

async function* once(body: string): AsyncGenerator<Uint8Array> { yield Buffer.from(body) }
const answer = (status: number, body: unknown): ApiResponse => ({ status, headers: {}, body: once(typeof body === 'string' ? body : JSON.stringify(body)) })
const refusal = (code: number, message: string): ApiResponse => answer(code, { kind: 'Status', status: 'Failure', code, reason: code === 404 ? 'NotFound' : 'Conflict', message })

export class FakeCluster implements Transport {
  readonly rows: Record<string, Map<string, FakeRow>> = Object.fromEntries(Object.keys(tables).map((name) => [name, new Map<string, FakeRow>()]))
  /** What was asked to be changed: `DELETE /api/...  {...}`. */
  readonly writes: string[] = []
  /** Whether the nodes are Wherry's. */
  pushes = true
  away = false
  logLines: string[] = []
  processes: unknown = undefined
  /** What metrics.k8s.io answers; undefined: it is not there. */
  metrics: Record<string, unknown[]> | undefined
  #revision = 100
  readonly #watches = new Set<{ resource: string; lines: Lines }>()
  readonly #streams = new Map<string, Lines>()

  line(): Line {
    const client = createClient(this)
    return { client, transport: { request: (request, signal) => this.request(request, signal), close: () => undefined }, access: { server: 'https://127.0.0.1:6443' }, identity: { context: 'demo', namespace: 'default', server: 'https://127.0.0.1:6443', user: 'admin' } }
  }

  put(resource: string, row: FakeRow): void {
    const rows = this.rows[resource] as Map<string, FakeRow>
    const type = rows.has(row.object.metadata.uid) ? 'MODIFIED' : 'ADDED'
    row.object.metadata.resourceVersion = String(++this.#revision)
    rows.set(row.object.metadata.uid, row)
    this.#tell(resource, type, row)
  }

  remove(resource: string, uid: string): void {
    const row = this.rows[resource]?.get(uid)
    if (!row) return
    this.rows[resource]?.delete(uid)
    row.object.metadata.resourceVersion = String(++this.#revision)
    this.#tell(resource, 'DELETED', row)
  }

  #tell(resource: string, type: string, row: FakeRow): void {
    for (const watch of this.#watches) if (watch.resource === resource) watch.lines.push(JSON.stringify({ type, object: { kind: 'Table', columnDefinitions: null, rows: [row] } }))
  }

  /** A line of a node's stream. */
  push(node: string, stream: 'usage' | 'heal', line: unknown): void { this.#streams.get(`${node}/${stream}`)?.push(JSON.stringify(line)) }

  /** The server is gone: lines break, requests fail. */
  leave(): void {
    this.away = true
    for (const { lines } of this.#watches) lines.end(new Error('socket hang up'))
    for (const lines of this.#streams.values()) lines.end(new Error('socket hang up'))
  }

  #open(signal: AbortSignal, closed: () => void): Lines {
    const lines = new Lines()
    signal.addEventListener('abort', () => { lines.end('quietly'); closed() })
    return lines
  }

  request(request: ApiRequest, signal: AbortSignal): Promise<ApiResponse> {
    if (this.away) return Promise.reject(new ConnectionError('connect ECONNREFUSED 127.0.0.1:6443'))
    return Promise.resolve(this.#answer(request, signal))
  }

  #answer(request: ApiRequest, signal: AbortSignal): ApiResponse {
    const url = new URL(request.path, 'https://server')
    const proxied = /^\/api\/v1\/nodes\/([^/]+)\/proxy(\/.*)$/.exec(url.pathname)
    if (proxied) return this.#node(request, { node: proxied[1] ?? '', path: proxied[2] ?? '' }, signal)
    if (request.method !== 'GET') return this.#write(request, url.pathname)
    if (url.pathname.endsWith('/log')) return this.#log(url, signal)
    const measured = /^\/apis\/metrics\.k8s\.io\/v1beta1\/(\w+)$/.exec(url.pathname)?.[1]
    if (measured && this.metrics) return answer(200, { items: this.metrics[measured] ?? [] })
    const [resource, table] = Object.entries(tables).find(([, { path }]) => path === url.pathname) ?? []
    if (!resource || !table) return refusal(404, 'the server could not find the requested resource')
    if (url.searchParams.get('watch') === 'true') {
      const watch = { resource, lines: this.#open(signal, () => this.#watches.delete(watch)) }
      this.#watches.add(watch)
      return { status: 200, headers: {}, body: watch.lines }
    }
    return answer(200, { kind: 'Table', metadata: { resourceVersion: String(this.#revision) }, columnDefinitions: table.columns.map(([name, type, priority]) => ({ name, type, priority })), rows: [...(this.rows[resource] as Map<string, FakeRow>).values()] })
  }

  #node({ method, body }: ApiRequest, { node, path }: { node: string; path: string }, signal: AbortSignal): ApiResponse {
    if (!this.pushes) return refusal(404, 'page not found')
    if (method === 'POST') { this.writes.push(`POST ${node}${path} ${Buffer.from(body ?? []).toString()}`); return answer(200, { status: 'Success' }) }
    if (path === '/wherry/processes') return this.processes ? answer(200, this.processes) : refusal(404, 'no pod with uid')
    const stream = /^\/wherry\/(usage|heal)$/.exec(path)?.[1]
    if (!stream) return refusal(404, 'page not found')
    const lines = this.#open(signal, () => this.#streams.delete(`${node}/${stream}`))
    this.#streams.set(`${node}/${stream}`, lines)
    return { status: 200, headers: {}, body: lines }
  }

  #log(url: URL, signal: AbortSignal): ApiResponse {
    const lines = this.#open(signal, () => undefined)
    for (const line of this.logLines) lines.push(line)
    if (url.searchParams.get('previous') === 'true') lines.end('quietly')
    return { status: 200, headers: {}, body: lines }
  }

  #write({ method, body }: ApiRequest, path: string): ApiResponse {
    const text = Buffer.from(body ?? []).toString()
    this.writes.push(`${method} ${path} ${text}`)
    const name = path.split('/').at(-1)
    const found = Object.entries(this.rows).flatMap(([resource, rows]) => [...rows.values()].map((row) => ({ resource, row }))).find(({ resource, row }) => path.includes(`/${resource}/`) && (row.object.metadata.name === name || path.includes(`/${row.object.metadata.name}/`)))
    if (!found) return refusal(404, `${name ?? ''} not found`)
    const { uid } = found.row.object.metadata
    if (method === 'DELETE') {
      const { preconditions } = JSON.parse(text) as { preconditions?: { uid?: string } }
      if (preconditions?.uid !== undefined && preconditions.uid !== uid) return refusal(409, 'the UID in the precondition does not match')
      this.remove(found.resource, uid)
    }
    return answer(200, found.row.object)
  }
}
