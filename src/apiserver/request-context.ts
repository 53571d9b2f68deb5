/** What the filters learn of a request, from its arrival to its answer. */
import type { Exchange } from './exchange.ts'
import type { UserInfo } from './registry/strategy.ts'
import { isLongRunning, type RequestInfo } from './request-info.ts'

const nobody: UserInfo = { name: '', groups: [] }

export class RequestContext {
  readonly exchange: Exchange
  readonly info: RequestInfo
  readonly longRunning: boolean
  user: UserInfo = nobody
  /** Ended by the server itself, to protect itself: too many requests, or too long. */
  terminated = false

  constructor(exchange: Exchange, info: RequestInfo) {
    this.exchange = exchange
    this.info = info
    this.longRunning = isLongRunning(info)
  }
}

/** What runs for every request, around the rest of the chain. */
export type Filter = (context: RequestContext, next: () => Promise<void>) => Promise<void>

/** One function of many filters: the first is the outermost. */
export const chain = (filters: readonly Filter[], handler: (context: RequestContext) => Promise<void>): ((context: RequestContext) => Promise<void>) =>
  filters.reduceRight<(context: RequestContext) => Promise<void>>((next, filter) => (context) => filter(context, () => next(context)), handler)
