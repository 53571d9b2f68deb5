/** URLs. Mirrors `k8s.io/apiserver/pkg/cel/library/urls.go` over Go's url.ParseRequestURI. */
import { celError } from '../errors.ts'
import { type Overload, overload } from '../signature.ts'
import { BuiltMap, CelOpaque, type CelValue } from '../values.ts'

interface Parts { scheme: string; host: string; path: string; query: string; text: string }

class CelUrl extends CelOpaque {
  readonly typeName = 'kubernetes.URL'
  readonly parts: Parts
  constructor(parts: Parts) {
    super()
    this.parts = parts
  }
  equals(other: CelValue): boolean { return other instanceof CelUrl && other.parts.text === this.parts.text }
}

const form = /^(?:(?<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/(?:[^/?@]*@)?(?<host>\[[^\]/?]*\][^/?]*|[^/?]*))?(?<path>\/[^?]*)?(?:\?(?<query>.*))?$/s
const badEscape = /%(?![0-9a-fA-F]{2})/

// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f]/

/** The parts of an absolute URI or an absolute path; or what is wrong with it. */
const parseUrl = (text: string): Parts | string => {
  const wrong = (why: string): string => `URL parse error during conversion from string: parse ${JSON.stringify(text)}: ${why}`
  if (text === '') return wrong('empty url')
  if (control.test(text)) return wrong('net/url: invalid control character in URL')
  const { scheme = '', host = '', path = '', query = '' } = form.exec(text)?.groups ?? { scheme: 'none' }
  const relative = !/^[A-Za-z][A-Za-z0-9+.-]*:\//.test(text) && !text.startsWith('/')
  if (relative || scheme === 'none') return wrong('invalid URI for request')
  if (badEscape.test(path)) return wrong(`invalid URL escape ${JSON.stringify(/%.{0,2}/.exec(path.slice(path.search(badEscape)))?.[0] ?? '%')}`)
  if (/[ <>"\\^`{}|]/.test(host)) return wrong(`invalid character ${JSON.stringify(/[ <>"\\^`{}|]/.exec(host)?.[0])} in host name`)
  if (host.startsWith('[') && !host.includes(']')) return wrong("missing ']' in host")
  const port = /:([^\]]*)$/.exec(host)?.[1]
  if (port !== undefined && !/^\d*$/.test(port)) return wrong(`invalid port ${JSON.stringify(`:${port}`)} after host`)
  return { scheme: scheme.toLowerCase(), host, path, query, text }
}

const toUrl = (text: string): CelUrl => {
  const parts = parseUrl(text)
  if (typeof parts === 'string') throw celError(parts)
  return new CelUrl(parts)
}

const partsOf = (value: CelValue | undefined): Parts => (value instanceof CelUrl ? value.parts : { scheme: '', host: '', path: '', query: '', text: '' })

/** Percent signs for what a path may not hold as it is, as Go's EscapedPath. */
const escapedPath = (path: string): string => path.replaceAll(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%[\]]/gu, (letter) => encodeURIComponent(letter.toWellFormed()))

const queryOf = (query: string): BuiltMap => {
  const values = new Map<string, string[]>()
  for (const [key, value] of new URLSearchParams(query)) values.set(key, [...(values.get(key) ?? []), value])
  const map = new BuiltMap()
  for (const [key, list] of values) map.add(key, list)
  return map
}

const getters: Readonly<Record<string, (parts: Parts) => string>> = {
  getScheme: ({ scheme }) => scheme, getHost: ({ host }) => host, getEscapedPath: ({ path }) => escapedPath(path),
  getHostname: ({ host }) => host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'), getPort: ({ host }) => /:(\d*)$/.exec(host)?.[1] ?? '',
}

/** Text that ParseRequestURI accepts. */
export const urlError = (text: string): string | undefined => {
  const parts = parseUrl(text)
  return typeof parts === 'string' ? parts.replace('URL parse error during conversion from string: ', '') : undefined
}

export const urlFunctions: readonly Overload[] = [
  overload('url(string): kubernetes.URL', ([text]) => toUrl(String(text))),
  overload('isURL(string): bool', ([text]) => typeof parseUrl(String(text)) !== 'string'),
  ...Object.entries(getters).map(([name, get]) => overload(`(kubernetes.URL).${name}(): string`, ([url]) => get(partsOf(url)))),
  overload('(kubernetes.URL).getQuery(): map<string, list<string>>', ([url]) => queryOf(partsOf(url).query)),
]
