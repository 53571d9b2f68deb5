/**
 * Requests that browsers send for pages of somebody else. Pages of allowed origins are answered with the headers that let them read the answer, as upstream's
 * `pkg/server/filters/cors.go`; a page of any other origin can neither change anything nor open a stream, whatever certificates the browser shows
 * by itself: browsers tell of such requests by `Sec-Fetch-Site`, which no page can forge and no other client sends.
 */
import { RE2JS } from 're2js'
import { forbiddenPath } from '../../api/status.ts'
import type { Filter } from '../request-context.ts'

const methods = ['POST', 'GET', 'OPTIONS', 'PUT', 'DELETE', 'PATCH']
const headers = ['Content-Type', 'Content-Length', 'Accept-Encoding', 'X-CSRF-Token', 'Authorization', 'X-Requested-With', 'If-Modified-Since']
const exposed = ['Date']

/** Why a pattern may not stand for origins; undefined if it may. Upstream's rule (after CVE-2022-1996), and stricter in that the colon of `https://` does not end a host. */
export const originPatternProblem = (pattern: string): string | undefined => {
  try {
    RE2JS.compile(pattern)
  } catch (error) {
    return (error as Error).message
  }
  const host = pattern.replace('://', '//')
  const [start, end] = [['^', '//'].some((mark) => pattern.includes(mark)), ['$', ':'].some((mark) => host.includes(mark))]
  return start && end ? undefined : 'regular expression does not pin to start/end of host in the origin header'
}

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS'

/** `patterns`: regular expressions, any part of the origin may match them; right ones (originPatternProblem). */
export const crossOrigin = (patterns: readonly string[]): Filter => {
  const compiled = patterns.map((pattern) => RE2JS.compile(pattern))
  return async ({ exchange }, next) => {
    const origin = exchange.headers['origin'] ?? ''
    const allowed = origin !== '' && compiled.some((pattern) => pattern.matcher(origin).find())
    if (compiled.length > 0) exchange.addHeader('vary', 'Origin')
    if (allowed) {
      exchange.addHeader('access-control-allow-origin', origin)
      exchange.addHeader('access-control-allow-methods', methods.join(', '))
      exchange.addHeader('access-control-allow-headers', headers.join(', '))
      exchange.addHeader('access-control-expose-headers', exposed.join(', '))
      exchange.addHeader('access-control-allow-credentials', 'true')
      if (exchange.method === 'OPTIONS') { exchange.respond(204, {}, Buffer.alloc(0)); return }
    }
    const site = exchange.headers['sec-fetch-site']
    const foreign = site === 'cross-site' || site === 'same-site'
    if (foreign && !allowed && (!isRead(exchange.method) || exchange.upgrade)) throw forbiddenPath(`a page of the origin ${JSON.stringify(origin)} may not do this here; see --cors-allowed-origins`)
    await next()
  }
}
