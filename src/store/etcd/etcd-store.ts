import { once } from 'node:events'
import { open, rename, rm } from 'node:fs/promises'
import {
  CompactedError, type KeyValue, type Lease, LeaseNotFoundError, type Operation, type RangeOptions, type RangeResult, type Store,
  type WatchBatch, type WatchOptions, type WriteOptions, type WriteResult,
} from '../store.ts'
import { type CheckedOperation, checkOperations } from '../operations.ts'
import { type ConnectionOptions, EtcdConnection } from './connection.ts'
import { fromEtcd, isCompacted } from './errors.ts'
import { KeySpace } from './key-space.ts'
import type { LeaseResponse, RangeResponse, SnapshotResponse, StatusResponse, TxnResponse } from './messages.ts'
import { ProgressRequests, progressIsSound } from './progress.ts'
import { firstRevision, watchEtcd } from './watch.ts'

export interface EtcdStoreOptions extends ConnectionOptions {
  /** Before every key, so that several clusters can share one etcd. Absent: nothing. */
  prefix?: string
}

/**
 * A store kept by an etcd v3 cluster. Rejects with StoreUnavailableError if no member answers. Reads are linearizable. Whether a write was applied that ended with
 * StoreUnavailableError is not known; one that ended with StorageError (etcd's space is used up) was not.
 */
export const openEtcdStore = async ({ prefix = '', ...options }: EtcdStoreOptions): Promise<Store> => {
  const connection = new EtcdConnection(options)
  try {
    const { version } = await connection.unary<StatusResponse>('Maintenance.Status', {}, true)
    return new EtcdStore(connection, new KeySpace(prefix), { clock: options.clock, sound: progressIsSound(version) })
  } catch (error) {
    connection.close()
    throw fromEtcd(error)
  }
}

class EtcdStore implements Store {
  readonly #connection: EtcdConnection
  readonly #keys: KeySpace
  readonly #closing = new AbortController()
  readonly #progress: ProgressRequests | undefined

  constructor(connection: EtcdConnection, keys: KeySpace, { clock, sound }: { clock: ConnectionOptions['clock']; sound: boolean }) {
    this.#connection = connection
    this.#keys = keys
    if (sound) this.#progress = new ProgressRequests(clock, this.#closing.signal)
  }

  async #unary<Response>(name: `${string}.${string}`, request: object, repeated = false): Promise<Response> {
    try {
      return await this.#connection.unary<Response>(name, request, repeated)
    } catch (error) {
      if (isCompacted(error)) throw new CompactedError(await this.#compactedRevision())
      throw fromEtcd(error)
    }
  }

  async revision(): Promise<number> {
    const revision = await this.#newest()
    this.#progress?.want(revision)
    return revision
  }

  async #newest(): Promise<number> {
    return revisionOf(await this.#unary<RangeResponse>('KV.Range', { key: this.#keys.key('/'), count_only: true }, true))
  }

