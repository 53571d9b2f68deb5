/** The newest lines of one container's log, followed. */
import { resourcePath, Pods } from '../../src/api/kinds.ts'
import type { Clock } from '../../src/api/clock.ts'
import type { Client } from '../../src/client/client.ts'
import { failureOf } from '../../src/client/failure.ts'
import type { ApiRequest } from '../../src/client/transport.ts'
import { lines, text } from '../../src/client/watch.ts'
import { sanitize } from '../text/sanitize.ts'

export interface LogWish { namespace: string; pod: string; uid: string; container: string; previous: boolean; sinceSeconds: number | undefined }

export interface LogLine { at: string; text: string }

const kept = 10_000
const tailLines = 500

export class LogBuffer {
  readonly wish: LogWish
  lines: LogLine[] = []
  version = 0
  /** How many older lines have been let go. */
  dropped = 0
  state: 'opening' | 'open' | 'ended' = 'opening'
  error = ''

  constructor(wish: LogWish) { this.wish = wish }

  add(line: string): void {
    const [, at, rest] = /^(\d{4}-\d\d-\d\dT\S+) ?(.*)$/s.exec(line) ?? []
    this.lines.push({ at: at ?? '', text: sanitize(rest ?? line) })
    if (this.lines.length > kept + 1_000) {
      this.dropped += this.lines.length - kept
      this.lines = this.lines.slice(-kept)
    }
    this.version += 1
  }

  /** A line of ours between theirs. */
  rule(words: string): void { this.add(`---- ${words} ${'-'.repeat(40)}`) }
}

const requestFor = ({ namespace, pod, container, previous, sinceSeconds }: LogWish, sinceTime: string): ApiRequest => {
  const since: Record<string, string> = sinceTime ? { sinceTime } : sinceSeconds === undefined ? { tailLines: String(tailLines) } : { sinceSeconds: String(sinceSeconds) }
  const query = new URLSearchParams({ container, timestamps: 'true', ...(previous ? { previous: 'true' } : { follow: 'true' }), ...since })
  return { method: 'GET', path: `${resourcePath(Pods, { namespace, name: pod, subresource: 'log' })}?${query}`, headers: { accept: '*/*' } }
}

export interface LogContext { client: Client; clock: Clock; changed(): void }

/** Follows until `signal` aborts: when the container ends its next run is waited for, and a ruler drawn between the two. */
export const followLog = async (buffer: LogBuffer, { client, clock, changed }: LogContext, signal: AbortSignal): Promise<void> => {
  let last = ''
  while (!signal.aborted) {
    try {
      const request = requestFor(buffer.wish, last)
      const response = await client.raw(request, signal)
      if (response.status >= 400) throw failureOf(request, response, await text(response.body))
      buffer.error = ''
      if (buffer.state === 'ended') buffer.rule('the log goes on')
      buffer.state = 'open'
      changed()
      for await (const each of lines(response.body)) {
        // From `sinceTime` on the server repeats the last second.
        const at = each.slice(0, each.indexOf(' '))
        if (last !== '' && at <= last && /^\d{4}-/.test(at)) continue
        buffer.add(each)
        if (/^\d{4}-/.test(at)) last = at
        changed()
      }
      if (signal.aborted) return
      if (buffer.wish.previous) { buffer.state = 'ended'; changed(); return }
      buffer.state = 'ended'
    } catch (error) {
      if (signal.aborted) return
      buffer.error = error instanceof Error ? error.message : String(error)
      if (buffer.state === 'opening') buffer.state = 'ended'
    }
    changed()
    await clock.sleep(1_000, signal).catch(() => undefined) // aborted: the loop's condition sees it
  }
}
