/** The webhook backend: events are POSTed as an EventList, tried again while nobody takes them. Mirrors apiserver's `plugin/pkg/audit/webhook`. */
import type { Clock } from '../../api/clock.ts'
import type { Random } from '../../api/random.ts'
import type { Log } from '../log.ts'
import type { AuditBackend } from './backend.ts'

/** POSTs JSON; rejects with what is wrong, another status than a 2xx among it. */
export type PostEvents = (body: Buffer, signal: AbortSignal) => Promise<void>

/** Upstream's: five attempts, each pause half as long again as the last, a fifth of it by chance. */
const attempts = 5
const factor = 1.5
const jitter = 0.2

const head = '{"kind":"Event","apiVersion":"audit.k8s.io/v1",'
/** Items of a list do not say what they are. */
const item = (line: string): string => (line.startsWith(head) ? `{${line.slice(head.length)}` : line)

export const webhookBackend = ({ post, initialBackoffMs, clock, random, log }: { post: PostEvents; initialBackoffMs: number; clock: Clock; random: Random; log: Log }): AuditBackend => {
  const closing = new AbortController()
  return {
    async deliver(lines) {
      const body = Buffer.from(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${lines.map(item).join(',')}]}`)
      let pause = initialBackoffMs
      for (let attempt = 1; ; attempt += 1) {
        try {
          await post(body, closing.signal)
          return true
        } catch (error) {
          if (attempt === attempts || closing.signal.aborted) {
            log.error('audit events are lost: the webhook does not take them', { events: lines.length, error: (error as Error).message })
            return false
          }
        }
        await clock.sleep(pause * (1 + random.next() * jitter), closing.signal).catch(() => undefined)
        pause *= factor
      }
    },
    close() {
      closing.abort()
      return Promise.resolve()
    },
  }
}
