/**
 * How much of which resources an object uses, as ResourceQuotas count it: for admission, which refuses what is too much, and for the
 * quota controller, which sums up what is there. Mirrors upstream's `pkg/quota/v1` and its evaluators. Pure.
 */
import { deviceSuffix, deviceUsage } from './claim-usage.ts'
import { groupResource, type Kind } from './kinds.ts'
import type { KubeObject } from './meta.ts'
import { addAmounts, amountsOf, type Amounts, podLimits, podRequests } from './pod-resources.ts'
import { compareQuantities, formatQuantity, isZero, quantityOf, roundUp, signOf, subtractQuantities } from './quantity.ts'
import { qualityOfService } from './quality-of-service.ts'
import { claimInScope, podInScope, scopeRequirements } from './quota-scope.ts'
import type { PersistentVolumeClaim, Pod, ResourceQuota, ResourceResourceClaim, Service } from './types.ts'

export { isQuotaScope, scopeAppliesTo, scopeRequirements } from './quota-scope.ts'
export { addAmounts, type Amounts, amountsOf } from './pod-resources.ts'

type Resource = Pick<Kind, 'group' | 'plural'>

const one = quantityOf(1)
const classSuffix = '.storageclass.storage.k8s.io/'

/** Kinds that a quota may count by their bare names, besides `count/...`. */
const countedByName: ReadonlySet<string> = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets'])

const podResources: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage', 'requests.cpu', 'requests.memory', 'requests.ephemeral-storage', 'limits.cpu', 'limits.memory', 'limits.ephemeral-storage', 'pods'])

const isHugePages = (name: string): boolean => name.startsWith('hugepages-')
const isExtended = (name: string): boolean => name.includes('/') && !name.includes('kubernetes.io/')

/** `cpu` counts as `cpu` and `requests.cpu`, its limit as `limits.cpu`, `example.com/gpu` as `requests.example.com/gpu`. */
const computeUsage = (requests: Amounts, limits: Amounts): Amounts => {
  const usage = new Map([['pods', one]])
  for (const [name, value] of requests) {
    const plain = name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || isHugePages(name)
    if (plain) usage.set(name, value)
    if (plain || isExtended(name)) usage.set(`requests.${name}`, value)
  }
  for (const [name, value] of limits) if (name === 'cpu' || name === 'memory' || name === 'ephemeral-storage') usage.set(`limits.${name}`, value)
  return usage
}

/** Whether a pod still holds something: not when it has ended, nor when it should have ended long ago and its node is lost. */
const isHeld = ({ metadata, status }: Pod, now: Date): boolean => {
  if (status.phase === 'Failed' || status.phase === 'Succeeded') return false
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true
  return now.getTime() <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000
}

const podUsage = (pod: Pod, now: Date): Amounts => (isHeld(pod, now) ? computeUsage(podRequests(pod, { useStatus: true }), podLimits(pod, { useStatus: true })) : new Map())

const serviceUsage = ({ spec }: Service): Amounts => {
  const ports = spec.ports ?? []
  const takesPorts = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  const nodePorts = spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort !== undefined && nodePort !== 0).length : ports.length
  return new Map([['services', one], ['services.nodeports', quantityOf(takesPorts ? nodePorts : 0)], ['services.loadbalancers', quantityOf(spec.type === 'LoadBalancer' ? 1 : 0)]])
}

const storageClassOf = ({ metadata, spec }: PersistentVolumeClaim): string => metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? ''

const claimUsage = (claim: PersistentVolumeClaim): Amounts => {
  const asked = amountsOf(claim.spec.resources?.requests).get('storage')
  const allocated = asked && amountsOf(claim.status?.allocatedResources).get('storage')
  const most = asked && allocated && compareQuantities(allocated, asked) > 0 ? allocated : asked
  const storage = most && roundUp(most, 0)
  const storageClass = storageClassOf(claim)
  return new Map([
    ['persistentvolumeclaims', one], ...(storage ? [['requests.storage', storage] as const] : []),
    ...(storageClass ? [[`${storageClass}${classSuffix}persistentvolumeclaims`, one] as const, ...(storage ? [[`${storageClass}${classSuffix}requests.storage`, storage] as const] : [])] : []),
  ])
}

const isDeviceClaim = ({ group, plural }: Resource): boolean => group === 'resource.k8s.io' && plural === 'resourceclaims'
const isCore = ({ group, plural }: Resource, name: string): boolean => group === '' && plural === name

