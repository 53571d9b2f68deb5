import type { KeyValue, StoreEvent } from '../store.ts'

/** One write of one key: a link in the key's chain of values (newest first) and an entry of the history. `item` is undefined for a deletion. */
export interface Change {
  readonly key: string
  /** `key` in byte order (key-order.ts). */
  readonly order: string
  readonly revision: number
  /** The row on disk; grows by one with every change. */
  readonly seq: number
  readonly item: KeyValue | undefined
  /** What the key was before; cut off by compaction. */
  older: Change | undefined
}

/** What a watcher is told of it. A deletion always follows something that is still there: compaction keeps what the oldest events replaced. */
export const eventOf = ({ key, revision, item, older }: Change): StoreEvent => {
  if (item) return { type: 'put', current: item, previous: older?.item }
  if (!older?.item) throw new Error(`the deletion of ${key} at revision ${revision} has nothing before it`)
  return { type: 'delete', key, revision, previous: older.item }
}

/** The key's value as of `revision`; undefined where it did not exist. Costs the number of newer changes of this key. */
export const itemAt = (newest: Change, revision: number): KeyValue | undefined => {
  let change: Change | undefined = newest
  while (change && change.revision > revision) change = change.older
  return change?.item
}
