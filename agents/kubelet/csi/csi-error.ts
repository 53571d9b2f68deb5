/** What a plugin answered in place of what it was asked for, in the words of Go's gRPC. */
export class CsiError extends Error {
  override readonly name = 'CsiError'
  /** `NotFound`, `DeadlineExceeded`... */
  readonly code: string
  constructor(code: string, details: string) {
    super(`rpc error: code = ${code} desc = ${details}`)
    this.code = code
  }
}

/** Codes as Go names them: DATA_LOSS is DataLoss. */
export const codeName = (name: string | undefined): string => (name === 'CANCELLED' ? 'Canceled' : name === 'OK' ? 'OK' : (name ?? 'UNKNOWN').toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()))

export const isUnimplemented = (error: unknown): boolean => error instanceof CsiError && error.code === 'Unimplemented'
