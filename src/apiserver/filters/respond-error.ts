/** Errors become Status answers here, and nowhere else. */
import { PathNotFound, StatusError } from '../../api/status.ts'
import type { Exchange, ResponseHeaders } from '../exchange.ts'
import { respondStatus } from '../negotiation/respond.ts'

// As Go's http.NotFound.
const plainText: ResponseHeaders = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache, private' }
const nothingThere = Buffer.from('404 page not found\n')

/** The answer to a failed request; a response that has begun is broken off, so that the client notices. */
export const respondError = (exchange: Exchange, thrown: unknown, report: (error: StatusError) => void): void => {
  const error = StatusError.from(thrown)
  if (error.reason === 'InternalError') report(error)
  if (exchange.responded) {
    exchange.breakOff()
    return
  }
  if (error instanceof PathNotFound) exchange.respond(404, plainText, nothingThere)
  else respondStatus(exchange, error)
}
