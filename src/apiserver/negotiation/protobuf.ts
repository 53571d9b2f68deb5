/** Documents in protobuf, for clients that accept no text. Custom resources and what other servers answer have no messages. */
import { apiVersionOf, type Kind, storedKinds } from '../../api/kinds.ts'
import type { JsonObject } from '../../api/meta.ts'
import { bytesField, protobufBody } from '../../api/protobuf-encode.ts'
import { HorizontalPodAutoscalersV1 } from '../autoscalers-view.ts'
import { EventsV1 } from '../events-view.ts'
import type { WatchFraming } from '../watch-framing.ts'

export const protobufType = 'application/vnd.kubernetes.protobuf'

const named = (kind: Kind): readonly (readonly [string, string])[] => [[`${apiVersionOf(kind)} ${kind.kind}`, kind.schema], [`${apiVersionOf(kind)} ${kind.listKind ?? `${kind.kind}List`}`, kind.schema]]
/** What is computed, and the bodies of subresources. */
const computed: readonly (readonly [string, readonly string[]])[] = [
  ['v1', ['Binding', 'ComponentStatus', 'ComponentStatusList', 'APIGroup', 'APIGroupList', 'APIResourceList', 'APIVersions']], ['autoscaling/v1', ['Scale']], ['policy/v1', ['Eviction']],
  ['authentication.k8s.io/v1', ['SelfSubjectReview', 'TokenRequest', 'TokenReview']],
  ['authorization.k8s.io/v1', ['LocalSubjectAccessReview', 'SelfSubjectAccessReview', 'SelfSubjectRulesReview', 'SubjectAccessReview']],
]
const otherNames: Readonly<Record<string, string>> = { TokenRequest: 'AuthenticationTokenRequest', ComponentStatusList: 'ComponentStatus' }
const schemas: ReadonlyMap<string, string> = new Map([
  ...computed.flatMap(([apiVersion, kinds]) => kinds.map((kind) => [`${apiVersion} ${kind}`, otherNames[kind] ?? kind] as const)),
  ...[...storedKinds, EventsV1, HorizontalPodAutoscalersV1].flatMap(named), ['v1 Status', 'Status'], ['meta.k8s.io/v1 PartialObjectMetadata', 'PartialObjectMetadata'],
  ['meta.k8s.io/v1 PartialObjectMetadataList', 'PartialObjectMetadata'], ['meta.k8s.io/v1beta1 PartialObjectMetadata', 'PartialObjectMetadata'], ['meta.k8s.io/v1beta1 PartialObjectMetadataList', 'PartialObjectMetadata'],
])

type AskedKind = Pick<Kind, 'group' | 'version' | 'kind' | 'custom'>

/** This is asked with each request. */
const judged = new WeakMap<AskedKind, boolean>()

/** Whether what is asked of a kind can be told in protobuf. */
export const hasProtobuf = (kind: AskedKind): boolean => {
  const before = judged.get(kind)
  if (before !== undefined) return before
  const answer = kind.custom === undefined && schemas.has(`${apiVersionOf(kind)} ${kind.kind}`)
  judged.set(kind, answer)
  return answer
}

/** `json`: one object or list. Throws a TypeError for a kind that has no message. */
export const protobufOf = (json: Uint8Array): Buffer => {
  const document = JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.length).toString()) as JsonObject
  return protobufBody(document, schemas.get(`${String(document['apiVersion'])} ${String(document['kind'])}`) ?? String(document['kind']))
}

/** Messages of metav1.WatchEvent, each with its length before it; the object within stands with its own envelope. */
export const protobufFrames: WatchFraming = {
  key: 'protobuf ', contentType: `${protobufType};stream=watch`,
  frame: (type, object) => {
    const event = Buffer.concat([bytesField(1, type), bytesField(2, bytesField(1, protobufOf(object)))])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(event.length)
    return Buffer.concat([length, event])
  },
}
