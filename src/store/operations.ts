import { maximumOperations, maximumRequestBytes, type Operation, RequestTooLargeError } from './store.ts'

/** An operation in one shape; `value` is undefined for a deletion. */
export interface CheckedOperation {
  key: string
  value: Uint8Array | undefined
  lease?: string | undefined
  expect: number | undefined
}

/** Refuses what no store takes: TypeError for keys, expectations and repetitions that are wrong, RequestTooLargeError beyond etcd's limits. */
export const checkOperations = (operations: readonly Operation[]): CheckedOperation[] => {
  if (operations.length > maximumOperations) throw new RequestTooLargeError(`a transaction of ${operations.length} operations is too large: the limit is ${maximumOperations}`)
  const checked = operations.map(checkOperation)
  const bytes = checked.reduce((sum, { key, value }) => sum + key.length + (value?.byteLength ?? 0), 0)
  if (bytes > maximumRequestBytes) throw new RequestTooLargeError(`a request of ${bytes} bytes is too large: the limit is ${maximumRequestBytes}`)
  if (checked.length > 1 && new Set(checked.map(({ key }) => key)).size < checked.length) throw new TypeError('a key is given twice in one transaction')
  return checked
}

const checkOperation = (operation: Operation): CheckedOperation => {
  const write: CheckedOperation = 'put' in operation
    ? { key: operation.put, value: own(operation.value), lease: operation.options?.lease, expect: operation.options?.expect }
    : { key: operation.delete, value: undefined, expect: operation.options?.expect }
  checkKey(write.key)
  if (write.expect !== undefined && !(Number.isSafeInteger(write.expect) && write.expect >= 0)) throw new TypeError(`a modification revision is a whole number from 0, not ${write.expect}`)
  return write
}

/** Text that UTF-8 and SQLite carry unchanged. */
const checkKey = (key: string): void => {
  if (key === '') throw new TypeError('the key is empty')
  if (key.includes('\0') || !key.isWellFormed()) throw new TypeError(`the key ${JSON.stringify(key)} holds a NUL or half a surrogate pair`)
}

/** The bytes as a plain array that keeps no larger buffer alive (Node cuts small Buffers from a pool of 64 KiB). */
const own = (value: Uint8Array): Uint8Array => {
  if (value.byteLength * 2 < value.buffer.byteLength) return Uint8Array.from(value)
  return Buffer.isBuffer(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : value
}
