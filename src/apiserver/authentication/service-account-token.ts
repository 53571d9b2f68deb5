/** Who a service account token speaks for, as long as the account (and the pod, secret or node that it is bound to) is there. Mirrors `pkg/serviceaccount/{jwt,claims}.go`. */
import type { Clock } from '../../api/clock.ts'
import { Nodes, Pods, Secrets, ServiceAccounts } from '../../api/kinds.ts'
import { unauthorized } from '../../api/status.ts'
import type { Lookup, UserInfo } from '../registry/strategy.ts'
import type { AuthenticationRequest, Authenticator } from './authenticator.ts'
import type { TokenIssuer, VerifiedToken } from './token-issuer.ts'
import { authenticated, serviceAccountGroups, serviceAccountUser } from './users.ts'

/** Tokens whose signature has been checked; the oldest go first. */
const mostVerified = 10_000
/** A pod that is being deleted keeps its token this long after its grace has ended, as upstream (jwt.go, "1 minute leeway"). */
const deletedPodLeewayMilliseconds = 60_000

export interface TokenReviewer {
  /** The user of a token that is meant for one of `audiences`, and those of them that it is meant for; undefined for another's token; throws for a bad one. */
  review(token: string, audiences: readonly string[]): Promise<{ user: UserInfo; audiences: readonly string[] } | undefined>
}

export const bearerToken = ({ headers }: Pick<AuthenticationRequest, 'headers'>): string | undefined => {
  const [scheme = '', token = ''] = (headers['authorization'] ?? '').trim().split(/\s+/)
  return scheme.toLowerCase() === 'bearer' && token !== '' ? token : undefined
}

export const serviceAccountTokens = ({ issuer, lookup, clock }: { issuer: TokenIssuer; lookup: Lookup; clock: Clock }): TokenReviewer => {
  const verified = new Map<string, VerifiedToken>()
  const verify = async (token: string): Promise<VerifiedToken | undefined> => {
    const known = verified.get(token)
    if (known && known.expiresAt > clock.now()) return known
    const fresh = await issuer.verify(token)
    if (!fresh) return undefined
    verified.set(token, fresh)
    for (const oldest of verified.keys()) {
      if (verified.size <= mostVerified) break
      verified.delete(oldest)
    }
    return fresh
  }
  return {
    review: async (token, audiences) => {
      const claims = await verify(token)
      if (!claims) return undefined
      const common = claims.audiences.filter((audience) => audiences.includes(audience))
      if (common.length === 0) throw new Error(`token audiences ${JSON.stringify(claims.audiences)} is invalid for the target audiences ${JSON.stringify(audiences)}`)
      checkBindings(claims, lookup, clock)
      return { user: userOf(claims), audiences: common }
    },
  }
}

const checkBindings = ({ namespace, serviceaccount, pod, secret, node }: VerifiedToken, lookup: Lookup, clock: Clock): void => {
  const account = lookup.get(ServiceAccounts, serviceaccount.name, namespace)
  if (!account) throw new Error(`serviceaccounts ${JSON.stringify(serviceaccount.name)} not found`)
  if (account.metadata.uid !== serviceaccount.uid) throw new Error(`the service account ${namespace}/${serviceaccount.name} has another UID than the token's`)
  if (pod) {
    const stored = lookup.get(Pods, pod.name, namespace)
    if (!stored || stored.metadata.uid !== pod.uid) throw new Error('the pod that the token is bound to is gone')
    const { deletionTimestamp } = stored.metadata
    if (deletionTimestamp && clock.now().getTime() > Date.parse(deletionTimestamp) + deletedPodLeewayMilliseconds) throw new Error('the pod that the token is bound to is deleted')
  }
  if (secret && lookup.get(Secrets, secret.name, namespace)?.metadata.uid !== secret.uid) throw new Error('the secret that the token is bound to is gone')
  if (node && !pod && lookup.get(Nodes, node.name)?.metadata.uid !== node.uid) throw new Error('the node that the token is bound to is gone')
}

const userOf = ({ id, namespace, serviceaccount, pod, node }: VerifiedToken): UserInfo => authenticated({
  name: serviceAccountUser(namespace, serviceaccount.name), uid: serviceaccount.uid, groups: serviceAccountGroups(namespace),
  extra: {
    ...(id && { 'authentication.kubernetes.io/credential-id': [`JTI=${id}`] }),
    ...(pod && { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
    ...(node && { 'authentication.kubernetes.io/node-name': [node.name], 'authentication.kubernetes.io/node-uid': [node.uid] }),
  },
})

/** Bearer tokens of service accounts. A bearer token that is nobody's is refused: no other kind of token is known here. */
export const serviceAccountAuthenticator = (reviewer: TokenReviewer, audiences: readonly string[]): Authenticator => ({
  authenticate: (request) => {
    const token = bearerToken(request)
    if (token === undefined) return undefined
    request.consume?.('authorization')
    return reviewer.review(token, audiences).then((reviewed) => {
      if (!reviewed) throw unauthorized()
      return reviewed.user
    }, () => { throw unauthorized() })
  },
})
