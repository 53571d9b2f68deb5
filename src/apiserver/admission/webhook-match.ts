/** Whether a webhook wants to see a request. Mirrors apiserver's `plugin/webhook/predicates/{rules,namespace,object}`. Pure. */
import { Namespaces } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { isEverything, type Selector, selectorMatches } from '../../api/selector.ts'
import { notFound } from '../../api/status.ts'
import type { RuleWithOperations } from '../../api/types.ts'
import type { Lookup } from '../registry/strategy.ts'
import type { AdmissionAttributes } from './plugin.ts'

export interface ResourceName { group: string; version: string; resource: string }

export const isNamespaces = ({ group, resource }: Pick<ResourceName, 'group' | 'resource'>): boolean => group === '' && resource === Namespaces.plural

const configurations = new Set(['mutatingwebhookconfigurations', 'validatingwebhookconfigurations', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings', 'validatingadmissionpolicies', 'validatingadmissionpolicybindings'])

/** What decides about admission is not itself subject to it: nobody could repair it otherwise. */
export const isExempt = ({ kind }: Pick<AdmissionAttributes, 'kind'>): boolean => kind.group === 'admissionregistration.k8s.io' && configurations.has(kind.plural)

/** As upstream: requests for a namespace itself are in it, but for its creation. */
export const namespaceOf = ({ kind, namespace, name, operation }: Pick<AdmissionAttributes, 'kind' | 'namespace' | 'name' | 'operation'>): string =>
  (kind.group === '' && kind.plural === Namespaces.plural && operation !== 'CREATE' ? name : namespace)

const fitsScope = (scope: string | undefined, resource: ResourceName, namespace: string): boolean => {
  if (scope === undefined || scope === '*') return true
  const clusterScoped = isNamespaces(resource) || namespace === ''
  return scope === 'Cluster' ? clusterScoped : !clusterScoped
}

const has = (list: readonly string[] | undefined, value: string): boolean => (list ?? []).some((each) => each === '*' || each === value)

/** `pods` means the resource alone, with a slash and an asterisk all its subresources, too. */
const fitsResource = (pattern: string, { resource }: ResourceName, subresource: string): boolean => {
  const slash = pattern.indexOf('/')
  const [name, below] = slash < 0 ? [pattern, ''] : [pattern.slice(0, slash), pattern.slice(slash + 1)]
  return (name === '*' || name === resource) && (below === '*' || below === subresource)
}

export interface RuledRequest { resource: ResourceName; subresource: string; operation: string; namespace: string }

export const ruleMatches = (rule: RuleWithOperations, { resource, subresource, operation, namespace }: RuledRequest): boolean =>
  fitsScope(rule.scope, resource, namespace) && has(rule.operations, operation) && has(rule.apiGroups, resource.group) && has(rule.apiVersions, resource.version)
  && (rule.resources ?? []).some((pattern) => fitsResource(pattern, resource, subresource))

/** Whether the namespace of a request is selected. Throws 404 where it does not exist. */
export const namespaceMatches = (selector: Selector, attributes: AdmissionAttributes, lookup: Lookup): boolean => {
  const { kind, operation, subresource, object } = attributes
  const ofNamespaces = isNamespaces({ group: kind.group, resource: kind.plural })
  const name = namespaceOf(attributes)
  if (isEverything(selector) || (name === '' && !ofNamespaces)) return true
  if (ofNamespaces && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE')) return selectorMatches(selector, object?.metadata.labels)
  const namespace = lookup.get(Namespaces, name)
  if (!namespace) throw notFound(Namespaces, name)
  return selectorMatches(selector, namespace.metadata.labels)
}

const labelsMatch = (selector: Selector, object: Partial<KubeObject> | undefined): boolean => object?.metadata !== undefined && selectorMatches(selector, object.metadata.labels)

/** Whether the object is selected, as it is or as it was. */
export const objectMatches = (selector: Selector, { object, oldObject }: Pick<AdmissionAttributes, 'object' | 'oldObject'>): boolean =>
  isEverything(selector) || labelsMatch(selector, object) || labelsMatch(selector, oldObject)
