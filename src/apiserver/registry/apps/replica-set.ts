import { ReplicaSets } from '../../../api/kinds.ts'
import { formatSelector, selectorFromObject } from '../../../api/selector.ts'
import type { ReplicaSet } from '../../../api/types.ts'
import { ageColumn, nameColumn, workloadColumns } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

export const replicaSetStrategy: Strategy<ReplicaSet> = {
  kind: ReplicaSets,
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', description: 'How many pods are wanted.', value: ({ spec }) => spec.replicas ?? 0 },
    { name: 'Current', type: 'integer', description: 'How many pods there are.', value: ({ status }) => status.replicas ?? 0 },
    { name: 'Ready', type: 'integer', description: 'How many pods are ready.', value: ({ status }) => status.readyReplicas ?? 0 },
    ageColumn,
    ...workloadColumns,
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status.replicas ?? 0) },
  scale: {
    getReplicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(replicaSet, replicas) { replicaSet.spec.replicas = replicas },
    getStatusReplicas: ({ status }) => status.replicas ?? 0,
    getSelector: ({ spec }) => formatSelector(selectorFromObject(spec.selector)),
  },
}
