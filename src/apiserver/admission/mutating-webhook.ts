/** MutatingAdmissionWebhook: webhooks that change objects, one after the other, and once more where another changed what they had seen. Mirrors apiserver's `plugin/webhook/mutating`. */
import { decodeObject } from '../../api/decode.ts'
import { JsonSyntaxError, parseJson } from '../../api/json-text.ts'
import type { JsonObject, JsonValue, KubeObject } from '../../api/meta.ts'
import { applyJsonPatch } from '../../api/patch/json.ts'
import { internalError, timeout } from '../../api/status.ts'
import { DecisionCache } from '../cel/library/authorization.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'
import { askWebhook, type Invocation, type WebhookParts } from './webhook-call.ts'
import { counted, waitedFor } from './webhook-counters.ts'
import { CallingWebhookError } from './webhook-denial.ts'
import { mutatingHooks } from './webhook-hooks.ts'
import { invocationOf } from './webhook-invocations.ts'
import { isExempt } from './webhook-match.ts'
import { beginRound } from './rounds.ts'
import type { ReviewAnswer } from './webhook-review.ts'
import { takeOver } from './take-over.ts'
import { shownIn } from './webhook-versions.ts'

const pluginName = 'MutatingAdmissionWebhook'

const patchOf = ({ webhook: { name } }: Invocation['hook'], { patch, patchType }: ReviewAnswer): JsonValue[] => {
  if (patch === '') return []
  let value: JsonValue
  try {
    value = parseJson(patch, { findRepeated: false }).value
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new CallingWebhookError(name, `received undecodable patch in webhook response: ${error.message}`)
    throw error
  }
  if (!Array.isArray(value)) throw new CallingWebhookError(name, 'received undecodable patch in webhook response: json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  if (value.length > 0 && patchType !== 'JSONPatch') throw new CallingWebhookError(name, `unsupported patch type ${JSON.stringify(patchType)}`)
  return value
}

/** The object with the patch, read as its kind reads bodies: what the kind does not know falls away. */
const patched = async ({ hook, version }: Invocation, object: KubeObject, patch: JsonValue[]): Promise<KubeObject> => {
  const shown = await shownIn(version, object)
  let result: JsonObject
  try {
    result = applyJsonPatch(shown ?? null, patch) as JsonObject
  } catch (error) {
    throw internalError(new Error(`the JSON patch of admission webhook ${JSON.stringify(hook.webhook.name)} does not apply: ${(error as Error).message}`))
  }
  const { row } = version
  if (!row) return result as unknown as KubeObject
  const { object: decoded } = decodeObject<KubeObject>(Buffer.from(JSON.stringify(result)), 'application/json', { kind: row.kind, fieldValidation: 'Ignore' })
  return decoded
}

/** Puts what the webhook wants into the request's object. Whether it is another now. */
const change = async (invocation: Invocation, at: { attributes: AdmissionAttributes; context: AdmissionContext }, answer: ReviewAnswer): Promise<boolean> => {
  const { hook, version } = invocation
  const { object, operation } = at.attributes
  const patch = patchOf(hook, answer)
  if (patch.length === 0) return false
  if (!object || operation === 'CONNECT') throw internalError(new Error(`admission webhook ${JSON.stringify(hook.webhook.name)} attempted to modify the object, which is not supported for this operation`))
  return takeOver(version, await patched(invocation, object, patch), at)
}

const requestTimedOut = (): Error => timeout('request did not complete within requested timeout')

export const mutatingAdmissionWebhook = (parts: WebhookParts): AdmissionPlugin => {
  /** Whether the object was changed. */
  const invoke = async (invocation: Invocation, attributes: AdmissionAttributes, context: AdmissionContext): Promise<boolean> => {
    try {
      const { name, failurePolicy } = invocation.hook.webhook
      const call = { name, type: 'admit', operation: attributes.operation, ignoresFailure: failurePolicy === 'Ignore' } as const
      return await change(invocation, { attributes, context }, await waitedFor(parts.counting, context, () => counted(parts.counting, call, () => askWebhook(parts, invocation, { attributes, context, mutating: true }))))
    } catch (error) {
      if (!(error instanceof CallingWebhookError)) throw error
      const { webhook } = invocation.hook
      if (webhook.failurePolicy !== 'Ignore') throw internalError(error)
      parts.log.warn('a webhook could not be called; its failurePolicy lets the request pass', { webhook: webhook.name, error: error.message })
      if (context.signal.aborted || context.remainingMs() <= 0) throw requestTimedOut()
      return false
    }
  }
  return {
    name: pluginName,
    handles: (attributes) => mutatingHooks(parts.lookup).length > 0 && !isExempt(attributes),
    mutate: async (attributes, context) => {
      const question = { attributes, context, decisions: new DecisionCache(parts.authorizer) }
      const round = beginRound(pluginName, attributes, context)
      for (const hook of mutatingHooks(parts.lookup)) {
        if (!round.concerns(hook.id)) continue
        const invocation = await invocationOf(hook, question)
        if (!invocation) continue
        round.ran(hook.id, { changed: await invoke(invocation, attributes, context), reinvocable: hook.webhook.reinvocationPolicy === 'IfNeeded' })
      }
      round.end()
    },
  }
}
