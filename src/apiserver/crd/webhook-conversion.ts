/** Asks a definition's webhook for objects in another version. Mirrors apiextensions-apiserver's `pkg/apiserver/conversion/webhook_converter.go`. */
import { deepEqual, own } from '../../api/equal.ts'
import type { JsonObject, JsonValue, KubeObject } from '../../api/meta.ts'
import type { Random } from '../../api/random.ts'
import { type StatusError, unclassified } from '../../api/status.ts'
import type { CustomResourceConversion } from '../../api/types.ts'
import type { WebhookClientConfig } from '../outbound/call-target.ts'
import type { CallWebhook } from '../outbound/call-webhook.ts'
import { checkAnnotations, checkLabels } from '../registry/label-checks.ts'
import type { ConvertObjects } from './convert.ts'
import { isObject } from './schema/structural.ts'

const timeoutMs = 30_000
const group = 'apiextensions.k8s.io'

const objectOf = (value: JsonObject, key: string): JsonObject => {
  const found = own(value, key)
  return isObject(found) ? found : {}
}

/** The converted objects of an answer. Throws an Error in upstream's words. */
const convertedIn = (answer: JsonObject, asked: { uid: string; apiVersion: string }): JsonValue[] => {
  if (own(answer, 'apiVersion') !== asked.apiVersion || own(answer, 'kind') !== 'ConversionReview') {
    throw new Error(`expected webhook response of ${asked.apiVersion}, Kind=ConversionReview, got ${String(own(answer, 'apiVersion') ?? '')}, Kind=${String(own(answer, 'kind') ?? '')}`)
  }
  if (!isObject(own(answer, 'response'))) throw new Error('no response provided')
  const response = objectOf(answer, 'response')
  const uid = String(own(response, 'uid') ?? '')
  if (asked.apiVersion === `${group}/v1` && uid !== asked.uid) throw new Error(`expected response.uid="${asked.uid}", got "${uid}"`)
  const { status = '', message = '' } = objectOf(response, 'result')
  if (status !== 'Success') throw new Error(message === '' ? `response.result.status was '${String(status)}', not 'Success'` : String(message))
  const objects = own(response, 'convertedObjects')
  return Array.isArray(objects) ? objects : []
}

/** Everything in metadata but labels and annotations stays what it was; what a webhook may not change it must leave alone. Throws an Error in upstream's words. */
const restored = (value: JsonValue | undefined, original: KubeObject, apiVersion: string): KubeObject => {
  const converted = (isObject(value) ? value : {}) as unknown as KubeObject
  const metadata = (converted.metadata ?? {}) as Partial<KubeObject['metadata']>
  const differ = (what: string, expected: string | undefined, actual: string | undefined): void => {
    if ((expected ?? '') !== (actual ?? '')) throw new Error(`${what}: ${expected ?? ''} != ${actual ?? ''}`)
  }
  if (converted.apiVersion !== apiVersion) throw new Error(`invalid groupVersion (expected ${apiVersion}, received ${converted.apiVersion ?? ''})`)
  if (converted.kind !== original.kind) throw new Error(`invalid kind (expected ${original.kind ?? ''}, received ${converted.kind ?? ''})`)
  differ('must have the same name', original.metadata.name, metadata.name)
  differ('must have the same namespace', original.metadata.namespace, metadata.namespace)
  differ('must have the same UID', original.metadata.uid, metadata.uid)
  const { labels, annotations } = metadata
  const isTexts = (map: unknown): boolean => map === undefined || map === null || (isObject(map as JsonValue) && Object.values(map as object).every((each) => typeof each === 'string'))
  if (!isTexts(labels) || !isTexts(annotations)) throw new Error('invalid metadata of type map[string]interface {} in converted object')
  const wrong = [...(deepEqual(labels, original.metadata.labels) ? [] : checkLabels('metadata.labels', labels ?? undefined)), ...(deepEqual(annotations, original.metadata.annotations) ? [] : checkAnnotations('metadata.annotations', annotations ?? undefined))]
  if (wrong[0]) throw new Error(`${wrong[0].path}: ${wrong[0].message}`)
  const { labels: _labels, annotations: _annotations, ...rest } = original.metadata
  return { ...converted, metadata: { ...rest, ...(labels && { labels }), ...(annotations && { annotations }) } }
}

/** `apiextensions.k8s.io/v1` if the webhook understands it, else v1beta1. */
const reviewVersion = (versions: readonly string[]): string => `${group}/${versions.find((version) => version === 'v1' || version === 'v1beta1') ?? 'v1'}`

export const webhookConversion = (conversion: CustomResourceConversion, call: CallWebhook, random: Random): ConvertObjects => {
  const apiVersion = reviewVersion(conversion.webhook?.conversionReviewVersions ?? [])
  const clientConfig = (conversion.webhook?.clientConfig ?? {}) as WebhookClientConfig
  return async (objects, desiredAPIVersion) => {
    const [first] = objects
    const [fromGroup = '', fromVersion = ''] = (first?.apiVersion ?? '').split('/')
    const failed = (why: string): StatusError => unclassified(`conversion webhook for ${fromGroup}/${fromVersion}, Kind=${first?.kind ?? ''} ${why}`)
    const uid = random.uuid()
    let converted: JsonValue[]
    try {
      const answer = await call({
        clientConfig, timeoutMs, signal: AbortSignal.timeout(timeoutMs),
        body: { kind: 'ConversionReview', apiVersion, request: { uid, desiredAPIVersion, objects: objects as unknown as JsonValue[] } },
      })
      converted = convertedIn(answer, { uid, apiVersion })
    } catch (error) {
      throw failed(`failed: ${error instanceof Error ? error.message : String(error)}`)
    }
    if (converted.length !== objects.length) throw failed(`returned ${converted.length} objects, expected ${objects.length}`)
    return objects.map((original, index) => {
      try {
        return restored(converted[index], original, desiredAPIVersion)
      } catch (error) {
        throw failed(objects.length === 1 ? `returned invalid object: ${(error as Error).message}` : `returned invalid converted object at index ${index}: ${(error as Error).message}`)
      }
    })
  }
}
