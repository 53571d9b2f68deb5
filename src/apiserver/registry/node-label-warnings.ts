/** Labels of nodes that have other names now: told to whoever still selects by them. Mirrors upstream's `pkg/api/node/util.go`. */
import { isLabelValue } from '../../api/names.ts'
import type { LabelSelector, NodeSelectorTerm } from '../../api/types.ts'

const oldLabels: ReadonlyMap<string, string> = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  ['failure-domain.beta.kubernetes.io/region', 'deprecated since v1.17; use "topology.kubernetes.io/region" instead'],
  ['failure-domain.beta.kubernetes.io/zone', 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ['beta.kubernetes.io/instance-type', 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'],
  ['app.kubernetes.io/created-by', 'deprecated since v1.9'],
  ['scheduler.alpha.kubernetes.io/preferAvoidPods', 'deprecated since v1.22; use Taints and Tolerations instead'],
  ['node-role.kubernetes.io/master', 'use "node-role.kubernetes.io/control-plane" instead'],
])

/** What is to be said of one label; nothing of most. */
export const nodeLabelWarning = (key: string): string | undefined => oldLabels.get(key)

/** The label stands at `path`, and is named. */
export const namedLabelWarning = (path: string, key: string): string[] => (oldLabels.has(key) ? [`${path}: ${key} is ${oldLabels.get(key)}`] : [])

/** The label itself is the last part of `path`. */
export const keyedLabelWarning = (path: string, key: string): string[] => (oldLabels.has(key) ? [`${path}: ${oldLabels.get(key)}`] : [])

/** `values`: also what cannot be a label's value, where that is no error. */
export const nodeSelectorTermWarnings = (path: string, { matchExpressions = [] }: NodeSelectorTerm, { values: withValues = false } = {}): string[] => matchExpressions.flatMap(({ key, values = [] }, index) => [
  ...namedLabelWarning(`${path}.matchExpressions[${index}].key`, key),
  ...(withValues ? values.flatMap((value, at) => isLabelValue(value).map((why) => `${path}.matchExpressions[${index}].values[${at}]: ${value} is invalid, ${why}`)) : []),
])

export const nodeSelectorWarnings = (path: string, { matchExpressions = [], matchLabels = {} }: LabelSelector = {}): string[] => [
  ...matchExpressions.flatMap(({ key }, index) => namedLabelWarning(`${path}.matchExpressions[${index}].key`, key)),
  ...Object.keys(matchLabels).flatMap((key) => keyedLabelWarning(`${path}.matchLabels.${key}`, key)),
]
