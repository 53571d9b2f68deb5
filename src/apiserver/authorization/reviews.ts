/** The access reviews: questions about permissions, asked by POST and never stored. Mirrors `pkg/registry/authorization`. */
import { kind, type Kind } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { badRequest, fieldError, invalid, type FieldError } from '../../api/status.ts'
import type { LocalSubjectAccessReview, NonResourceAttributes, ResourceAttributes, SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview, SubjectAccessReviewStatus } from '../../api/types.ts'
import type { ExtensionRequest, VirtualResource } from '../extension.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { AuthorizationAttributes, Authorizer } from './authorizer.ts'
import { rulesFor } from './rbac.ts'
import { reviewSelectorErrors, selectorsOfReview } from './selectors.ts'

const group = { group: 'authorization.k8s.io', version: 'v1', verbs: ['create'] as const, namespaced: false }
export const SelfSubjectAccessReviews: Kind<SelfSubjectAccessReview> = kind({ ...group, kind: 'SelfSubjectAccessReview', plural: 'selfsubjectaccessreviews' })
export const SubjectAccessReviews: Kind<SubjectAccessReview> = kind({ ...group, kind: 'SubjectAccessReview', plural: 'subjectaccessreviews' })
export const LocalSubjectAccessReviews: Kind<LocalSubjectAccessReview> = kind({ ...group, kind: 'LocalSubjectAccessReview', plural: 'localsubjectaccessreviews', namespaced: true })
export const SelfSubjectRulesReviews: Kind<SelfSubjectRulesReview> = kind({ ...group, kind: 'SelfSubjectRulesReview', plural: 'selfsubjectrulesreviews' })

interface Asked { resourceAttributes?: ResourceAttributes | undefined; nonResourceAttributes?: NonResourceAttributes | undefined }

const attributesOf = (user: UserInfo, { resourceAttributes: resource, nonResourceAttributes: path }: Asked): AuthorizationAttributes => (resource
  ? {
    user, resourceRequest: true, verb: resource.verb ?? '', apiGroup: resource.group ?? '', apiVersion: resource.version ?? '', resource: resource.resource ?? '', subresource: resource.subresource ?? '',
    namespace: resource.namespace ?? '', name: resource.name ?? '', path: '', ...selectorsOfReview(resource),
  }
  : { user, resourceRequest: false, verb: path?.verb ?? '', apiGroup: '', apiVersion: '', resource: '', subresource: '', namespace: '', name: '', path: path?.path ?? '' })

/** validation.go: exactly one of the two. */
const checkAsked = (spec: Asked): FieldError[] => {
  if (spec.resourceAttributes && spec.nonResourceAttributes) return [fieldError.invalid('spec.nonResourceAttributes', spec.nonResourceAttributes, 'cannot be specified in combination with resourceAttributes')]
  if (!spec.resourceAttributes && !spec.nonResourceAttributes) return [fieldError.invalid('spec.resourceAttributes', spec.resourceAttributes, 'exactly one of nonResourceAttributes or resourceAttributes must be specified')]
  return spec.resourceAttributes ? reviewSelectorErrors(spec.resourceAttributes) : []
}

const refuseIf = (of: Kind, errors: readonly FieldError[]): void => { if (errors.length > 0) throw invalid(of, '', errors) }

const decide = async (authorizer: Authorizer, attributes: AuthorizationAttributes): Promise<SubjectAccessReviewStatus> => {
  const { verdict, reason } = await authorizer.authorize(attributes)
  return { allowed: verdict === 'allow', ...(verdict === 'deny' && { denied: true }), ...(reason && { reason }) }
}

const subjectOf = (spec: { user?: string | undefined; groups?: string[] | undefined; uid?: string | undefined; extra?: Record<string, string[]> | undefined }): UserInfo =>
  ({ name: spec.user ?? '', groups: spec.groups ?? [], ...(spec.uid && { uid: spec.uid }), ...(spec.extra && { extra: spec.extra }) })

const checkSubject = (spec: { user?: string | undefined; groups?: string[] | undefined }): FieldError[] =>
  (!spec.user && (spec.groups ?? []).length === 0 ? [fieldError.invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified')] : [])

const rulesStatus = (request: ExtensionRequest, namespace: string): SelfSubjectRulesReview['status'] => {
  const rules = [...rulesFor(request.user, namespace, request.lookup)].map(({ rule }) => rule)
  return {
    incomplete: false,
    resourceRules: [
      ...rules.filter(({ resources }) => resources).map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups: apiGroups ?? [], resources: resources ?? [], ...(resourceNames && { resourceNames }) })),
    ],
    nonResourceRules: rules.filter(({ nonResourceURLs }) => nonResourceURLs).map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs: nonResourceURLs ?? [] })),
  }
}

/** The four reviews, asking `authorizer` itself. */
export const accessReviews = (authorizer: Authorizer): readonly VirtualResource[] => {
  const self: VirtualResource<SelfSubjectAccessReview> = { kind: SelfSubjectAccessReviews, create: async (review, { user }) => {
    refuseIf(SelfSubjectAccessReviews, checkAsked(review.spec))
    return { ...review, status: await decide(authorizer, attributesOf(user, review.spec)) }
  } }
  const subject: VirtualResource<SubjectAccessReview> = { kind: SubjectAccessReviews, create: async (review) => {
    refuseIf(SubjectAccessReviews, [...checkAsked(review.spec), ...checkSubject(review.spec)])
    return { ...review, status: await decide(authorizer, attributesOf(subjectOf(review.spec), review.spec)) }
  } }
  const local: VirtualResource<LocalSubjectAccessReview> = { kind: LocalSubjectAccessReviews, create: async (review, { namespace }) => {
    if (review.spec.nonResourceAttributes) refuseIf(LocalSubjectAccessReviews, [fieldError.invalid('spec.nonResourceAttributes', review.spec.nonResourceAttributes, 'disallowed on this kind of request')])
    refuseIf(LocalSubjectAccessReviews, [...checkAsked(review.spec), ...checkSubject(review.spec)])
    if (review.spec.resourceAttributes?.namespace !== namespace) throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`)
    return { ...review, status: await decide(authorizer, attributesOf(subjectOf(review.spec), review.spec)) }
  } }
  const rules: VirtualResource<SelfSubjectRulesReview> = { kind: SelfSubjectRulesReviews, create: (review, request) => {
    if (!review.spec.namespace) throw badRequest('no namespace on request')
    return { ...review, status: rulesStatus(request, review.spec.namespace) }
  } }
  return [self, subject, local, rules] as readonly VirtualResource<KubeObject>[]
}
