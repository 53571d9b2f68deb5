import type { Clock } from '../../api/clock.ts'
import { parseDuration } from '../../api/duration.ts'
import { badRequest, timeout } from '../../api/status.ts'
import type { Exchange } from '../exchange.ts'
import type { Filter, RequestContext } from '../request-context.ts'

interface Entry { deadline: number; expire: () => void }

const checkEveryMs = 500

/** When writes must be done, on the monotonic clock: what they call out to may not take longer. */
const deadlines = new WeakMap<Exchange, number>()

/** How long a request may still take; Infinity where that is not limited. */
export const remainingMs = (exchange: Exchange, clock: Clock): number => {
  const deadline = deadlines.get(exchange)
  return deadline === undefined ? Infinity : deadline - clock.monotonic()
}

/** How long a request may take, in milliseconds: what it asks for (`?timeout=34s`), at most `limitMs`. */
const patienceOf = ({ exchange }: RequestContext, limitMs: number): number => {
  if (!exchange.rawQuery.includes('timeout=')) return limitMs
  const asked = exchange.query.get('timeout')
  if (asked === null || asked === '') return limitMs
  const milliseconds = parseDuration(asked)
  if (milliseconds === undefined) throw badRequest('invalid timeout specified in the request URL')
  return milliseconds > 0 ? Math.min(milliseconds, limitMs) : limitMs
}

/**
 * 504 for what takes too long; long-running requests are exempt. One timer looks after all requests, and only while there are some:
 * a timer for each would cost more than most requests.
 */
export const limitTime = (clock: Clock, limitMs: number, stopping: AbortSignal): Filter => {
  const entries = new Set<Entry>()
  let watching = false
  const look = async (): Promise<void> => {
    watching = true
    while (entries.size > 0 && !stopping.aborted) {
      await clock.sleep(checkEveryMs, stopping).catch(() => undefined)
      const now = clock.monotonic()
      for (const entry of entries) if (entry.deadline <= now) entry.expire()
    }
    watching = false
  }
  return async (context, next) => {
    if (context.longRunning) return next()
    const patience = patienceOf(context, limitMs)
    let entry: Entry | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        entry = { deadline: clock.monotonic() + patience, expire: () => {
          context.terminated = true
          reject(timeout('Timeout: request did not complete within the allotted timeout'))
        } }
        entries.add(entry)
        if (context.exchange.method !== 'GET') deadlines.set(context.exchange, entry.deadline)
        if (!watching) void look()
        next().then(resolve, reject)
      })
    } finally {
      if (entry) entries.delete(entry)
    }
  }
}
