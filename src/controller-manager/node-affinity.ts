/** Whether a node is one that a pod asks for. Mirrors k8s.io/component-helpers/scheduling/corev1/nodeaffinity. */
import { type Requirement, requirementMatches, type SelectorOperator } from '../api/requirement.ts'
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '../api/types.ts'

const operators: Readonly<Record<string, SelectorOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!', Gt: 'gt', Lt: 'lt' }

const matches = ({ key, operator, values = [] }: NodeSelectorRequirement, labels: Readonly<Record<string, string>>): boolean => {
  const known = Object.hasOwn(operators, operator) ? operators[operator] : undefined
  return known !== undefined && requirementMatches({ key, operator: known, values } satisfies Requirement, labels)
}

/** A term without requirements matches no node. */
const termMatches = ({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean => matchExpressions.length + matchFields.length > 0
  && matchExpressions.every((each) => matches(each, node.metadata.labels ?? {})) && matchFields.every((each) => matches(each, { 'metadata.name': node.metadata.name }))

export const fitsNode = ({ nodeSelector, affinity }: PodSpec, node: Node): boolean => {
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return Object.entries(nodeSelector ?? {}).every(([key, value]) => node.metadata.labels?.[key] === value) && (!required || required.nodeSelectorTerms.some((term) => termMatches(term, node)))
}
