import { type ServiceError, status } from '@grpc/grpc-js'
import { FutureRevisionError, LeaseExistsError, LeaseNotFoundError, RequestTooLargeError, StorageError, StoreUnavailableError } from '../store.ts'

/** As etcd's api/v3rpc/rpctypes/error.go words them. */
const byMessage: readonly [part: string, make: (message: string, options: ErrorOptions) => Error][] = [
  ['required revision is a future revision', (message, options) => new FutureRevisionError(message, options)],
  ['requested lease not found', (message, options) => new LeaseNotFoundError(message, options)],
  ['lease already exists', (message, options) => new LeaseExistsError(message, options)],
  ['request is too large', (message, options) => new RequestTooLargeError(message, options)],
  ['too many operations in txn request', (message, options) => new RequestTooLargeError(message, options)],
  ['database space exceeded', (message, options) => new StorageError(message, options)],
]

const unreachable: readonly number[] = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED]

export const isServiceError = (error: unknown): error is ServiceError => error instanceof Error && 'code' in error && 'details' in error

/** Whether the member could not be asked, or did not answer: another one may. */
export const isUnreachable = (error: unknown): boolean => isServiceError(error) && unreachable.includes(error.code)

/** Whether etcd refused because the revision is compacted; which one it is compacted at, it does not say here. */
export const isCompacted = (error: unknown): boolean => isServiceError(error) && error.details.includes('required revision has been compacted')

/** What etcd's answer means in the store's terms; any other error as it is. */
export const fromEtcd = (error: unknown): unknown => {
  if (!isServiceError(error)) return error
  const known = byMessage.find(([part]) => error.details.includes(part))
  if (known) return known[1](error.details, { cause: error })
  return isUnreachable(error) ? new StoreUnavailableError(`etcd does not answer: ${error.details}`, { cause: error }) : error
}
