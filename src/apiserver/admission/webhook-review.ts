/** AdmissionReviews: what a webhook is asked, and what its answer says. Mirrors apiserver's `plugin/webhook/request/admissionreview.go`. Pure. */
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { ResourceName } from './webhook-match.ts'

export interface KindName { group: string; version: string; kind: string }

export interface ReviewRequest {
  uid: string
  /** As the webhook's rule names them. */
  kind: KindName
  resource: ResourceName
  subresource: string
  /** As the client's request names them. */
  requestKind: KindName
  requestResource: ResourceName
  name: string
  namespace: string
  operation: string
  user: UserInfo
  object: JsonObject | undefined
  oldObject: JsonObject | undefined
  options: JsonObject | undefined
  dryRun: boolean
}

const userOf = ({ name, uid, groups, extra }: UserInfo): JsonObject => ({
  username: name, ...(uid !== undefined && uid !== '' && { uid }), ...(groups.length > 0 && { groups: [...groups] }),
  ...(extra && Object.keys(extra).length > 0 && { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
})

/** The request in upstream's order of fields. */
export const reviewRequest = (request: ReviewRequest): JsonObject => {
  const { uid, kind, resource, subresource, requestKind, requestResource, name, namespace, operation, user, object, oldObject, options, dryRun } = request
  return {
    uid, kind: { ...kind }, resource: { ...resource }, ...(subresource && { subResource: subresource }),
    requestKind: { ...requestKind }, requestResource: { ...requestResource }, ...(subresource && { requestSubResource: subresource }),
    ...(name && { name }), ...(namespace && { namespace }), operation, userInfo: userOf(user), object: object ?? null, oldObject: oldObject ?? null, dryRun, options: options ?? null,
  }
}

const knownVersions = ['v1', 'v1beta1']

/** The first version that the webhook prefers and we know. Throws an Error. */
export const reviewVersion = (accepted: readonly string[] | undefined): string => {
  const version = (accepted ?? []).find((each) => knownVersions.includes(each))
  if (version === undefined) throw new Error('webhook does not accept known AdmissionReview versions (v1, v1beta1)')
  return version
}

export const admissionReview = (version: string, request: ReviewRequest): JsonObject => ({ kind: 'AdmissionReview', apiVersion: `admission.k8s.io/${version}`, request: reviewRequest(request) })

export interface ReviewAnswer {
  allowed: boolean
  /** The Status of a denial, as it was sent. */
  status: JsonObject | undefined
  /** The text of a JSON patch; '' is none. */
  patch: string
  patchType: string
  warnings: readonly string[]
  auditAnnotations: Readonly<Record<string, string>>
}

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')
/** Go's zero value of a pointer to a string is no string. */
const given = (value: JsonValue | undefined): value is string => typeof value === 'string'

const patchOf = (response: JsonObject, { mutating, version }: { mutating: boolean; version: string }): { patch: string; patchType: string } => {
  const patch = Buffer.from(textOf(response['patch']), 'base64').toString()
  const patchType = response['patchType']
  if (!mutating) {
    if (version === 'v1' && patch !== '') throw new Error('validating webhook may not return response.patch')
    if (version === 'v1' && given(patchType)) throw new Error('validating webhook may not return response.patchType')
    return { patch: '', patchType: '' }
  }
  // The old version knew one type of patch, and did not have to name it.
  if (version !== 'v1') return { patch, patchType: patch === '' ? '' : 'JSONPatch' }
  if (patch !== '' && !given(patchType)) throw new Error('webhook returned response.patch but not response.patchType')
  if (patch === '' && given(patchType)) throw new Error('webhook returned response.patchType but not response.patch')
  if (given(patchType) && patchType === '') throw new Error(`webhook returned invalid response.patchType of ${JSON.stringify(patchType)}`)
  return { patch, patchType: textOf(patchType) }
}

const kindText = (review: JsonObject): string => `${textOf(review['apiVersion'])}, Kind=${textOf(review['kind'])}`

/** What the answer to the review with `uid` says. Throws an Error for one that is not valid. */
export const reviewAnswer = (review: JsonObject, { uid, version, mutating }: { uid: string; version: string; mutating: boolean }): ReviewAnswer => {
  const { response } = review
  if (!isObject(response)) throw new Error('webhook response was absent')
  if (version === 'v1') {
    if (response['uid'] !== uid) throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(textOf(response['uid']).slice(0, 64))}`)
    const expected = 'admission.k8s.io/v1, Kind=AdmissionReview'
    if (kindText(review) !== expected) throw new Error(`expected webhook response of ${expected}, got ${kindText(review).slice(0, 128)}`)
  }
  const warnings = Array.isArray(response['warnings']) ? response['warnings'].filter((each) => typeof each === 'string') : []
  const annotations = isObject(response['auditAnnotations']) ? Object.entries(response['auditAnnotations']).filter((entry): entry is [string, string] => typeof entry[1] === 'string') : []
  return { allowed: response['allowed'] === true, status: isObject(response['status']) ? response['status'] : undefined, ...patchOf(response, { mutating, version }), warnings, auditAnnotations: Object.fromEntries(annotations) }
}
