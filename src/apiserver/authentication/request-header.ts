/** A front proxy, known by its certificate, says for whom it asks. Mirrors apiserver's `pkg/authentication/request/headerrequest`. */
import { unauthorized } from '../../api/status.ts'
import type { RequestHeaders } from '../exchange.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { Authenticator } from './authenticator.ts'
import { authenticated } from './users.ts'

/** Upstream's --requestheader flags. */
export interface RequestHeaderOptions {
  /** PEM of the authorities that vouch for front proxies. */
  certificateAuthority: string
  /** Common names of front proxies; none: all that the authorities vouch for. */
  allowedNames: readonly string[]
  usernameHeaders: readonly string[]
  uidHeaders: readonly string[]
  groupHeaders: readonly string[]
  extraPrefixes: readonly string[]
}

/** As kubeadm sets them. */
export const usualRequestHeaders = (certificateAuthority: string): RequestHeaderOptions => ({
  certificateAuthority, allowedNames: ['front-proxy-client'], usernameHeaders: ['X-Remote-User'], uidHeaders: ['X-Remote-Uid'], groupHeaders: ['X-Remote-Group'], extraPrefixes: ['X-Remote-Extra-'],
})

/** Lines of one header, as the transport has joined them. */
const valuesOf = (value: string | undefined): string[] => (value === undefined || value === '' ? [] : value.split(', '))

const firstOf = (headers: RequestHeaders, names: readonly string[]): string => names.map((name) => headers[name.toLowerCase()]?.trim() ?? '').find((value) => value !== '') ?? ''

const unescaped = (key: string): string => {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}

const extraOf = (headers: RequestHeaders, prefixes: readonly string[]): Record<string, string[]> => {
  const extra: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  for (const prefix of prefixes.map((each) => each.toLowerCase())) {
    for (const [name, value] of Object.entries(headers)) if (name.startsWith(prefix)) extra[unescaped(name.slice(prefix.length))] = valuesOf(value)
  }
  return extra
}

export const requestHeaderAuthenticator = ({ allowedNames, usernameHeaders, uidHeaders, groupHeaders, extraPrefixes }: RequestHeaderOptions): Authenticator => ({
  authenticate({ headers, peer: { frontProxy } }): UserInfo | undefined {
    if (!frontProxy) return undefined
    const name = firstOf(headers, usernameHeaders)
    if (name === '') return undefined
    if (allowedNames.length > 0 && !allowedNames.includes(frontProxy.commonName)) throw unauthorized()
    const uid = firstOf(headers, uidHeaders)
    const extra = extraOf(headers, extraPrefixes)
    return authenticated({ name, ...(uid !== '' && { uid }), groups: groupHeaders.flatMap((header) => valuesOf(headers[header.toLowerCase()])), ...(Object.keys(extra).length > 0 && { extra }) })
  },
})
