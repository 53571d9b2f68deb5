/** StorageClasses. Mirrors upstream's `pkg/registry/storage/storageclass/strategy.go`, SetDefaults_StorageClass and ValidateStorageClass. */
import { deepEqual } from '../../../api/equal.ts'
import { StorageClasses } from '../../../api/kinds.ts'
import { isLabelValue } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { StorageClass, TopologySelectorTerm } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkEach, checkImmutable, checkOneOf, checkOptionalOneOf, invalids } from '../field-checks.ts'
import { checkLabelName } from '../label-checks.ts'
import { keyedLabelWarning } from '../node-label-warnings.ts'
import type { Strategy } from '../strategy.ts'
import { checkParameters, checkProvisioner } from './parameters-validation.ts'

const defaultAnnotations = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

/** Whether claims that name no class get this one. */
export const isDefaultStorageClass = ({ metadata: { annotations } }: StorageClass): boolean => defaultAnnotations.some((annotation) => annotations?.[annotation] === 'true')

const checkTerm = (path: string, { matchLabelExpressions }: TopologySelectorTerm): FieldError[] => {
  const keys = new Set<string>()
  return checkEach(`${path}.matchLabelExpressions`, matchLabelExpressions, ({ key = '', values = [] }, at) => {
    const twice = keys.has(key)
    keys.add(key)
    const seen = new Set<string>()
    return [
      ...(values.length === 0 ? [fieldError.required(`${at}.values`)] : []),
      ...checkEach(`${at}.values`, values, (value, valuePath) => {
        const again = seen.has(value)
        seen.add(value)
        return again ? [fieldError.duplicate(valuePath, value)] : invalids(valuePath, value, isLabelValue(value))
      }),
      ...(twice ? [fieldError.duplicate(`${at}.key`, key)] : []),
      ...checkLabelName(`${at}.key`, key),
    ]
  })
}

/** What a term means, whatever order it says it in. */
const meaning = ({ matchLabelExpressions = [] }: TopologySelectorTerm): unknown =>
  Object.fromEntries(matchLabelExpressions.map(({ key, values }) => [key, [...(values ?? [])].sort()]))

const checkTopologies = (path: string, terms: readonly TopologySelectorTerm[]): FieldError[] => checkEach(path, terms, (term, at, index) => [
  ...checkTerm(at, term),
  ...(terms.slice(0, index).some((before) => deepEqual(meaning(before), meaning(term))) ? [fieldError.duplicate(`${at}.matchLabelExpressions`, '')] : []),
])

const check = ({ provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies = [] }: StorageClass): FieldError[] => [
  ...checkProvisioner('provisioner', provisioner ?? ''),
  ...checkParameters('parameters', parameters, { mayBeEmpty: true }),
  ...(reclaimPolicy ? checkOptionalOneOf('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']) : []),
  ...checkOneOf('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']),
  ...checkTopologies('allowedTopologies', allowedTopologies),
]

const checkUpdate = (next: StorageClass, old: StorageClass): FieldError[] => [
  ...(['parameters', 'provisioner', 'reclaimPolicy'] as const).filter((field) => !deepEqual(next[field] ?? {}, old[field] ?? {})).map((field) => fieldError.forbidden(field, `updates to ${field} are forbidden.`)),
  ...checkImmutable('volumeBindingMode', next.volumeBindingMode, old.volumeBindingMode),
]

export const storageClassStrategy: Strategy<StorageClass> = {
  kind: StorageClasses,
  returnsDeletedObject: true,
  setDefaults(storageClass) {
    storageClass.reclaimPolicy ??= 'Delete'
    storageClass.volumeBindingMode ??= 'Immediate'
  },
  validate: check,
  warnings: ({ allowedTopologies = [] }) => allowedTopologies.flatMap(({ matchLabelExpressions = [] }, index) => matchLabelExpressions.flatMap(({ key }, at) => keyedLabelWarning(`allowedTopologies[${index}].matchLabelExpressions[${at}].key`, key))),
  validateUpdate: checkUpdate,
  columns: [
    { ...nameColumn, value: (storageClass) => (isDefaultStorageClass(storageClass as StorageClass) ? `${storageClass.metadata.name} (default)` : storageClass.metadata.name) },
    { name: 'Provisioner', type: 'string', description: 'Who makes the volumes.', value: ({ provisioner }) => provisioner ?? '' },
    { name: 'ReclaimPolicy', type: 'string', description: 'What becomes of a volume whose claim is gone.', value: ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete' },
    { name: 'VolumeBindingMode', type: 'string', description: 'Whether volumes are made at once, or when a pod needs them.', value: ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate' },
    { name: 'AllowVolumeExpansion', type: 'string', description: 'Whether claims may grow.', value: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false },
    ageColumn,
  ],
}
