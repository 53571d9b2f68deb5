/** Deployments. Mirrors upstream's `pkg/registry/apps/deployment/strategy.go` and SetDefaults_Deployment. */
import { Deployments } from '../../../api/kinds.ts'
import { formatSelector, selectorFromObject } from '../../../api/selector.ts'
import type { Deployment } from '../../../api/types.ts'
import { ageColumn, nameColumn, workloadColumns } from '../columns.ts'
import { setPodTemplateDefaults } from '../core/pod-spec-defaults.ts'
import { sameGeneration, workloadWarnings } from '../core/pod-warnings.ts'
import { checkImmutable } from '../field-checks.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { checkDeploymentSpec, checkDeploymentStatus } from './deployment-validation.ts'

const setDefaults = (deployment: Deployment): void => {
  const spec = (deployment.spec ??= {} as Deployment['spec'])
  deployment.status ??= {}
  spec.replicas ??= 1
  spec.strategy ??= {}
  spec.strategy.type ||= 'RollingUpdate'
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {}
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%'
    spec.strategy.rollingUpdate.maxSurge ??= '25%'
  }
  spec.revisionHistoryLimit ??= 10
  spec.progressDeadlineSeconds ??= 600
  spec.template ??= {} as Deployment['spec']['template']
  setPodTemplateDefaults(spec.template)
}

export const deploymentStrategy: Strategy<Deployment> = {
  kind: Deployments,
  setDefaults,
  prepareForCreate(deployment) { deployment.status = {} },
  validate: ({ spec }) => checkDeploymentSpec(spec),
  prepareForUpdate(next, old) { next.status = old.status },
  validateUpdate: ({ spec }, old) => [...checkDeploymentSpec(spec), ...checkImmutable('spec.selector', spec.selector, old.spec.selector)],
  // Annotations count too: the controller copies them to its ReplicaSets.
  warnings: ({ metadata, spec }, _context, old) => (sameGeneration(metadata, old) ? [] : workloadWarnings(metadata.name, 'spec.template', spec.template)),
  generationOf: ({ spec, metadata }) => [spec, metadata.annotations],
  columns: [
    nameColumn,
    { name: 'Ready', type: 'string', description: 'Number of the pod with ready state', value: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}` },
    { name: 'Up-to-date', type: 'string', description: 'How many pods have the template that is wanted.', value: ({ status }) => status.updatedReplicas ?? 0 },
    { name: 'Available', type: 'string', description: 'How many pods have been ready for long enough.', value: ({ status }) => status.availableReplicas ?? 0 },
    ageColumn,
    ...workloadColumns,
  ],
  subresources: { status: statusSubresource({ keepLabels: true, validate: (next, old) => checkDeploymentStatus(next.status, old.status) }) },
  scale: {
    getReplicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(deployment, replicas) { deployment.spec.replicas = replicas },
    getStatusReplicas: ({ status }) => status.replicas ?? 0,
    getSelector: ({ spec }) => formatSelector(selectorFromObject(spec.selector)),
  },
}
