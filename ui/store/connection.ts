/** Whether the API server answers: one word for the whole screen. */
import type { Clock } from '../../src/api/clock.ts'

export type ConnectionState = { state: 'connecting' | 'away'; since: number; why: string } | { state: 'live' }

export interface Connection {
  readonly now: ConnectionState
  worked(): void
  failed(error: unknown): void
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const connection = (clock: Clock, changed: () => void): Connection => {
  let now: ConnectionState = { state: 'connecting', since: clock.monotonic(), why: '' }
  return {
    get now() { return now },
    worked: () => {
      if (now.state === 'live') return
      now = { state: 'live' }
      changed()
    },
    failed: (error) => {
      const was = now
      now = was.state === 'live' ? { state: 'away', since: clock.monotonic(), why: words(error) } : { ...was, why: words(error) }
      changed()
    },
  }
}
