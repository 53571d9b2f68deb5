import { tooManyRequests } from '../../api/status.ts'
import type { Filter } from '../request-context.ts'

export interface InFlightLimits {
  /** Requests that change something, at the same time. */
  mutating: number
  readOnly: number
}

/** Upstream's --max-mutating-requests-inflight and --max-requests-inflight. */
export const usualInFlightLimits: InFlightLimits = { mutating: 200, readOnly: 400 }

export interface InFlight { mutating: number; readOnly: number }

const readOnlyVerbs = new Set(['get', 'list', 'watch'])

/** 429 with Retry-After when too much is under way. Long-running requests do not count, and the cluster's own masters are never refused, so that an overload can be repaired. */
export const limitInFlight = (limits: InFlightLimits, inFlight: InFlight): Filter => async (context, next) => {
  if (context.longRunning) return next()
  const pool = readOnlyVerbs.has(context.info.verb) ? 'readOnly' : 'mutating'
  if (inFlight[pool] >= limits[pool] && !context.user.groups.includes('system:masters')) {
    context.terminated = true
    throw tooManyRequests('Too many requests, please try again later.', 1)
  }
  inFlight[pool] += 1
  try {
    await next()
  } finally {
    inFlight[pool] -= 1
  }
}
