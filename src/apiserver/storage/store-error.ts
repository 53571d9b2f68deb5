/** The store's errors as a client is to see them. */
import { internalError, requestEntityTooLarge, serverTimeout, type StatusError } from '../../api/status.ts'
import { RequestTooLargeError, StoreUnavailableError } from '../../store/store.ts'

export const statusOfStoreError = (error: unknown): StatusError => {
  if (error instanceof RequestTooLargeError) return requestEntityTooLarge(`Request entity too large: ${error.message}`)
  if (error instanceof StoreUnavailableError) return serverTimeout(`The store did not answer in time, please try again: ${error.message}`)
  return internalError(error)
}

/** `work`, its store errors turned into Status errors. */
export const fromStore = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    throw statusOfStoreError(error)
  }
}
