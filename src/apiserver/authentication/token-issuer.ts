/** Service account tokens: JSON Web Tokens signed with the cluster's key, bound to a pod, secret or node where asked. Mirrors `pkg/serviceaccount/{jwt,claims}.go`. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { exportJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import type { Clock } from '../../api/clock.ts'
import type { Random } from '../../api/random.ts'

export interface ObjectClaim { name: string; uid: string }

export interface ServiceAccountClaims {
  namespace: string
  serviceaccount: ObjectClaim
  pod?: ObjectClaim
  secret?: ObjectClaim
  node?: ObjectClaim
}

export interface VerifiedToken extends ServiceAccountClaims {
  id: string
  audiences: readonly string[]
  expiresAt: Date
  notBefore: Date
}

export interface TokenIssuer {
  issuer: string
  /** The audience of tokens that name none: the API server's own. */
  audiences: readonly string[]
  issue(claims: ServiceAccountClaims, options: { audiences: readonly string[]; seconds: number }): Promise<{ token: string; expiresAt: Date }>
  /** Undefined for a token that is not of this issuer; rejects for one of this issuer that is expired, damaged, or signed by another key. */
  verify(token: string): Promise<VerifiedToken | undefined>
  /** What /openid/v1/jwks serves. */
  keys(): Promise<{ keys: JWK[] }>
}

interface KeyPair { algorithm: string; privateKey: KeyObject; publicKey: KeyObject; id: string }

/** PEM of a P-256 or RSA private key. */
const keyPairOf = (pem: string): KeyPair => {
  const privateKey = createPrivateKey(pem)
  const publicKey = createPublicKey(privateKey)
  const id = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64url')
  return { algorithm: privateKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256', privateKey, publicKey, id }
}

const issuerOf = (token: string): string | undefined => {
  try {
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { iss?: unknown }
    return typeof payload.iss === 'string' ? payload.iss : undefined
  } catch {
    return undefined // no JSON Web Token at all: somebody else's
  }
}

const isClaim = (value: unknown): value is ObjectClaim => typeof value === 'object' && value !== null && 'name' in value && 'uid' in value

export const tokenIssuer = ({ key, issuer, clock, random }: { key: string; issuer: string; clock: Clock; random: Random }): TokenIssuer => {
  const pair = keyPairOf(key)
  return {
    issuer, audiences: [issuer],
    issue: async (claims, { audiences, seconds }) => {
      const now = Math.floor(clock.now().getTime() / 1000)
      const { namespace, serviceaccount } = claims
      const token = await new SignJWT({ 'kubernetes.io': { ...claims } })
        .setProtectedHeader({ alg: pair.algorithm, kid: pair.id })
        .setIssuer(issuer).setAudience([...audiences]).setSubject(`system:serviceaccount:${namespace}:${serviceaccount.name}`)
        .setIssuedAt(now).setNotBefore(now).setExpirationTime(now + seconds).setJti(random.uuid())
        .sign(pair.privateKey)
      return { token, expiresAt: new Date((now + seconds) * 1000) }
    },
    verify: async (token) => {
      if (issuerOf(token) !== issuer) return undefined
      const { payload } = await jwtVerify(token, pair.publicKey, { issuer, algorithms: [pair.algorithm], currentDate: clock.now() })
      const claims = payload['kubernetes.io'] as Partial<ServiceAccountClaims> | undefined
      if (typeof claims?.namespace !== 'string' || !isClaim(claims.serviceaccount)) throw new Error('the token names no service account')
      return {
        namespace: claims.namespace, serviceaccount: claims.serviceaccount,
        ...(isClaim(claims.pod) && { pod: claims.pod }), ...(isClaim(claims.secret) && { secret: claims.secret }), ...(isClaim(claims.node) && { node: claims.node }),
        id: payload.jti ?? '', audiences: typeof payload.aud === 'string' ? [payload.aud] : (payload.aud ?? []),
        expiresAt: new Date((payload.exp ?? 0) * 1000), notBefore: new Date((payload.nbf ?? 0) * 1000),
      }
    },
    keys: async () => ({ keys: [{ ...await exportJWK(pair.publicKey), use: 'sig', kid: pair.id, alg: pair.algorithm }] }),
  }
}
