/** Everything long-lived is a component: it runs until its signal aborts, and cleans up before `run` resolves. */
export interface Component {
  name: string
  run(signal: AbortSignal): Promise<void>
}

/** A structured log line; `fields` are printed as JSON. Kept small so that components can be given any sink. */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
  debug(message: string, fields?: Record<string, unknown>): void
  /** Whether lines cannot be written any more; absent: they always can. */
  blocked?(): boolean
}
