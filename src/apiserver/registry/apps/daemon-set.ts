/** DaemonSets. Mirrors upstream's `pkg/registry/apps/daemonset/strategy.go` and SetDefaults_DaemonSet. */
import { semanticEqual } from '../../../api/equal.ts'
import { DaemonSets } from '../../../api/kinds.ts'
import type { DaemonSet, DaemonSetStatus } from '../../../api/types.ts'
import { ageColumn, nameColumn, workloadColumns } from '../columns.ts'
import { setPodTemplateDefaults } from '../core/pod-spec-defaults.ts'
import { sameGeneration, workloadWarnings } from '../core/pod-warnings.ts'
import { checkImmutable } from '../field-checks.ts'
import { formatLabels } from '../format-selector.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { checkDaemonSetSpec, checkDaemonSetStatus } from './daemon-set-validation.ts'

/** Counts the changes of the template; kept for controllers and clients of the time before ControllerRevisions. */
const templateGeneration = 'deprecated.daemonset.template.generation'

const emptyStatus = (): DaemonSetStatus => ({ currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 })

const generationIn = ({ metadata }: DaemonSet): number => Math.max(Number.parseInt(metadata.annotations?.[templateGeneration] ?? '', 10) || 0, 1)

const setTemplateGeneration = (daemonSet: DaemonSet, generation: number): void => {
  daemonSet.metadata.annotations = { ...daemonSet.metadata.annotations, [templateGeneration]: String(generation) }
}

const setDefaults = (daemonSet: DaemonSet): void => {
  const spec = (daemonSet.spec ??= {} as DaemonSet['spec'])
  daemonSet.status ??= emptyStatus()
  spec.updateStrategy ??= {}
  spec.updateStrategy.type ||= 'RollingUpdate'
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {}
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0
  }
  spec.revisionHistoryLimit ??= 10
  spec.template ??= {} as DaemonSet['spec']['template']
  setPodTemplateDefaults(spec.template)
}

export const daemonSetStrategy: Strategy<DaemonSet> = {
  kind: DaemonSets,
  setDefaults,
  prepareForCreate(daemonSet) {
    daemonSet.status = emptyStatus()
    setTemplateGeneration(daemonSet, generationIn(daemonSet))
  },
  validate: ({ spec }) => checkDaemonSetSpec(spec),
  prepareForUpdate(next, old) {
    next.status = old.status
    setTemplateGeneration(next, generationIn(old) + (semanticEqual(next.spec.template, old.spec.template) ? 0 : 1))
  },
  validateUpdate: ({ spec }, old) => [...checkDaemonSetSpec(spec), ...checkImmutable('spec.selector', spec.selector, old.spec.selector)],
  warnings: ({ metadata, spec }, _context, old) => (sameGeneration(metadata, old) ? [] : workloadWarnings(metadata.name, 'spec.template', spec.template)),
  generationOf: ({ spec }) => spec,
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', description: 'How many nodes should run the pod.', value: ({ status }) => status.desiredNumberScheduled ?? 0 },
    { name: 'Current', type: 'integer', description: 'How many nodes that should run the pod have one.', value: ({ status }) => status.currentNumberScheduled ?? 0 },
    { name: 'Ready', type: 'integer', description: 'How many nodes have a ready pod.', value: ({ status }) => status.numberReady ?? 0 },
    { name: 'Up-to-date', type: 'integer', description: 'How many nodes have a pod of the template that is wanted.', value: ({ status }) => status.updatedNumberScheduled ?? 0 },
    { name: 'Available', type: 'integer', description: 'How many nodes have a pod that has been ready for long enough.', value: ({ status }) => status.numberAvailable ?? 0 },
    { name: 'Node Selector', type: 'string', description: 'The labels of the nodes that should run the pod.', value: ({ spec }) => formatLabels(spec.template.spec?.nodeSelector) },
    ageColumn,
    ...workloadColumns,
  ],
  subresources: { status: statusSubresource({ validate: (next, old) => checkDaemonSetStatus(next.status, old.status) }) },
}
