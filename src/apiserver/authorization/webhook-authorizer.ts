/** Asks another server whether somebody may. Mirrors apiserver's `plugin/pkg/authorizer/webhook`. */
import type { Clock } from '../../api/clock.ts'
import type { JsonObject } from '../../api/meta.ts'
import { evaluateExpression } from '../cel/evaluate-expression.ts'
import type { Log } from '../log.ts'
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts'
import type { WebhookSettings } from './authorization-configuration.ts'

/** Sends a SubjectAccessReview; resolves with what came back. Rejects when nothing did in time. */
export type AskReview = (review: JsonObject, timeoutMs: number) => Promise<JsonObject>

const mostAnswers = 8192
const largestKey = 10_000

const operators: Readonly<Record<string, string>> = { '=': 'In', '==': 'In', '!=': 'NotIn', in: 'In', notin: 'NotIn', exists: 'Exists', '!': 'DoesNotExist' }

const said = (values: Readonly<Record<string, string>>): JsonObject => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''))

/** The specification of the review that asks about a request. */
export const reviewSpec = ({ user, verb, resourceRequest, apiGroup, apiVersion, resource, subresource, namespace, name, path, fieldSelector, labelSelector }: AuthorizationAttributes): JsonObject => ({
  ...(resourceRequest ? { resourceAttributes: {
    ...said({ namespace, verb, group: apiGroup, version: apiVersion, resource, subresource, name }),
    ...(fieldSelector && { fieldSelector: { requirements: fieldSelector.map((term) => ({ key: term.field, operator: operators[term.operator] ?? '', values: [term.value] })) } }),
    // Comparisons of numbers are nothing that reviews can say: they only narrow.
    ...(labelSelector && { labelSelector: { requirements: labelSelector.flatMap(({ key, operator, values }) => (operators[operator] ? [{ key, operator: operators[operator], ...(values.length > 0 && { values: [...values] }) }] : [])) } }),
  } } : { nonResourceAttributes: said({ path, verb }) }),
  user: user.name, groups: [...user.groups], ...(user.uid && { uid: user.uid }), ...(user.extra && { extra: Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]])) }),
} as JsonObject)

const decisionOf = (answer: JsonObject): Decision => {
  const { allowed, denied, reason = '' } = (answer['status'] ?? {}) as { allowed?: boolean; denied?: boolean; reason?: string }
  if (allowed === true && denied === true) throw new Error('webhook subject access review returned both allow and deny response')
  return { verdict: allowed === true ? 'allow' : denied === true ? 'deny' : 'no-opinion', reason }
}

export const webhookAuthorizer = (settings: WebhookSettings, { ask, clock, log }: { ask: AskReview; clock: Pick<Clock, 'monotonic'>; log: Log }): Authorizer => {
  const answers = new Map<string, { decision: Decision; until: number }>()
  const failed = (error: unknown): Decision => {
    log.warn('an authorization webhook could not be asked', { webhook: settings.name, failurePolicy: settings.onFailure, error: (error as Error).message })
    return { verdict: settings.onFailure === 'Deny' ? 'deny' : 'no-opinion', reason: '' }
  }
  const asked = async (spec: JsonObject, key: string): Promise<Decision> => {
    try {
      const decision = decisionOf(await ask({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {}, spec, status: { allowed: false } }, settings.timeoutMs))
      const keepMs = decision.verdict === 'allow' ? settings.authorizedMs : settings.unauthorizedMs
      if (keepMs > 0 && key.length < largestKey) {
        answers.delete(key)
        if (answers.size >= mostAnswers) answers.delete(answers.keys().next().value ?? '')
        answers.set(key, { decision, until: clock.monotonic() + keepMs })
      }
      return decision
    } catch (error) {
      return failed(error)
    }
  }
  return {
    authorize: (attributes) => {
      const spec = reviewSpec(attributes)
      // One that is false decides, whatever is wrong with others.
      const held = settings.conditions.map((condition) => evaluateExpression(condition, 'request', spec))
      if (held.some(({ value }) => value === false)) return { verdict: 'no-opinion', reason: '' }
      const wrong = held.find(({ error }) => error !== undefined)
      if (wrong) return failed(new Error(wrong.error))
      const key = JSON.stringify(spec)
      const known = answers.get(key)
      return known && known.until > clock.monotonic() ? known.decision : asked(spec, key)
    },
  }
}