/** What one object uses. `now` decides about pods that should be gone. */
export const usageOf = (resource: Resource, object: KubeObject, now: Date): Amounts => {
  const counted = new Map([[`count/${groupResource(resource)}`, one]])
  if (isCore(resource, 'pods')) return new Map([...counted, ...podUsage(object as Pod, now)])
  if (isCore(resource, 'services')) return new Map([...counted, ...serviceUsage(object as Service)])
  if (isCore(resource, 'persistentvolumeclaims')) return new Map([...counted, ...claimUsage(object as PersistentVolumeClaim)])
  if (isDeviceClaim(resource)) return new Map([...counted, ...deviceUsage(object as ResourceResourceClaim)])
  if (resource.group === '' && countedByName.has(resource.plural)) counted.set(resource.plural, one)
  return counted
}

const belongs = (resource: Resource, name: string): boolean => {
  if (name === `count/${groupResource(resource)}`) return true
  if (isDeviceClaim(resource)) return name.endsWith(deviceSuffix)
  if (resource.group !== '') return false
  switch (resource.plural) {
    case 'pods': return podResources.has(name) || isHugePages(name) || name.startsWith('requests.hugepages-') || (name.startsWith('requests.') && isExtended(name))
    case 'services': return name === 'services' || name === 'services.nodeports' || name === 'services.loadbalancers'
    case 'persistentvolumeclaims': return name === 'persistentvolumeclaims' || name === 'requests.storage' || name.endsWith(`${classSuffix}requests.storage`) || name.endsWith(`${classSuffix}persistentvolumeclaims`)
    default: return countedByName.has(resource.plural) && name === resource.plural
  }
}

/** Those of `names` that objects of this resource count for. */
export const quotaResources = (resource: Resource, names: readonly string[]): string[] => names.filter((name) => belongs(resource, name))

/** Whether the object lies within all scopes of the quota. Scopes that are not about its kind hold nothing of it. */
export const inScopes = (resource: Resource, object: KubeObject, { spec }: Pick<ResourceQuota, 'spec'>): boolean => scopeRequirements(spec).every((requirement) => {
  if (isCore(resource, 'pods')) return podInScope(object as Pod, qualityOfService((object as Pod).spec), requirement)
  return isCore(resource, 'persistentvolumeclaims') && claimInScope(object as PersistentVolumeClaim, requirement)
})

/** Only the amounts of those names. */
export const maskAmounts = (amounts: Amounts, names: readonly string[]): Amounts => new Map([...amounts].filter(([name]) => names.includes(name)))

/** left - right, nothing below zero; what `right` lacks stays. */
export const subtractAmounts = (left: Amounts, right: Amounts): Amounts => new Map([...left].map(([name, value]) => {
  const taken = right.get(name)
  const rest = taken ? subtractQuantities(value, taken) : value
  return [name, signOf(rest) < 0 ? quantityOf(0) : rest]
}))

export const withoutZeros = (amounts: Amounts): Amounts => new Map([...amounts].filter(([, value]) => !isZero(value)))

/** Names of which `used` has more than `hard` allows. */
export const exceededBy = (used: Amounts, hard: Amounts): string[] => [...used].filter(([name, value]) => {
  const limit = hard.get(name)
  return limit !== undefined && compareQuantities(value, limit) > 0
}).map(([name]) => name)

/** As an object's field: name → quantity. */
export const amountsAsList = (amounts: Amounts): Record<string, string> => Object.fromEntries([...amounts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, formatQuantity(value)]))

/** What all `objects` of a resource use that the quota is about: the part of `status.used` that this resource makes. Names without any use are there with 0. */
export const usedBy = (resource: Resource, objects: Iterable<KubeObject>, quota: Pick<ResourceQuota, 'spec'>, now: Date): Amounts => {
  const names = quotaResources(resource, Object.keys(quota.spec.hard ?? {}))
  let used: Amounts = new Map(names.map((name) => [name, quantityOf(0)]))
  if (names.length === 0) return used
  for (const object of objects) if (inScopes(resource, object, quota)) used = addAmounts(used, maskAmounts(usageOf(resource, object, now), names))
  return used
}

/** How a container of a pod counts by itself: which of the names that a quota requires it says something about. */
export const containerUsage = (resources: { requests?: Readonly<Record<string, string>> | undefined; limits?: Readonly<Record<string, string>> | undefined } | undefined): Amounts =>
  computeUsage(amountsOf(resources?.requests), amountsOf(resources?.limits))
