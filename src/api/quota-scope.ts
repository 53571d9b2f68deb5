/** Which pods and claims a quota's scopes mean. Mirrors upstream's `pkg/quota/v1/evaluator/core` (podMatchesScopeFunc, pvcMatchesScopeFunc). Pure. */
import type { PersistentVolumeClaim, Pod, PodAffinityTerm, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from './types.ts'

const podCounts: ReadonlySet<string> = new Set(['pods'])
const podCompute: ReadonlySet<string> = new Set(['pods', 'cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'])
const claims: ReadonlySet<string> = new Set(['persistentvolumeclaims', 'requests.storage'])

const scopes: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['Terminating', podCompute], ['NotTerminating', podCompute], ['BestEffort', podCounts], ['NotBestEffort', podCompute], ['PriorityClass', podCompute], ['CrossNamespacePodAffinity', podCompute],
  ['VolumeAttributesClass', claims],
])

/** Whether it is one of Kubernetes' scopes. */
export const isQuotaScope = (scope: string): boolean => scopes.has(scope)

/** Whether a quota with this scope may limit the resource. Scopes that are none apply to all. */
export const scopeAppliesTo = (scope: string, resource: string): boolean => scopes.get(scope)?.has(resource) ?? true

/** Both ways of naming scopes as one list. */
export const scopeRequirements = ({ scopes: named = [], scopeSelector }: ResourceQuotaSpec): ScopedResourceSelectorRequirement[] =>
  [...named.map((scopeName) => ({ scopeName, operator: 'Exists' })), ...(scopeSelector?.matchExpressions ?? [])]

const affinityTerms = ({ spec }: Pod): PodAffinityTerm[] => {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
  return [podAffinity, podAntiAffinity].flatMap((each) => [
    ...(each?.requiredDuringSchedulingIgnoredDuringExecution ?? []), ...(each?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ])
}

const isTerminating = ({ spec }: Pod): boolean => spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0
const isBestEffort = ({ status }: Pod, quality: string): boolean => (status.qosClass ?? quality) === 'BestEffort'
const crossesNamespaces = (pod: Pod): boolean => affinityTerms(pod).some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined)

/** A requirement about names, of which there may be none. */
const namesMatch = (names: readonly string[], { operator, values = [] }: ScopedResourceSelectorRequirement): boolean => {
  const found = names.some((name) => values.includes(name))
  switch (operator) {
    case 'Exists': return names.length > 0
    case 'DoesNotExist': return names.length === 0
    case 'In': return found
    case 'NotIn': return !found
    default: return false
  }
}

/** `quality` is the pod's class of service, where its status does not say. */
export const podInScope = (pod: Pod, quality: string, requirement: ScopedResourceSelectorRequirement): boolean => {
  switch (requirement.scopeName) {
    case 'Terminating': return isTerminating(pod)
    case 'NotTerminating': return !isTerminating(pod)
    case 'BestEffort': return isBestEffort(pod, quality)
    case 'NotBestEffort': return !isBestEffort(pod, quality)
    case 'PriorityClass': return namesMatch(pod.spec.priorityClassName ? [pod.spec.priorityClassName] : [], requirement)
    case 'CrossNamespacePodAffinity': return crossesNamespaces(pod)
    default: return false
  }
}

export const claimInScope = ({ spec, status }: PersistentVolumeClaim, requirement: ScopedResourceSelectorRequirement): boolean => {
  if (requirement.scopeName !== 'VolumeAttributesClass') return false
  const names = [spec.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName].filter((name) => name !== undefined && name !== '')
  return namesMatch(names as string[], requirement)
}
