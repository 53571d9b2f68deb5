/** TokenReview, SelfSubjectReview, and the token subresource of service accounts. Mirrors `pkg/registry/authentication` and `core/serviceaccount/storage/token.go`. */
import type { Clock } from '../../api/clock.ts'
import { timestamp } from '../../api/clock.ts'
import { kind, Nodes, Pods, Secrets, ServiceAccounts, type Kind } from '../../api/kinds.ts'
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import { badRequest, conflict, fieldError, invalid, notFound } from '../../api/status.ts'
import type { AuthenticationTokenRequest, SelfSubjectReview, TokenReview, UserInfo as ApiUserInfo } from '../../api/types.ts'
import type { SubresourceHandler, VirtualResource } from '../extension.ts'
import type { Lookup, UserInfo } from '../registry/strategy.ts'
import type { TokenReviewer } from './service-account-token.ts'
import type { ServiceAccountClaims, TokenIssuer } from './token-issuer.ts'

const group = { group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] as const, namespaced: false }
export const TokenReviews: Kind<TokenReview> = kind({ ...group, kind: 'TokenReview', plural: 'tokenreviews' })
export const SelfSubjectReviews: Kind<SelfSubjectReview> = kind({ ...group, kind: 'SelfSubjectReview', plural: 'selfsubjectreviews' })

const shortestSeconds = 600
const longestSeconds = 2 ** 32

const apiUser = ({ name, uid, groups, extra }: UserInfo): ApiUserInfo => ({
  username: name, ...(uid && { uid }), groups: [...groups], ...(extra && { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
})

export const authenticationReviews = (reviewer: TokenReviewer, defaultAudiences: readonly string[]): readonly VirtualResource[] => {
  const tokens: VirtualResource<TokenReview> = { kind: TokenReviews, create: async (review) => {
    if (!review.spec.token) throw badRequest('token is required for TokenReview in authentication')
    const asked = review.spec.audiences ?? []
    try {
      const reviewed = await reviewer.review(review.spec.token, asked.length > 0 ? asked : defaultAudiences)
      const status = reviewed ? { authenticated: true, user: apiUser(reviewed.user), audiences: [...reviewed.audiences] } : { user: {} }
      return { ...review, status }
    } catch (error) {
      return { ...review, status: { user: {}, error: (error as Error).message } }
    }
  } }
  const self: VirtualResource<SelfSubjectReview> = { kind: SelfSubjectReviews, create: (review, { user }) => ({ ...review, status: { userInfo: apiUser(user) } }) }
  return [tokens, self] as readonly VirtualResource<KubeObject>[]
}

type Reference = NonNullable<AuthenticationTokenRequest['spec']['boundObjectRef']>

/** What a bound token's object must be: there, with the UID that was named, and (a Pod) of this service account. */
const bindingOf = (reference: Reference, { namespace, account, lookup }: { namespace: string; account: string; lookup: Lookup }): Partial<ServiceAccountClaims> => {
  const name = reference.name ?? ''
  const isKind = (of: Kind): boolean => reference.kind === of.kind && reference.apiVersion === 'v1'
  const of = [Pods, Secrets, Nodes].find(isKind)
  if (!of) throw badRequest(`cannot bind token to object of type ${reference.apiVersion ?? ''}, Kind=${reference.kind ?? ''}`)
  const object = lookup.get(of as Kind, name, of === Nodes ? undefined : namespace)
  if (!object) throw notFound(of, name)
  if (reference.uid && reference.uid !== object.metadata.uid) throw conflict(of, name, `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`)
  const claim = { name, uid: object.metadata.uid }
  if (of !== Pods) return of === Secrets ? { secret: claim } : { node: claim }
  const pod = lookup.get(Pods, name, namespace)
  if (pod?.spec.serviceAccountName !== account) throw badRequest(`cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`)
  const node = pod.spec.nodeName ? lookup.get(Nodes, pod.spec.nodeName) : undefined
  return { pod: claim, ...(node && { node: { name: node.metadata.name, uid: node.metadata.uid } }) }
}

export const tokenSubresource = (issuer: TokenIssuer, clock: Clock): SubresourceHandler => ({
  kind: ServiceAccounts as Kind, subresource: 'token',
  body: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', schema: 'AuthenticationTokenRequest' },
  create: async (body: JsonObject, parent: KubeObject, { namespace, lookup }) => {
    const request = body as unknown as AuthenticationTokenRequest
    const seconds = request.spec?.expirationSeconds ?? 3_600
    const errors = [
      ...(seconds < shortestSeconds ? [fieldError.invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes')] : []),
      ...(seconds > longestSeconds ? [fieldError.invalid('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds')] : []),
    ]
    if (errors.length > 0) throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', errors)
    const asked = request.spec?.audiences ?? []
    const audiences = asked.length > 0 ? asked : issuer.audiences
    const reference = request.spec?.boundObjectRef
    const claims = {
      namespace, serviceaccount: { name: parent.metadata.name, uid: parent.metadata.uid },
      ...(reference && bindingOf(reference, { namespace, account: parent.metadata.name, lookup })),
    }
    const { token, expiresAt } = await issuer.issue(claims, { audiences, seconds })
    return {
      apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: { name: parent.metadata.name, namespace, creationTimestamp: timestamp(clock.now()) },
      spec: { ...request.spec, audiences: [...audiences], expirationSeconds: seconds } as JsonObject, status: { token, expirationTimestamp: timestamp(expiresAt) },
    }
  },
})
