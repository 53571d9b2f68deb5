/** PriorityClasses. Mirrors upstream's `pkg/apis/scheduling/validation` and SetDefaults_PriorityClass. */
import { PriorityClasses } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { PriorityClass } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkImmutable, checkOneOf } from '../field-checks.ts'
import type { Strategy } from '../strategy.ts'

const systemPrefix = 'system-'
const highestUserValue = 1_000_000_000

/** The classes that only the system defines, and their values. */
const systemClasses: Readonly<Record<string, number>> = { 'system-node-critical': 2_000_001_000, 'system-cluster-critical': 2_000_000_000 }

const systemProblem = ({ metadata: { name }, value, globalDefault }: PriorityClass): string => {
  if (!Object.hasOwn(systemClasses, name)) return `${name} is not a known system priority class`
  if (value !== systemClasses[name]) return `value of ${name} PriorityClass must be ${systemClasses[name]}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : ''
}

const check = (priorityClass: PriorityClass): FieldError[] => {
  const { metadata: { name }, value = 0, preemptionPolicy } = priorityClass
  const policy = checkOneOf('preemptionPolicy', preemptionPolicy, ['PreemptLowerPriority', 'Never'])
  if (!name.startsWith(systemPrefix)) return [...(value > highestUserValue ? [fieldError.forbidden('value', `maximum allowed value of a user defined priority is ${highestUserValue}`)] : []), ...policy]
  const problem = systemProblem(priorityClass)
  return [...(problem ? [fieldError.forbidden('metadata.name', `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${problem}`)] : []), ...policy]
}

export const priorityClassStrategy: Strategy<PriorityClass> = {
  kind: PriorityClasses,
  setDefaults(priorityClass) {
    priorityClass.value ??= 0
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  validate: check,
  validateUpdate: (next, old) => [
    ...((next.value ?? 0) === (old.value ?? 0) ? [] : [fieldError.forbidden('value', 'may not be changed in an update.')]),
    ...checkImmutable('preemptionPolicy', next.preemptionPolicy, old.preemptionPolicy),
  ],
  generationOf: ({ value }) => value,
  columns: [
    nameColumn,
    { name: 'Value', type: 'integer', description: 'The priority that pods of this class get.', value: ({ value }) => value ?? 0 },
    { name: 'Global-Default', type: 'boolean', description: 'Whether pods that name no class get this one.', value: ({ globalDefault }) => globalDefault ?? false },
    ageColumn,
    { name: 'PreemptionPolicy', type: 'string', description: 'Whether pods of this class may push out others.', value: ({ preemptionPolicy }) => preemptionPolicy ?? '' },
  ],
}