  async get(key: string, { revision = 0 }: Pick<RangeOptions, 'revision'> = {}): Promise<{ revision: number; item: KeyValue | undefined }> {
    const response = await this.#unary<RangeResponse>('KV.Range', { key: this.#keys.key(key), revision: String(revision) }, true)
    return { revision: revisionOf(response), item: response.kvs[0] && this.#keys.keyValue(response.kvs[0]) }
  }

  async range(start: string, end: string, { revision = 0, limit = 0, countOnly = false }: RangeOptions = {}): Promise<RangeResult> {
    const response = await this.#unary<RangeResponse>('KV.Range',
      { key: this.#keys.key(start), range_end: this.#keys.key(end), revision: String(revision), limit: String(limit), count_only: countOnly }, true)
    return { revision: revisionOf(response), items: response.kvs.map((wire) => this.#keys.keyValue(wire)), count: Number(response.count), more: response.more }
  }

  async put(key: string, value: Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    const response = await this.#txn(checkOperations([{ put: key, value, options }]), [{ request_range: { key: this.#keys.key(key) } }])
    return this.#result(response, response.responses[0]?.response_put?.prev_kv)
  }

  async delete(key: string, options: Pick<WriteOptions, 'expect'> = {}): Promise<WriteResult> {
    const response = await this.#txn(checkOperations([{ delete: key, options }]), [{ request_range: { key: this.#keys.key(key) } }])
    return this.#result(response, response.responses[0]?.response_delete_range?.prev_kvs[0])
  }

  async transaction(operations: readonly Operation[]): Promise<{ ok: boolean; revision: number }> {
    const response = await this.#txn(checkOperations(operations), [])
    return { ok: response.succeeded, revision: revisionOf(response) }
  }

  #txn(operations: readonly CheckedOperation[], failure: object[]): Promise<TxnResponse> {
    const compare = operations.filter(({ expect }) => expect !== undefined)
      .map(({ key, expect }) => ({ result: 'EQUAL', target: 'MOD', key: this.#keys.key(key), mod_revision: String(expect) }))
    const success = operations.map(({ key, value, lease = '0' }) => value
      ? { request_put: { key: this.#keys.key(key), value, lease, prev_kv: true } }
      : { request_delete_range: { key: this.#keys.key(key), prev_kv: true } })
    return this.#unary<TxnResponse>('KV.Txn', { compare, success, failure })
  }

  #result(response: TxnResponse, previous: Parameters<KeySpace['keyValue']>[0] | null | undefined): WriteResult {
    const revision = revisionOf(response)
    if (response.succeeded) return { ok: true, revision, previous: previous ? this.#keys.keyValue(previous) : undefined }
    const current = response.responses[0]?.response_range?.kvs[0]
    return { ok: false, revision, current: current && this.#keys.keyValue(current) }
  }

  watch(start: string, end: string, options: WatchOptions): AsyncIterable<WatchBatch> {
    const from = firstRevision(options, () => this.#newest())
    // Reported to the reader, when it begins to read; until then nobody else has to know.
    from.catch(() => undefined)
    return this.#watch([start, end], from, AbortSignal.any([options.signal, this.#closing.signal]))
  }

  async *#watch(range: readonly [string, string], from: Promise<number>, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    const progress = this.#progress?.add() ?? { told: 0, stream: undefined }
    try {
      yield* watchEtcd({ connection: this.#connection, keys: this.#keys, progress }, range, from, signal)
    } finally {
      this.#progress?.remove(progress)
    }
  }

  async compact(revision: number): Promise<void> {
    await this.#unary('KV.Compact', { revision: String(revision) })
  }

  /** etcd says it only to a watch that asks for what is no longer there. */
  async #compactedRevision(): Promise<number> {
    const stop = new AbortController()
    try {
      for await (const _ of this.watch('/', '0', { fromRevision: 1, signal: stop.signal })) break
      return 0
    } catch (error) {
      if (error instanceof CompactedError) return error.compactedRevision
      throw error
    } finally {
      stop.abort()
    }
  }

  async grantLease(ttlSeconds: number, id = '0'): Promise<Lease> {
    if (!(Number.isSafeInteger(ttlSeconds) && ttlSeconds > 0)) throw new TypeError(`a lease lasts a whole number of seconds from 1, not ${ttlSeconds}`)
    return leaseOf(await this.#unary<LeaseResponse>('Lease.LeaseGrant', { TTL: String(ttlSeconds), ID: id }))
  }

  async keepAlive(id: string): Promise<Lease> {
    const stream = await this.#connection.duplex<LeaseResponse>('Lease.LeaseKeepAlive', { brief: true })
    try {
      stream.write({ ID: id })
      const [response] = await once(stream, 'data') as [LeaseResponse]
      if (Number(response.TTL) <= 0) throw new LeaseNotFoundError(`lease ${id} not found`)
      return leaseOf(response)
    } catch (error) {
      throw fromEtcd(error)
    } finally {
      stream.cancel()
    }
  }

  async revokeLease(id: string): Promise<void> {
    await this.#unary('Lease.LeaseRevoke', { ID: id })
  }

  /** etcd's own snapshot of the member that answers, whatever the prefix: `etcdctl snapshot restore` reads it. Complete and on disk when this resolves, or absent. */
  async snapshot(file: string): Promise<void> {
    const partial = `${file}.partial`
    const handle = await open(partial, 'w', 0o600)
    try {
      for await (const { blob } of await this.#connection.serverStream<SnapshotResponse>('Maintenance.Snapshot', {}) as AsyncIterable<SnapshotResponse>) await handle.write(blob)
      await handle.sync()
      await rename(partial, file)
    } catch (error) {
      await rm(partial, { force: true })
      throw fromEtcd(error)
    } finally {
      await handle.close()
    }
  }

  async sizeBytes(): Promise<number> {
    return Number((await this.#unary<StatusResponse>('Maintenance.Status', {}, true)).dbSize)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#connection.close()
  }
}

const revisionOf = ({ header }: { header: { revision: string } }): number => Number(header.revision)
const leaseOf = ({ ID, TTL }: LeaseResponse): Lease => ({ id: ID, ttlSeconds: Number(TTL) })
