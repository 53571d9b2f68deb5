/** StatefulSets. Mirrors upstream's `pkg/registry/apps/statefulset/strategy.go` and SetDefaults_StatefulSet. */
import { StatefulSets } from '../../../api/kinds.ts'
import { isDns1123Label } from '../../../api/names.ts'
import { formatSelector, selectorFromObject } from '../../../api/selector.ts'
import type { StatefulSet, StatefulSetStatus } from '../../../api/types.ts'
import { ageColumn, nameColumn, workloadColumns } from '../columns.ts'
import { setPodTemplateDefaults } from '../core/pod-spec-defaults.ts'
import { podWarnings, sameGeneration } from '../core/pod-warnings.ts'
import { statusSubresource } from '../status-subresource.ts'
import { fractionWarnings } from '../core/persistent-volume-columns.ts'
import type { Strategy } from '../strategy.ts'
import { checkStatefulSet, checkStatefulSetStatus, checkStatefulSetUpdate } from './stateful-set-validation.ts'
import { setClaimTemplateDefaults } from './volume-claim-templates.ts'

const emptyStatus = (): StatefulSetStatus => ({ replicas: 0, availableReplicas: 0 })

const setUpdateDefaults = (spec: StatefulSet['spec']): void => {
  spec.updateStrategy ??= {}
  spec.updateStrategy.type ||= 'RollingUpdate'
  if (spec.updateStrategy.type !== 'RollingUpdate') return
  spec.updateStrategy.rollingUpdate ??= {}
  spec.updateStrategy.rollingUpdate.partition ??= 0
  spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1
}

const setDefaults = (statefulSet: StatefulSet): void => {
  const spec = (statefulSet.spec ??= {} as StatefulSet['spec'])
  statefulSet.status ??= emptyStatus()
  statefulSet.status.replicas ??= 0
  statefulSet.status.availableReplicas ??= 0
  spec.podManagementPolicy ||= 'OrderedReady'
  setUpdateDefaults(spec)
  spec.persistentVolumeClaimRetentionPolicy ??= {}
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain'
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain'
  spec.replicas ??= 1
  spec.revisionHistoryLimit ??= 10
  spec.template ??= {} as StatefulSet['spec']['template']
  setPodTemplateDefaults(spec.template)
  spec.volumeClaimTemplates?.forEach(setClaimTemplateDefaults)
}

export const statefulSetStrategy: Strategy<StatefulSet> = {
  kind: StatefulSets,
  validateName: isDns1123Label,
  setDefaults,
  prepareForCreate(statefulSet) { statefulSet.status = emptyStatus() },
  validate: checkStatefulSet,
  prepareForUpdate(next, old) { next.status = old.status },
  validateUpdate: checkStatefulSetUpdate,
  warnings: ({ metadata, spec }, _context, old) => (sameGeneration(metadata, old) ? [] : [
    ...podWarnings('spec.template', spec.template),
    ...(spec.volumeClaimTemplates ?? []).flatMap((claim, index) => fractionWarnings(`spec.volumeClaimTemplates[${index}].resources.requests[storage]`, claim.spec?.resources?.requests?.['storage'])),
    ...(spec.revisionHistoryLimit !== undefined && spec.revisionHistoryLimit < 0 ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended'] : []),
  ]),
  generationOf: ({ spec }) => spec,
  columns: [
    nameColumn,
    { name: 'Ready', type: 'string', description: 'Number of the pod with ready state', value: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}` },
    ageColumn,
    ...workloadColumns.slice(0, 2),
  ],
  subresources: { status: statusSubresource({ validate: checkStatefulSetStatus }) },
  scale: {
    getReplicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(statefulSet, replicas) { statefulSet.spec.replicas = replicas },
    getStatusReplicas: ({ status }) => status.replicas ?? 0,
    getSelector: ({ spec }) => formatSelector(selectorFromObject(spec.selector)),
  },
}
