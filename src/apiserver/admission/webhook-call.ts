/** Asks one webhook. Mirrors callHook of apiserver's `plugin/webhook/{mutating,validating}/dispatcher.go`. */
import type { JsonObject } from '../../api/meta.ts'
import type { Random } from '../../api/random.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { Log } from '../log.ts'
import { type CallWebhook, WebhookCallError } from '../outbound/call-webhook.ts'
import type { Lookup } from '../registry/strategy.ts'
import type { AdmissionAttributes, AdmissionContext } from './plugin.ts'
import type { Counting } from './webhook-counters.ts'
import { CallingWebhookError, denied, dryRunUnsupported } from './webhook-denial.ts'
import type { Hook } from './webhook-hooks.ts'
import { namespaceOf } from './webhook-match.ts'
import { admissionReview, reviewAnswer, type ReviewAnswer, reviewVersion } from './webhook-review.ts'
import { shownIn, type Version } from './webhook-versions.ts'

/** What the plugins that call webhooks are made of. */
export interface WebhookParts {
  call: CallWebhook
  random: Random
  lookup: Lookup
  log: Log
  /** Asked by conditions of webhooks. */
  authorizer: Authorizer
  /** Absent: nothing is counted. */
  counting?: Counting | undefined
}

export interface Invocation { hook: Hook; version: Version; own: Version }

const usualTimeoutSeconds = 10

const optionsOf = ({ operation, options }: AdmissionAttributes): JsonObject | undefined => {
  if (operation === 'CONNECT') return undefined
  return operation === 'DELETE' ? { ...options, kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' } : options
}

const reasonOf = (error: unknown): string => {
  const { message } = error as Error
  return error instanceof WebhookCallError && error.unusable ? `could not get REST client: ${message}` : `failed to call webhook: ${message}`
}

/** The webhook's agreement. Throws its refusal as a StatusError, a CallingWebhookError where it could not be asked. */
export const askWebhook = async ({ call, random }: Pick<WebhookParts, 'call' | 'random'>, { hook, version, own }: Invocation, request: { attributes: AdmissionAttributes; context: AdmissionContext; mutating: boolean }): Promise<ReviewAnswer> => {
  const { webhook } = hook
  const { attributes, context, mutating } = request
  if (attributes.dryRun && !['None', 'NoneOnDryRun'].includes(webhook.sideEffects)) throw dryRunUnsupported(webhook.name)
  const uid = random.uuid()
  const { name, operation, subresource, user, dryRun } = attributes
  let reviewed: string
  try {
    reviewed = reviewVersion(webhook.admissionReviewVersions)
  } catch (error) {
    throw new CallingWebhookError(webhook.name, `could not create admission objects: ${(error as Error).message}`)
  }
  const body = admissionReview(reviewed, {
    uid, kind: version.kind, resource: version.resource, subresource, requestKind: own.kind, requestResource: own.resource, name, namespace: namespaceOf(attributes), operation, user,
    object: await shownIn(version, attributes.object), oldObject: await shownIn(version, attributes.oldObject), options: optionsOf(attributes), dryRun,
  })
  const timeoutMs = Math.min((webhook.timeoutSeconds ?? usualTimeoutSeconds) * 1000, Math.max(1, context.remainingMs()))
  const answered = await call({ clientConfig: webhook.clientConfig, body, timeoutMs, signal: context.signal, tellsTimeout: true })
    .catch((error: unknown) => { throw new CallingWebhookError(webhook.name, reasonOf(error)) })
  let answer: ReviewAnswer
  try {
    answer = reviewAnswer(answered, { uid, version: reviewed, mutating })
  } catch (error) {
    throw new CallingWebhookError(webhook.name, `received invalid webhook response: ${(error as Error).message}`)
  }
  for (const [key, value] of Object.entries(answer.auditAnnotations)) context.annotate?.(`${webhook.name}/${key}`, value)
  for (const warning of answer.warnings) context.warn(warning)
  if (!answer.allowed) throw denied(webhook.name, answer.status)
  return answer
}
