import { StatusError } from '../../api/status.ts'
import type { Clock } from '../../api/clock.ts'
import type { ServerCounters } from '../counters.ts'
import type { AuthorizationAttributes, Authorizer, Decision } from '../authorization/authorizer.ts'
import { selectorsOfText } from '../authorization/selectors.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { Filter } from '../request-context.ts'
import type { RequestInfo } from '../request-info.ts'

export const attributesOf = (user: UserInfo, info: RequestInfo): AuthorizationAttributes => ({
  user, verb: info.verb, resourceRequest: info.resourceRequest, apiGroup: info.apiGroup, apiVersion: info.apiVersion, resource: info.resource, subresource: info.subresource,
  namespace: info.namespace, name: info.name, path: info.path, ...(info.fieldSelector !== '' || info.labelSelector !== '' ? selectorsOfText(info.fieldSelector, info.labelSelector) : undefined),
})

const quoted = (text: string): string => JSON.stringify(text)

/** `User "jane" cannot list resource "pods" in API group "" in the namespace "default"`: apiserver's responsewriters.forbiddenMessage. */
export const forbiddenMessage = ({ user, verb, resourceRequest, path, resource, subresource, apiGroup, namespace }: AuthorizationAttributes): string => {
  const who = `User ${quoted(user.name)}`
  if (!resourceRequest) return `${who} cannot ${verb} path ${quoted(path)}`
  const what = `${who} cannot ${verb} resource ${quoted(subresource === '' ? resource : `${resource}/${subresource}`)} in API group ${quoted(apiGroup)}`
  return namespace === '' ? `${what} at the cluster scope` : `${what} in the namespace ${quoted(namespace)}`
}

/** 403 in upstream's words. */
export const refusal = (attributes: AuthorizationAttributes, reason: string): StatusError => {
  const message = forbiddenMessage(attributes) + (reason === '' ? '' : `: ${reason}`)
  const { apiGroup, resource, name } = attributes
  const qualified = apiGroup === '' ? resource : `${resource}.${apiGroup}`
  const subject = qualified === '' ? 'forbidden' : name === '' ? `${qualified} is forbidden` : `${qualified} ${quoted(name)} is forbidden`
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'Forbidden', code: 403, message: `${subject}: ${message}`,
    details: { ...(name !== '' && { name }), ...(apiGroup !== '' && { group: apiGroup }), ...(resource !== '' && { kind: resource }) } })
}

const results = { allow: 'allowed', deny: 'denied', 'no-opinion': 'no-opinion' } as const
const resultLabels = { allow: { result: 'allowed' }, deny: { result: 'denied' }, 'no-opinion': { result: 'no-opinion' } } as const

/** Whether they may. */
export const authorize = (authorizer: Authorizer, counting?: { counters: ServerCounters; clock: Pick<Clock, 'monotonic'> }): Filter => async (context, next) => {
  const attributes = attributesOf(context.user, context.info)
  const answer = authorizer.authorize(attributes)
  let decision: Decision
  if (answer instanceof Promise) {
    const begun = counting?.clock.monotonic() ?? 0
    decision = await answer
    counting?.counters.authorizationTimes.observe({ result: results[decision.verdict] }, (counting.clock.monotonic() - begun) / 1000)
  } else decision = answer
  const { verdict, reason } = decision
  counting?.counters.authorizations.count(resultLabels[verdict])
  const { audit } = context.exchange
  if (audit) {
    audit.annotate('authorization.k8s.io/decision', verdict === 'allow' ? 'allow' : 'forbid')
    audit.annotate('authorization.k8s.io/reason', reason)
  }
  if (verdict !== 'allow') throw refusal(attributes, reason)
  return next()
}
