/** The keys of an issuer, found by discovery and fetched again when they have changed (OpenID Connect Discovery 1.0, RFC 8414). */
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../../../api/clock.ts'
import { askJson } from '../../outbound/ask-json.ts'
import type { JwtIssuer } from './authentication-configuration.ts'

export type FetchJson = (url: string) => Promise<unknown>

const timeoutMs = 10_000
/** Tokens with made up key ids must not make us ask the issuer for each of them. */
const refetchAfterMs = 10_000

/** No redirects, no credentials, a limited answer in limited time. */
export const fetchJson = (certificateAuthority: string | undefined): FetchJson => (url) =>
  askJson(url, { method: 'GET', timeoutMs, statuses: [200], headers: { accept: 'application/json', 'user-agent': 'kube-apiserver' }, ...(certificateAuthority && { ca: certificateAuthority }) })

export interface IssuerKeys {
  /** Rejects while the issuer cannot be reached and was not before. */
  current(): Promise<JWTVerifyGetKey>
  /** Newer keys, if it is time to ask for them; undefined: there are none. */
  newer(): Promise<JWTVerifyGetKey | undefined>
}

const discoveryOf = ({ issuer: { url, discoveryURL } }: JwtIssuer): string => discoveryURL ?? `${url.replace(/\/$/, '')}/.well-known/openid-configuration`

export const issuerKeys = (jwt: JwtIssuer, { clock, fetch }: { clock: Pick<Clock, 'monotonic'>; fetch: FetchJson }): IssuerKeys => {
  let keys: JWTVerifyGetKey | undefined
  let asked = -Infinity
  let failure: unknown
  let asking: Promise<JWTVerifyGetKey> | undefined
  const ask = async (): Promise<JWTVerifyGetKey> => {
    const { issuer, jwks_uri: keysURL } = (await fetch(discoveryOf(jwt)) ?? {}) as { issuer?: unknown; jwks_uri?: unknown }
    if (issuer !== jwt.issuer.url) throw new Error(`the issuer calls itself ${JSON.stringify(issuer)}`)
    if (typeof keysURL !== 'string' || !keysURL.startsWith('https://')) throw new Error('the issuer names no https jwks_uri')
    const set = await fetch(keysURL) as JSONWebKeySet
    if (!Array.isArray(set?.keys)) throw new Error('the issuer has no key set')
    // Keys of kinds that are not known here must not hide the others.
    return createLocalJWKSet({ keys: set.keys.filter((key) => key.kty === 'RSA' || key.kty === 'EC') })
  }
  const askOnce = (): Promise<JWTVerifyGetKey> => {
    asked = clock.monotonic()
    asking ??= ask().then((fresh) => { keys = fresh; failure = undefined; return fresh }, (error: unknown) => { failure = error; throw error }).finally(() => { asking = undefined })
    return asking
  }
  const isTime = (): boolean => clock.monotonic() - asked >= refetchAfterMs
  return {
    current: async () => {
      if (keys) return keys
      if (asking || isTime()) return askOnce()
      throw failure ?? new Error('the issuer has not answered yet')
    },
    newer: async () => (asking || isTime() ? askOnce() : undefined),
  }
}
