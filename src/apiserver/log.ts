/** A structured log line; `fields` are printed as JSON. The shape of every component's log. */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
  debug(message: string, fields?: Record<string, unknown>): void
  /** Whether lines cannot be written any more; absent: they always can. */
  blocked?(): boolean
}

export const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined }
