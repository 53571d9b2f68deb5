/** Errors become Status answers here, and nowhere else. */
import { StatusError } from '../../api/status.ts'
import type { Exchange } from '../exchange.ts'
import { respondStatus } from '../negotiation/respond.ts'

/** The answer to a failed request; a response that has begun is broken off, so that the client notices. */
export const respondError = (exchange: Exchange, thrown: unknown, report: (error: StatusError) => void): void => {
  const error = StatusError.from(thrown)
  if (error.reason === 'InternalError') report(error)
  if (exchange.responded) {
    exchange.breakOff()
    return
  }
  respondStatus(exchange, error)
}
