import { DaemonSets } from '../../../api/kinds.ts'
import type { DaemonSet } from '../../../api/types.ts'
import { ageColumn, nameColumn, workloadColumns } from '../columns.ts'
import { formatLabels } from '../format-selector.ts'
import type { Strategy } from '../strategy.ts'

export const daemonSetStrategy: Strategy<DaemonSet> = {
  kind: DaemonSets,
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
}
