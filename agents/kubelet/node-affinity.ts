/** Whether a node is one of those that a pod, or a volume, asks for. Mirrors component-helpers/scheduling/corev1/nodeaffinity. Pure. */
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PersistentVolume, Pod } from '../../src/api/types.ts'

const holds = ({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean => {
  switch (operator) {
    case 'In': return value !== undefined && values.includes(value)
    case 'NotIn': return value === undefined || !values.includes(value)
    case 'Exists': return value !== undefined
    case 'DoesNotExist': return value === undefined
    case 'Gt': return value !== undefined && Number(value) > Number(values[0])
    case 'Lt': return value !== undefined && Number(value) < Number(values[0])
    default: return false
  }
}

const labelOf = (node: Node, key: string): string | undefined => (Object.hasOwn(node.metadata.labels ?? {}, key) ? node.metadata.labels?.[key] : undefined)

const matches = (node: Node, { matchExpressions = [], matchFields = [] }: NodeSelectorTerm): boolean => matchExpressions.length + matchFields.length > 0
  && matchExpressions.every((requirement) => holds(requirement, labelOf(node, requirement.key)))
  && matchFields.every((requirement) => holds(requirement, requirement.key === 'metadata.name' ? node.metadata.name : undefined))

/** Whether a PersistentVolume may be used on the node. Mirrors CheckNodeAffinity of pkg/volume/util. */
export const reachesNode = ({ spec }: PersistentVolume, node: Node): boolean => {
  const required = spec.nodeAffinity?.required
  return !required || required.nodeSelectorTerms.some((term) => matches(node, term))
}

export const wantsNode = (pod: Pod, node: Node): boolean => {
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labelOf(node, key) === value)
    && (!required || required.nodeSelectorTerms.some((term) => matches(node, term)))
}
