/** Whether a policy or a binding is about a request, and as what version. Mirrors apiserver's `plugin/policy/matching/matching.go`. Pure. */
import { selectorFromObject, type Selector } from '../../api/selector.ts'
import type { MatchResources, NamedRuleWithOperations } from '../../api/types.ts'
import type { AdmissionAttributes, AdmissionContext } from './plugin.ts'
import { isExempt, namespaceMatches, namespaceOf, objectMatches, ruleMatches } from './webhook-match.ts'
import { type Version, versionsOf } from './webhook-versions.ts'

const reviews: Readonly<Record<string, readonly string[]>> = {
  'authentication.k8s.io': ['selfsubjectreviews', 'tokenreviews'], 'authorization.k8s.io': ['localsubjectaccessreviews', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews', 'subjectaccessreviews'],
}

/** What no policy is about: what decides about admission itself, and questions that the cluster would break without (`pkg/kubeapiserver/admission/exclusion`). */
export const isExcluded = (attributes: Pick<AdmissionAttributes, 'kind'>): boolean => isExempt(attributes) || (Object.hasOwn(reviews, attributes.kind.group) && reviews[attributes.kind.group]?.includes(attributes.kind.plural) === true)

interface Selectors { namespace: Selector; object: Selector }
const selectors = new WeakMap<MatchResources, Selectors>()

const selectorsOf = (match: MatchResources): Selectors => {
  const known = selectors.get(match) ?? { namespace: selectorFromObject(match.namespaceSelector ?? {}), object: selectorFromObject(match.objectSelector ?? {}) }
  selectors.set(match, known)
  return known
}

/** The version that one of the rules names: the client's own, or, unless matchPolicy is Exact, another of the same objects. */
const versionNamedBy = (rules: readonly NamedRuleWithOperations[], exact: boolean, attributes: AdmissionAttributes, context: AdmissionContext): Version | undefined => {
  const { subresource, operation, name } = attributes
  const at = { subresource, operation, namespace: namespaceOf(attributes) }
  const matching = (version: Version): boolean => rules.some((rule) => ruleMatches(rule, { ...at, resource: version.resource }) && ((rule.resourceNames ?? []).length === 0 || rule.resourceNames?.includes(name)))
  const { own, others } = versionsOf(attributes, context.resources)
  if (matching(own)) return own
  return exact ? undefined : others().find(matching)
}

/** Undefined: it is not. Without any rules everything is matched, as the client sent it. Throws a StatusError where the namespace does not exist. */
export const matchedVersion = (match: MatchResources | undefined, attributes: AdmissionAttributes, context: AdmissionContext): Version | undefined => {
  const { own } = versionsOf(attributes, context.resources)
  if (!match) return own
  const exact = match.matchPolicy === 'Exact'
  const { namespace, object } = selectorsOf(match)
  if (!objectMatches(object, attributes)) return undefined
  if (match.excludeResourceRules && versionNamedBy(match.excludeResourceRules, exact, attributes, context)) return undefined
  const version = (match.resourceRules ?? []).length === 0 ? own : versionNamedBy(match.resourceRules ?? [], exact, attributes, context)
  return version && namespaceMatches(namespace, attributes, context.lookup) ? version : undefined
}
