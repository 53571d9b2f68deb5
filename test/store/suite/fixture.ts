import { expect } from 'vitest'
import type { Store, StoreEvent, WatchBatch } from '../../../src/store/store.ts'

export interface Fixture extends AsyncDisposable {
  /** Without keys. Its revision may be anything. */
  store: Store
  /** Time passes for leases, where time is ours to move; else nothing happens and one has to wait. */
  passTime(milliseconds: number): Promise<void>
  /** How many changes a reader may let go by; undefined where the engine has no such bound of its own. */
  watchBound?: number
}

export type Open = () => Promise<Fixture>

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value)

/** Puts and expects success; returns the revision. */
export const put = async (store: Store, key: string, value = 'value'): Promise<number> => {
  const result = await store.put(key, bytes(value))
  expect(result.ok).toBe(true)
  return result.revision
}

export const deadline = (milliseconds = 20_000): AbortSignal => AbortSignal.timeout(milliseconds)

export interface WatchRange { from?: number; start?: string; end?: string; signal?: AbortSignal }

/** The watch's batches until `done` says so. Fails if the watch ends or twenty seconds pass before. */
export const batchesUntil = async (store: Store, { from, start = '/', end = '0', signal = deadline() }: WatchRange, done: (batches: WatchBatch[]) => boolean): Promise<WatchBatch[]> => {
  const batches: WatchBatch[] = []
  if (done(batches)) return batches
  for await (const batch of store.watch(start, end, { signal, ...(from !== undefined && { fromRevision: from }) })) {
    batches.push(batch)
    if (done(batches)) return batches
  }
  throw new Error(`the watch ended after ${JSON.stringify(batches)}`)
}

/** The first `count` events. */
export const events = async (store: Store, range: WatchRange, count: number): Promise<StoreEvent[]> =>
  (await batchesUntil(store, range, (batches) => batches.reduce((sum, batch) => sum + batch.events.length, 0) >= count)).flatMap((batch) => batch.events)

/** Everything that happened from `from` up to now, and nothing of what may come: the events before a last one that is made here. */
export const eventsUpToNow = async (store: Store, range: WatchRange & { marker: string }): Promise<StoreEvent[]> => {
  await put(store, range.marker, 'the end')
  const seen = await batchesUntil(store, range, (batches) => batches.at(-1)?.events.some((event) => keyOf(event) === range.marker) ?? false)
  return seen.flatMap((batch) => batch.events).filter((event) => keyOf(event) !== range.marker)
}

export const keyOf = (event: StoreEvent): string => (event.type === 'put' ? event.current.key : event.key)
export const revisionOf = (event: StoreEvent): number => (event.type === 'put' ? event.current.modRevision : event.revision)

/** An event in one line: what happened, to which value from which, at which revision after `base`. */
export const told = (event: StoreEvent, base: number): string => (event.type === 'put'
  ? `${event.current.key} ${text(event.previous?.value) ?? '-'} > ${text(event.current.value)} @${event.current.modRevision - base}`
  : `${event.key} ${text(event.previous.value)} > - @${event.revision - base}`)
