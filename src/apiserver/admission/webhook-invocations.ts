/** Which webhooks a request is shown to, and as what. Mirrors ShouldCallHook of apiserver's `plugin/webhook/generic/webhook.go`. */
import { forbidden } from '../../api/status.ts'
import type { AdmissionAttributes } from './plugin.ts'
import type { Invocation } from './webhook-call.ts'
import type { Hook } from './webhook-hooks.ts'
import { namespaceMatches, namespaceOf, objectMatches, ruleMatches } from './webhook-match.ts'
import { type ConditionQuestion, matchConditionsHold } from './webhook-match-conditions.ts'
import { type Version, versionsOf } from './webhook-versions.ts'

/** The version that a rule of the webhook names: the client's own, or with matchPolicy Equivalent another of the same objects. */
const versionFor = ({ webhook }: Hook, attributes: AdmissionAttributes, { own, others }: { own: Version; others: () => Version[] }): Version | undefined => {
  const rules = webhook.rules ?? []
  const { subresource, operation } = attributes
  const at = { subresource, operation, namespace: namespaceOf(attributes) }
  if (rules.some((rule) => ruleMatches(rule, { ...at, resource: own.resource }))) return own
  if (webhook.matchPolicy !== 'Equivalent') return undefined
  const equivalents = others()
  for (const rule of rules) {
    const found = equivalents.find(({ resource }) => ruleMatches(rule, { ...at, resource }))
    if (found) return found
  }
  return undefined
}

/** Undefined: it is not asked. Throws a StatusError where that cannot be found out. */
export const invocationOf = async (hook: Hook, question: ConditionQuestion): Promise<Invocation | undefined> => {
  const { attributes, context } = question
  if (!objectMatches(hook.objectSelector, attributes)) return undefined
  const versions = versionsOf(attributes, context.resources)
  const version = versionFor(hook, attributes, versions)
  if (!version || !namespaceMatches(hook.namespaceSelector, attributes, context.lookup)) return undefined
  const { matches, error } = await matchConditionsHold(hook, version, question)
  if (error !== undefined) throw forbidden(attributes.kind, attributes.name, error)
  return matches ? { hook, version, own: versions.own } : undefined
}
