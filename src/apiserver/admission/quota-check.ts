/** What one request takes from the quotas of its namespace, and whether it may. Mirrors CheckRequest of upstream's `plugin/pkg/admission/resourcequota`. Pure. */
import { groupResource, PersistentVolumeClaims, Pods, Services } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { formatQuantity, signOf } from '../../api/quantity.ts'
import { addAmounts, type Amounts, amountsAsList, amountsOf, containerUsage, exceededBy, inScopes, maskAmounts, quotaResources, subtractAmounts, usageOf, withoutZeros } from '../../api/resource-usage.ts'
import { scopeRequirements } from '../../api/quota-scope.ts'
import type { Pod, ResourceQuota, ScopedResourceSelectorRequirement } from '../../api/types.ts'
import type { LimitedResource } from './configuration/quota-configuration.ts'
import type { AdmissionAttributes } from './plugin.ts'

/** Updates that may take more than before. */
const updatable = new Set([groupResource(Services), groupResource(PersistentVolumeClaims)])

// What is not stored, and events, which have never been counted.
const uncountedGroups = new Set(['authentication.k8s.io', 'authorization.k8s.io'])
const uncounted = new Set(['bindings', 'events', 'events.events.k8s.io'])

export const chargesQuota = ({ operation, kind, subresource }: AdmissionAttributes): boolean => {
  const resource = groupResource(kind)
  if (uncountedGroups.has(kind.group) || uncounted.has(resource)) return false
  if (subresource !== '') return operation === 'UPDATE' && subresource === 'resize' && resource === groupResource(Pods)
  return operation === 'CREATE' || (operation === 'UPDATE' && updatable.has(resource))
}

// Once upon a time quotas of these asked every container to name what it wants; they still do.
const demanded = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']

/** `must specify limits.cpu for: a,b; memory for: a`, or undefined. */
const missing = (pod: Pod, required: readonly string[]): string | undefined => {
  if (pod.spec.resources) return undefined
  const wanted = required.filter((name) => demanded.includes(name)).sort()
  const lines = wanted.flatMap((name) => {
    const without = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].filter(({ resources }) => !containerUsage(resources).has(name)).map((container) => container.name)
    return without.length > 0 ? [`${name} for: ${[...new Set(without)].sort().join(',')}`] : []
  })
  return lines.length > 0 ? `must specify ${lines.join('; ')}` : undefined
}

const show = (amounts: Amounts): string => Object.entries(amountsAsList(amounts)).map(([name, value]) => `${name}=${value}`).join(',')

/** What the request adds; nothing where an update takes no more than before. */
const takes = ({ kind, object, oldObject, operation }: AdmissionAttributes, now: Date): Amounts => {
  const usage = usageOf(kind, object as KubeObject, now)
  return withoutZeros(operation === 'UPDATE' && oldObject ? subtractAmounts(usage, usageOf(kind, oldObject, now)) : usage)
}

export interface Charge { quota: ResourceQuota; used: Record<string, string> }
export type QuotaVerdict = { refused: string } | { charges: readonly Charge[] }

const interested = (attributes: AdmissionAttributes, quotas: readonly ResourceQuota[]): { quota: ResourceQuota; names: string[] }[] => quotas
  .map((quota) => ({ quota, names: quotaResources(attributes.kind, Object.keys(quota.status.hard ?? {})) }))
  .filter(({ quota, names }) => names.length > 0 && inScopes(attributes.kind, attributes.object as KubeObject, quota))

const unfit = (attributes: AdmissionAttributes, quota: ResourceQuota, names: readonly string[]): string | undefined => {
  const { kind, object } = attributes
  const lacking = groupResource(kind) === groupResource(Pods) ? missing(object as Pod, names) : undefined
  if (lacking) return `failed quota: ${quota.metadata.name}: ${lacking}`
  const unknown = names.filter((name) => !Object.hasOwn(quota.status.used ?? {}, name))
  return unknown.length > 0 ? `status unknown for quota: ${quota.metadata.name}, resources: ${[...unknown, ...names.filter((name) => !unknown.includes(name))].sort().join(',')}` : undefined
}

