/**
 * `matchLabelKeys` and `mismatchLabelKeys` of pod affinity become expressions of the label selector when a pod is created, so that
 * schedulers need not know them. Mirrors mutatePodAffinity of upstream's `pkg/registry/core/pod/strategy.go`.
 */
import type { LabelSelectorRequirement, Pod, PodAffinity, PodAffinityTerm } from '../../../api/types.ts'

const resolveTerm = ({ labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] }: PodAffinityTerm, labels: Readonly<Record<string, string>>): void => {
  if (!labelSelector) return
  const expression = (operator: string) => (key: string): LabelSelectorRequirement[] => (Object.hasOwn(labels, key) ? [{ key, operator, values: [labels[key] ?? ''] }] : [])
  const added = [...matchLabelKeys.flatMap(expression('In')), ...mismatchLabelKeys.flatMap(expression('NotIn'))]
  if (added.length > 0) labelSelector.matchExpressions = [...(labelSelector.matchExpressions ?? []), ...added]
}

const resolveAffinity = (affinity: PodAffinity | undefined, labels: Readonly<Record<string, string>>): void => {
  affinity?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term) => resolveTerm(term, labels))
  affinity?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ podAffinityTerm }) => resolveTerm(podAffinityTerm, labels))
}

/** In place. */
export const resolveMatchLabelKeys = ({ metadata, spec }: Pod): void => {
  resolveAffinity(spec.affinity?.podAffinity, metadata.labels ?? {})
  resolveAffinity(spec.affinity?.podAntiAffinity, metadata.labels ?? {})
}
