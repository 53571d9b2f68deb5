/** Links and redirects of a server behind the proxy, as they are to read in front of it. Mirrors rewriteURL of apimachinery's `util/proxy/transport.go`. Pure. */
import { posix } from 'node:path'

export interface Proxied {
  /** What stands before the server's own paths: `/api/v1/namespaces/default/services/web/proxy`. */
  base: string
  /** host:port of the server behind. */
  backend: string
  /** The Host header of the client. */
  host: string
}

// eslint-disable-next-line no-control-regex -- what no URL may contain
const unparsable = /[\x00-\x1f\x7f]/

/** A link to another host, or a relative one, stays as it is. */
export const rewriteUrl = (link: string, { base, backend, host }: Proxied): string => {
  const [, scheme = '', authority, path = '', rest = ''] = /^([a-zA-Z][a-zA-Z0-9+.-]*:)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s.exec(link) ?? []
  if (unparsable.test(link) || !path.startsWith('/')) return link
  const named = authority === undefined ? '' : authority.slice(authority.lastIndexOf('@') + 1)
  if (named !== '' && named !== backend && named !== host) return link
  // The name under which the client knows us is kept; that of the server behind is nobody's business.
  const front = named !== '' && named === host ? `${scheme}//${authority ?? ''}` : ''
  if (path.startsWith(base)) return `${front}${path}${rest}`
  const joined = posix.join(base, path)
  return `${front}${path.endsWith('/') && !joined.endsWith('/') ? `${joined}/` : joined}${rest}`
}