const charge = (quota: ResourceQuota, delta: Amounts): { refused: string } | Charge => {
  const hard = amountsOf(quota.status.hard)
  const requested = maskAmounts(delta, [...hard.keys()])
  const before = amountsOf(quota.status.used)
  const used = addAmounts(before, requested)
  const exceeded = exceededBy(maskAmounts(used, [...requested.keys()]), hard)
  if (exceeded.length === 0) return { quota, used: amountsAsList(used) }
  const [asked, now, limit] = [requested, before, hard].map((amounts) => show(maskAmounts(amounts, exceeded)))
  return { refused: `exceeded quota: ${quota.metadata.name}, requested: ${asked}, used: ${now}, limited: ${limit}` }
}

const limitsOf = ({ kind }: AdmissionAttributes, limited: readonly LimitedResource[]): LimitedResource[] => limited.filter(({ apiGroup = '', resource }) => apiGroup === kind.group && resource === kind.plural)

/** Whether the request may be one that only quotas allow (LimitedResource). */
export const isLimited = (attributes: AdmissionAttributes, limited: readonly LimitedResource[]): boolean => limitsOf(attributes, limited).length > 0

const matchingScopes = ({ kind, object }: AdmissionAttributes, requirements: readonly ScopedResourceSelectorRequirement[]): ScopedResourceSelectorRequirement[] =>
  requirements.filter((requirement) => inScopes(kind, object as KubeObject, { spec: { scopeSelector: { matchExpressions: [requirement] } } }))

/** What is limited by default and not covered by any quota, in upstream's words. */
const uncovered = (attributes: AdmissionAttributes, { concerned, quotas, limited, now }: { concerned: ReturnType<typeof interested>; quotas: readonly ResourceQuota[]; limited: readonly LimitedResource[]; now: Date }): string | undefined => {
  const limits = limitsOf(attributes, limited)
  if (limits.length === 0) return undefined
  const patterns = limits.flatMap(({ matchContains = [] }) => matchContains)
  const covered = new Set(concerned.flatMap(({ names }) => names))
  const names = [...usageOf(attributes.kind, attributes.object as KubeObject, now).keys()].filter((name) => patterns.some((pattern) => name.includes(pattern)) && !covered.has(name))
  if (names.length > 0) return `insufficient quota to consume: ${names.sort().join(',')}`
  const restricted = new Set(quotas.flatMap(({ spec }) => matchingScopes(attributes, scopeRequirements(spec))).map(({ scopeName }) => scopeName))
  const scopes = limits.flatMap(({ matchScopes = [] }) => matchingScopes(attributes, matchScopes)).filter(({ scopeName }) => !restricted.has(scopeName))
  return scopes.length === 0 ? undefined : `insufficient quota to match these scopes: [${scopes.map(({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(' ')}]}`).join(' ')}]`
}

/** `quotas` are those of the namespace, with their status as the quota controller and earlier charges left it; `limited`: what only they allow. */
export const checkQuotas = (attributes: AdmissionAttributes, quotas: readonly ResourceQuota[], { now, limited = [] }: { now: Date; limited?: readonly LimitedResource[] }): QuotaVerdict => {
  const concerned = interested(attributes, quotas)
  const lacking = uncovered(attributes, { concerned, quotas, limited, now })
  for (const { quota, names } of concerned) {
    const refused = unfit(attributes, quota, names)
    if (refused !== undefined) return { refused }
  }
  if (lacking !== undefined) return { refused: lacking }
  const negative = [...usageOf(attributes.kind, attributes.object as KubeObject, now)].filter(([, value]) => signOf(formatQuantity(value)) < 0).map(([name]) => name)
  if (negative.length > 0) return { refused: `quota usage is negative for resource(s): ${negative.sort().join(',')}` }
  const delta = takes(attributes, now)
  const charges: Charge[] = []
  for (const { quota } of delta.size > 0 ? concerned : []) {
    const outcome = charge(quota, delta)
    if ('refused' in outcome) return outcome
    if ([...delta.keys()].some((name) => Object.hasOwn(quota.status.hard ?? {}, name))) charges.push(outcome)
  }
  return { charges }
}
