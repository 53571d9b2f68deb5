/** ID tokens of outside issuers. Mirrors `plugin/pkg/authenticator/token/oidc`. */
import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '../../../api/clock.ts'
import type { JsonObject } from '../../../api/meta.ts'
import type { Log } from '../../log.ts'
import type { UserInfo } from '../../registry/strategy.ts'
import type { TokenReviewer } from '../service-account-token.ts'
import type { JwtIssuer } from './authentication-configuration.ts'
import { claimedUser } from './claimed-user.ts'
import { fetchJson, type FetchJson, type IssuerKeys, issuerKeys } from './issuer-keys.ts'

const asymmetric = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']

export interface JwtTokens extends TokenReviewer {
  /** From now on these issuers. */
  use(issuers: readonly JwtIssuer[]): void
}

interface Known { issuer: JwtIssuer; keys: IssuerKeys; userOf(claims: JsonObject): UserInfo }

const issuerOf = (token: string): string | undefined => {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined // No token of this kind: somebody else's.
  }
}

/** A key that is not known, or not the one that has signed: the issuer may have newer ones. */
const isKeyProblem = (error: unknown): boolean => error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed

export const jwtTokens = ({ issuers, audiences, clock, log, fetch = fetchJson }: {
  issuers: readonly JwtIssuer[]; /** The API server's own, for which such tokens are good. */ audiences: readonly string[]; clock: Clock; log: Log; fetch?: (certificateAuthority: string | undefined) => FetchJson
}): JwtTokens => {
  let known = new Map<string, Known>()
  const use = (next: readonly JwtIssuer[]): void => {
    known = new Map(next.map((issuer) => [issuer.issuer.url, {
      issuer, userOf: claimedUser(issuer), keys: issuerKeys(issuer, { clock, fetch: fetch(issuer.issuer.certificateAuthority) }),
    }]))
  }
  use(issuers)
  const verified = async (token: string, { issuer, keys }: Known): Promise<JWTPayload> => {
    const options = { issuer: issuer.issuer.url, audience: [...issuer.issuer.audiences], algorithms: [...(issuer.algorithms ?? asymmetric)], currentDate: clock.now(), requiredClaims: ['exp'] }
    try {
      return (await jwtVerify(token, await keys.current(), options)).payload
    } catch (error) {
      const newer = isKeyProblem(error) ? await keys.newer() : undefined
      if (!newer) throw error
      return (await jwtVerify(token, newer, options)).payload
    }
  }
  return {
    use,
    review: async (token, asked) => {
      const one = known.get(issuerOf(token) ?? '')
      const common = audiences.filter((audience) => asked.includes(audience))
      if (!one || common.length === 0) return undefined
      try {
        return { user: one.userOf(await verified(token, one) as JsonObject), audiences: common }
      } catch (error) {
        // The bearer is told nothing, the administrator why.
        log.warn('a token of an outside issuer was refused', { issuer: one.issuer.issuer.url, why: (error as Error).message })
        throw error
      }
    },
  }
}
