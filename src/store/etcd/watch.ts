import type { ClientDuplexStream } from '@grpc/grpc-js'
import { CompactedError, type StoreEvent, type WatchBatch, type WatchOptions } from '../store.ts'
import type { EtcdConnection } from './connection.ts'
import { fromEtcd, isUnreachable } from './errors.ts'
import type { KeySpace } from './key-space.ts'
import type { WatchResponse, WireEvent } from './messages.ts'

type WatchStream = ClientDuplexStream<object, WatchResponse>

export interface WatchTarget {
  connection: EtcdConnection
  keys: KeySpace
  /** Where it stands, for who asks the members for progress. */
  progress: WatchProgress
}

/** A watch as the one who asks for progress sees it: how far its reader knows to have seen, and the stream to ask on. */
export interface WatchProgress { told: number; stream: WatchStream | undefined }

/**
 * One watch on a stream of its own. etcd sends what the reader takes (the stream's flow control), so a slow reader costs nobody anything, until compaction overtakes it:
 * CompactedError. When the connection breaks, it goes on at another member from the revision after the last one seen.
 */
export async function* watchEtcd(target: WatchTarget, [start, end]: readonly [string, string], from: Promise<number>, signal: AbortSignal): AsyncGenerator<WatchBatch> {
  const { connection, keys, progress } = target
  let next = await from
  progress.told = next - 1
  while (!signal.aborted) {
    const stream = await connection.duplex<WatchResponse>('Watch.Watch')
    const cancel = (): void => stream.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    try {
      if (signal.aborted) return
      stream.write({ create_request: { key: keys.key(start), range_end: keys.key(end), start_revision: String(next), prev_kv: true, progress_notify: true } })
      progress.stream = stream
      for await (const response of stream) {
        const batch = batchOf(response as WatchResponse, keys)
        if (!batch || batch.revision < next) continue
        next = batch.revision + 1
        progress.told = batch.revision
        yield batch
      }
    } catch (error) {
      if (signal.aborted) return
      if (!isUnreachable(error)) throw fromEtcd(error)
    } finally {
      progress.stream = undefined
      signal.removeEventListener('abort', cancel)
      stream.cancel()
    }
  }
}

/** Undefined for what only says that the watch stands. Throws when the watch has ended. */
const batchOf = (response: WatchResponse, keys: KeySpace): WatchBatch | undefined => {
  if (response.canceled) throw response.compact_revision === '0' ? new Error(`etcd ended the watch: ${response.cancel_reason}`) : new CompactedError(Number(response.compact_revision))
  if (response.created) return undefined
  const last = response.events.at(-1)
  // The header of a batch of events may be ahead of them: it is the store's newest revision while older events are replayed.
  return { revision: Number(last ? last.kv.mod_revision : response.header.revision), events: response.events.map((event) => eventOf(event, keys)) }
}

const eventOf = ({ type, kv, prev_kv }: WireEvent, keys: KeySpace): StoreEvent => {
  const previous = prev_kv ? keys.keyValue(prev_kv) : undefined
  // What the event replaced is already compacted: who needs it must list anew, as for any compacted revision.
  if (!previous && (type === 'DELETE' || kv.version !== '1')) throw new CompactedError(Number(kv.mod_revision))
  if (type === 'PUT') return { type: 'put', current: keys.keyValue(kv), previous }
  return { type: 'delete', key: keys.keyOf(kv), revision: Number(kv.mod_revision), previous: previous! }
}

/** From which revision a watch is to begin. */
export const firstRevision = async ({ fromRevision }: WatchOptions, newest: () => Promise<number>): Promise<number> => fromRevision || await newest() + 1
