/** PodDisruptionBudgets. Mirrors upstream's `pkg/registry/policy/poddisruptionbudget/strategy.go` and ValidatePodDisruptionBudget. */
import { PodDisruptionBudgets } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkConditions } from '../condition-checks.ts'
import { checkAtMost100Percent, checkIntOrPercent, checkNonNegative, checkOptionalOneOf } from '../field-checks.ts'
import { checkLabelSelector } from '../label-checks.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'

const emptyStatus = (): PodDisruptionBudgetStatus => ({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 })

const counters = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const

const checkAmount = (path: string, value: number | string | undefined): FieldError[] => (value === undefined ? [] : [...checkIntOrPercent(path, value), ...checkAtMost100Percent(path, value)])

const checkSpec = (spec: PodDisruptionBudgetSpec): FieldError[] => [
  ...(spec.minAvailable !== undefined && spec.maxUnavailable !== undefined ? [fieldError.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')] : []),
  ...checkAmount('spec.minAvailable', spec.minAvailable),
  ...checkAmount('spec.maxUnavailable', spec.maxUnavailable),
  ...checkOptionalOneOf('spec.unhealthyPodEvictionPolicy', spec.unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget']),
  ...checkLabelSelector('spec.selector', spec.selector),
]

const checkStatus = ({ status }: PodDisruptionBudget): FieldError[] => [
  ...checkConditions('status.conditions', status.conditions),
  ...counters.flatMap((name) => checkNonNegative(`status.${name}`, status[name])),
]

export const podDisruptionBudgetStrategy: Strategy<PodDisruptionBudget> = {
  kind: PodDisruptionBudgets,
  // As upstream, which asks no more of the name than that it can stand in a path.
  validateName: () => [],
  setDefaults(budget) {
    budget.spec ??= {}
    budget.status = { ...emptyStatus(), ...budget.status }
  },
  prepareForCreate(budget) { budget.status = emptyStatus() },
  validate: ({ spec }) => checkSpec(spec),
  prepareForUpdate(next, old) { next.status = old.status },
  validateUpdate: ({ spec }) => checkSpec(spec),
  unconditionalUpdate: false,
  generationOf: ({ spec }) => spec,
  columns: [
    nameColumn,
    { name: 'Min Available', type: 'string', description: 'The minimum number of pods that must be available.', value: ({ spec }) => String(spec.minAvailable ?? 'N/A') },
    { name: 'Max Unavailable', type: 'string', description: 'The maximum number of pods that may be unavailable.', value: ({ spec }) => String(spec.maxUnavailable ?? 'N/A') },
    { name: 'Allowed Disruptions', type: 'integer', description: 'How many pods may be evicted now.', value: ({ status }) => status.disruptionsAllowed ?? 0 },
    ageColumn,
  ],
  subresources: { status: statusSubresource({ validate: checkStatus }) },
}
