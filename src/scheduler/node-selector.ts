/** Whether a node is one that a pod asks for. Mirrors component-helpers `scheduling/corev1/nodeaffinity`. */
import { requirement, requirementMatches, type Requirement, SelectorError, type SelectorOperator } from '../api/requirement.ts'
import type { NodeSelectorRequirement, NodeSelectorTerm, Pod } from '../api/types.ts'
import type { NodeInfo } from './node-info.ts'

const operators: Readonly<Record<string, SelectorOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!', Gt: 'gt', Lt: 'lt' }

const parsed = new WeakMap<NodeSelectorRequirement, Requirement>()

const parse = (of: NodeSelectorRequirement): Requirement => {
  const before = parsed.get(of)
  if (before) return before
  const operator = Object.hasOwn(operators, of.operator) ? operators[of.operator] : undefined
  if (!operator) throw new SelectorError(`${JSON.stringify(of.operator)} is not a valid node selector operator`)
  const made = requirement(of.key, operator, of.values ?? [])
  parsed.set(of, made)
  return made
}

/** All expressions and fields of the term must hold; a term without any matches nothing. */
export const nodeMatchesTerm = ({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: NodeInfo): boolean =>
  matchExpressions.length + matchFields.length > 0
    && matchExpressions.every((each) => requirementMatches(parse(each), node.labels))
    && matchFields.every((each) => requirementMatches(parse(each), { 'metadata.name': node.name }))

/** `spec.nodeSelector` and the required node affinity, whose terms are alternatives. */
export const nodeIsRequired = ({ spec: { nodeSelector, affinity } }: Pod, node: NodeInfo): boolean => {
  for (const [key, value] of Object.entries(nodeSelector ?? {})) if (node.labels[key] !== value) return false
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  return !terms || terms.some((term) => nodeMatchesTerm(term, node))
}

/** The only nodes that the pod's affinity names (`matchFields` on metadata.name in every alternative), or undefined: a DaemonSet's pod names one. */
export const namedNodes = ({ spec: { affinity } }: Pod): ReadonlySet<string> | undefined => {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (!terms || terms.length === 0) return undefined
  const named = new Set<string>()
  for (const { matchFields = [] } of terms) {
    const sets = matchFields.filter(({ key, operator }) => key === 'metadata.name' && operator === 'In').map(({ values = [] }) => new Set(values))
    const [first, ...others] = sets
    if (!first) return undefined
    for (const name of first) if (others.every((other) => other.has(name))) named.add(name)
  }
  return named
}
