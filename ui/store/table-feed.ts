/** One kind, listed and watched as a Table with the objects in it; the newest state lies in a plain Map that screens read. */
import type { Clock } from '../../src/api/clock.ts'
import { type Kind, resourcePath } from '../../src/api/kinds.ts'
import type { Random } from '../../src/api/random.ts'
import { isExpired, StatusError } from '../../src/api/status.ts'
import type { Status } from '../../src/api/types.ts'
import { exponentialBackoff } from '../../src/client/backoff.ts'
import type { Client } from '../../src/client/client.ts'
import { failureOf } from '../../src/client/failure.ts'
import type { ApiRequest, ApiResponse } from '../../src/client/transport.ts'
import { lines, text } from '../../src/client/watch.ts'
import type { Connection } from './connection.ts'
import { readTable, type TableColumn, type TableRow, type WireTable } from './table-row.ts'

export interface FeedContext {
  client: Client
  clock: Clock
  random: Random
  connection: Connection
  /** Something in a feed has changed. */
  changed(): void
  /** Where to look when all namespaces are forbidden. */
  ownNamespace: string
}

const accept = 'application/json;as=Table;g=meta.k8s.io;v=v1,application/json'

type WatchLine = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: WireTable } | { type: 'ERROR'; object: Status }

export class TableFeed {
  readonly kind: Kind
  readonly rows = new Map<string, TableRow>()
  columns: readonly TableColumn[] = []
  /** Grows with every change. */
  version = 0
  loaded = false
  /** Why there is nothing, in the server's words. */
  error = ''
  readonly #context: FeedContext
  #namespace: string | undefined
  #resourceVersion = ''

  constructor(kind: Kind, context: FeedContext) {
    this.kind = kind
    this.#context = context
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, connection } = this.#context
    const backoff = exponentialBackoff({ base: 100, cap: 3_000, random })
    let listed = false
    while (!signal.aborted) {
      const began = clock.monotonic()
      try {
        if (!listed) {
          await this.#list(signal)
          connection.worked()
        }
        listed = true
        await this.#watch(signal, () => { backoff.reset(); connection.worked() })
        if (clock.monotonic() - began > 1_000) continue
      } catch (error) {
        if (signal.aborted) return
        if (isExpired(error)) listed = false
        else this.#failed(error)
        if (!(error instanceof StatusError)) connection.failed(error)
      }
      await clock.sleep(backoff.next(), signal).catch(() => undefined) // aborted: the loop's condition sees it
    }
  }

  #failed(error: unknown): void {
    if (error instanceof StatusError && error.code === 403 && this.kind.namespaced && this.#namespace === undefined) this.#namespace = this.#context.ownNamespace
    if (error instanceof StatusError || !this.loaded) this.error = error instanceof Error ? error.message : String(error)
    this.#touch()
  }

  #touch(): void {
    this.version += 1
    this.#context.changed()
  }

  async #open(query: Record<string, string>, signal: AbortSignal): Promise<ApiResponse> {
    const path = `${resourcePath(this.kind, { namespace: this.#namespace })}?${new URLSearchParams({ includeObject: 'Object', ...query })}`
    const request: ApiRequest = { method: 'GET', path, headers: { accept, 'user-agent': 'wherry-dashboard' } }
    const response = await this.#context.client.raw(request, signal)
    if (response.status >= 400) throw failureOf(request, response, await text(response.body))
    return response
  }

  async #list(signal: AbortSignal): Promise<void> {
    const found = new Map<string, TableRow>()
    let columns: readonly TableColumn[] = []
    let more = ''
    do {
      const page = JSON.parse(await text((await this.#open({ limit: '500', ...(more && { continue: more }) }, signal)).body)) as WireTable
      const read = readTable(page)
      columns = read.columns ?? columns
      for (const row of read.rows) found.set(row.uid, row)
      more = page.metadata?.continue ?? ''
      this.#resourceVersion = page.metadata?.resourceVersion ?? ''
    } while (more)
    this.columns = columns
    this.rows.clear()
    for (const [uid, row] of found) this.rows.set(uid, row)
    this.loaded = true
    this.error = ''
    this.#touch()
  }

  async #watch(signal: AbortSignal, worked: () => void): Promise<void> {
    const timeoutSeconds = String(Math.floor(300 * (1 + this.#context.random.next())))
    const { body } = await this.#open({ watch: 'true', allowWatchBookmarks: 'true', resourceVersion: this.#resourceVersion, timeoutSeconds }, signal)
    worked()
    for await (const line of lines(body)) {
      const event = JSON.parse(line) as WatchLine
      if (event.type === 'ERROR') throw new StatusError(event.object)
      this.#apply(event)
      if (signal.aborted) return
    }
    signal.throwIfAborted()
  }

  #apply({ type, object }: Exclude<WatchLine, { type: 'ERROR' }>): void {
    const { columns, rows } = readTable(object)
    for (const row of rows) {
      this.#resourceVersion = row.object.metadata.resourceVersion
      if (type === 'BOOKMARK') continue
      if (columns && this.columns.length === 0) this.columns = columns
      if (type === 'DELETED') this.rows.delete(row.uid)
      else this.rows.set(row.uid, row)
      this.#touch()
    }
  }
}
