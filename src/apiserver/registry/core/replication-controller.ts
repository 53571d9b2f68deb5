/** ReplicationControllers. Mirrors upstream's `pkg/registry/core/replicationcontroller/strategy.go`, SetDefaults_ReplicationController and ValidateReplicationController. */
import { ReplicationControllers } from '../../../api/kinds.ts'
import { selectorFromLabels } from '../../../api/selector.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ReplicationController } from '../../../api/types.ts'
import { checkReplicaCounts } from '../apps/template-checks.ts'
import { ageColumn, nameColumn, workloadColumns } from '../columns.ts'
import { checkNonNegative } from '../field-checks.ts'
import { formatLabels } from '../format-selector.ts'
import { checkSelectorMatches } from '../label-checks.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { setPodTemplateDefaults } from './pod-spec-defaults.ts'
import { checkPodTemplate } from './pod-spec-validation.ts'
import { sameGeneration, workloadWarnings } from './pod-warnings.ts'

const isEmpty = (map: Readonly<Record<string, string>> | undefined): boolean => Object.keys(map ?? {}).length === 0

const setDefaults = (controller: ReplicationController): void => {
  const spec = (controller.spec ??= {})
  controller.status ??= { replicas: 0 }
  controller.status.replicas ??= 0
  const labels = spec.template?.metadata?.labels
  if (labels && isEmpty(spec.selector)) spec.selector = { ...labels }
  if (labels && isEmpty(controller.metadata.labels)) controller.metadata.labels = { ...labels }
  spec.replicas ??= 1
  if (spec.template) setPodTemplateDefaults(spec.template)
}

const checkTemplate = (path: string, { template, selector }: ReplicationController['spec']): FieldError[] => {
  if (!template) return [fieldError.required(path)]
  const { restartPolicy = '', activeDeadlineSeconds } = template.spec ?? {}
  return [
    ...checkSelectorMatches(path, selectorFromLabels(selector ?? {}), template.metadata?.labels),
    ...checkPodTemplate(path, template),
    ...(restartPolicy === 'Always' ? [] : [fieldError.notSupported(`${path}.spec.restartPolicy`, restartPolicy, ['Always'])]),
    ...(activeDeadlineSeconds === undefined ? [] : [fieldError.forbidden(`${path}.spec.activeDeadlineSeconds`, 'activeDeadlineSeconds in ReplicationController is not Supported')]),
  ]
}

const checkSpec = ({ spec }: ReplicationController): FieldError[] => [
  ...checkNonNegative('spec.minReadySeconds', spec.minReadySeconds),
  ...(isEmpty(spec.selector) ? [fieldError.required('spec.selector')] : []),
  ...checkNonNegative('spec.replicas', spec.replicas),
  ...checkTemplate('spec.template', spec),
]

const counters = ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'] as const

export const replicationControllerStrategy: Strategy<ReplicationController> = {
  kind: ReplicationControllers,
  orphansByDefault: {},
  setDefaults,
  prepareForCreate(controller) { controller.status = { replicas: 0 } },
  validate: checkSpec,
  prepareForUpdate(next, old) { next.status = old.status },
  validateUpdate: checkSpec,
  warnings: ({ metadata, spec }, _context, old) => (sameGeneration(metadata, old) ? [] : workloadWarnings(metadata.name, 'spec.template', spec.template)),
  generationOf: ({ spec }) => spec,
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', description: 'How many pods are wanted.', value: ({ spec }) => spec.replicas ?? 0 },
    { name: 'Current', type: 'integer', description: 'How many pods there are.', value: ({ status }) => status.replicas },
    { name: 'Ready', type: 'integer', description: 'How many pods are ready.', value: ({ status }) => status.readyReplicas ?? 0 },
    ageColumn,
    ...workloadColumns.slice(0, 2).map(({ value, ...column }) => ({ ...column, value: ({ metadata, spec }: ReplicationController, at: { now: Date }) => value({ metadata, spec: { template: spec.template } }, at) })),
    { name: 'Selector', type: 'string', priority: 1, description: 'The label query over the pods that belong to the object.', value: ({ spec }) => formatLabels(spec.selector) },
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status.replicas) },
  subresources: { status: statusSubresource({ validate: ({ status }) => checkReplicaCounts(status, counters, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas']) }) },
  scale: {
    getReplicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(controller, replicas) { controller.spec.replicas = replicas },
    getStatusReplicas: ({ status }) => status.replicas,
    getSelector: ({ spec }) => Object.entries(spec.selector ?? {}).map(([key, value]) => `${key}=${value}`).sort().join(','),
  },
}
