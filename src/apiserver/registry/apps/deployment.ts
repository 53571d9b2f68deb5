import { Deployments } from '../../../api/kinds.ts'
import { formatSelector, selectorFromObject } from '../../../api/selector.ts'
import type { Deployment } from '../../../api/types.ts'
import { ageColumn, nameColumn, workloadColumns } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

export const deploymentStrategy: Strategy<Deployment> = {
  kind: Deployments,
  columns: [
    nameColumn,
    { name: 'Ready', type: 'string', description: 'Number of the pod with ready state', value: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}` },
    { name: 'Up-to-date', type: 'string', description: 'How many pods have the template that is wanted.', value: ({ status }) => status.updatedReplicas ?? 0 },
    { name: 'Available', type: 'string', description: 'How many pods have been ready for long enough.', value: ({ status }) => status.availableReplicas ?? 0 },
    ageColumn,
    ...workloadColumns,
  ],
  scale: {
    getReplicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(deployment, replicas) { deployment.spec.replicas = replicas },
    getStatusReplicas: ({ status }) => status.replicas ?? 0,
    getSelector: ({ spec }) => formatSelector(selectorFromObject(spec.selector)),
  },
}
