/** ValidatingAdmissionWebhook: webhooks that may refuse, all at the same time. Mirrors apiserver's `plugin/webhook/validating`. */
import { internalError, timeout } from '../../api/status.ts'
import { DecisionCache } from '../cel/library/authorization.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'
import { askWebhook, type Invocation, type WebhookParts } from './webhook-call.ts'
import { counted, waitedFor } from './webhook-counters.ts'
import { CallingWebhookError } from './webhook-denial.ts'
import { validatingHooks } from './webhook-hooks.ts'
import { invocationOf } from './webhook-invocations.ts'
import { isExempt } from './webhook-match.ts'

export const validatingAdmissionWebhook = (parts: WebhookParts): AdmissionPlugin => {
  /** Why the webhook refuses; undefined: it does not. */
  const refusal = async (invocation: Invocation, attributes: AdmissionAttributes, context: AdmissionContext): Promise<unknown> => {
    try {
      const { name, failurePolicy } = invocation.hook.webhook
      await counted(parts.counting, { name, type: 'validating', operation: attributes.operation, ignoresFailure: failurePolicy === 'Ignore' }, () => askWebhook(parts, invocation, { attributes, context, mutating: false }))
      return undefined
    } catch (error) {
      if (!(error instanceof CallingWebhookError)) return error
      const { webhook } = invocation.hook
      if (webhook.failurePolicy !== 'Ignore') return internalError(error)
      parts.log.warn('a webhook could not be called; its failurePolicy lets the request pass', { webhook: webhook.name, error: error.message })
      return undefined
    }
  }
  return {
    name: 'ValidatingAdmissionWebhook',
    handles: (attributes) => validatingHooks(parts.lookup).length > 0 && !isExempt(attributes),
    validate: async (attributes, context) => {
      const question = { attributes, context, decisions: new DecisionCache(parts.authorizer) }
      const invocations: Invocation[] = []
      for (const hook of validatingHooks(parts.lookup)) {
        const invocation = await invocationOf(hook, question)
        if (invocation) invocations.push(invocation)
      }
      if (invocations.length === 0) return
      if (context.signal.aborted || context.remainingMs() <= 0) throw timeout('request did not complete within requested timeout')
      const refusals = await waitedFor(parts.counting, context, () => Promise.all(invocations.map((invocation) => refusal(invocation, attributes, context))))
      const first = refusals.find((each) => each !== undefined)
      if (first !== undefined) throw first
    },
  }
}
