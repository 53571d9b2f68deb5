/** ReplicaSets. Mirrors upstream's `pkg/registry/apps/replicaset/strategy.go`, SetDefaults_ReplicaSet and ValidateReplicaSet. */
import { ReplicaSets } from '../../../api/kinds.ts'
import { formatSelector, selectorFromObject } from '../../../api/selector.ts'
import type { FieldError } from '../../../api/status.ts'
import type { ReplicaSet } from '../../../api/types.ts'
import { ageColumn, nameColumn, workloadColumns } from '../columns.ts'
import { setPodTemplateDefaults } from '../core/pod-spec-defaults.ts'
import { sameGeneration, workloadWarnings } from '../core/pod-warnings.ts'
import { checkImmutable, checkNonNegative } from '../field-checks.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { checkReplicaCounts, checkSelectorAndTemplate } from './template-checks.ts'

const checkSpec = ({ spec }: ReplicaSet): FieldError[] => [
  ...checkNonNegative('spec.replicas', spec.replicas),
  ...checkNonNegative('spec.minReadySeconds', spec.minReadySeconds),
  ...checkSelectorAndTemplate('spec', spec),
]

const counters = ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'terminatingReplicas', 'observedGeneration'] as const

export const replicaSetStrategy: Strategy<ReplicaSet> = {
  kind: ReplicaSets,
  setDefaults(replicaSet) {
    replicaSet.spec ??= {} as ReplicaSet['spec']
    replicaSet.status ??= { replicas: 0 }
    replicaSet.spec.replicas ??= 1
    replicaSet.spec.template ??= {}
    setPodTemplateDefaults(replicaSet.spec.template)
  },
  prepareForCreate(replicaSet) { replicaSet.status = { replicas: 0 } },
  validate: checkSpec,
  prepareForUpdate(next, old) { next.status = old.status },
  validateUpdate: (next, old) => [...checkSpec(next), ...checkImmutable('spec.selector', next.spec.selector, old.spec.selector)],
  warnings: ({ metadata, spec }, _context, old) => (sameGeneration(metadata, old) ? [] : workloadWarnings(metadata.name, 'spec.template', spec.template)),
  generationOf: ({ spec }) => spec,
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', description: 'How many pods are wanted.', value: ({ spec }) => spec.replicas ?? 0 },
    { name: 'Current', type: 'integer', description: 'How many pods there are.', value: ({ status }) => status.replicas ?? 0 },
    { name: 'Ready', type: 'integer', description: 'How many pods are ready.', value: ({ status }) => status.readyReplicas ?? 0 },
    ageColumn,
    ...workloadColumns,
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status.replicas ?? 0) },
  subresources: { status: statusSubresource({ validate: ({ status }) => checkReplicaCounts(status, counters, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas']) }) },
  scale: {
    getReplicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(replicaSet, replicas) { replicaSet.spec.replicas = replicas },
    getStatusReplicas: ({ status }) => status.replicas ?? 0,
    getSelector: ({ spec }) => formatSelector(selectorFromObject(spec.selector)),
  },
}
