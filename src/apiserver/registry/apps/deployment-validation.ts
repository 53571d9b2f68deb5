/** Mirrors ValidateDeployment and ValidateDeploymentStatus of upstream's `pkg/apis/apps/validation`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { DeploymentSpec, DeploymentStatus, DeploymentStrategy, RollingUpdateDeployment } from '../../../api/types.ts'
import { checkAtMost100Percent, checkIntOrPercent, checkNonNegative, intOrPercentValue } from '../field-checks.ts'
import { checkCollisionCount, checkReplicaCounts, checkSelectorAndTemplate } from './template-checks.ts'

const checkRollingUpdate = (path: string, { maxUnavailable = 0, maxSurge = 0 }: RollingUpdateDeployment): FieldError[] => [
  ...checkIntOrPercent(`${path}.maxUnavailable`, maxUnavailable),
  ...checkIntOrPercent(`${path}.maxSurge`, maxSurge),
  ...(intOrPercentValue(maxUnavailable) === 0 && intOrPercentValue(maxSurge) === 0 ? [fieldError.invalid(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0')] : []),
  ...checkAtMost100Percent(`${path}.maxUnavailable`, maxUnavailable),
]

const checkStrategy = (path: string, strategy: DeploymentStrategy): FieldError[] => {
  switch (strategy.type) {
    case 'Recreate': return strategy.rollingUpdate ? [fieldError.forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")] : []
    case 'RollingUpdate': return strategy.rollingUpdate ? checkRollingUpdate(`${path}.rollingUpdate`, strategy.rollingUpdate) : [fieldError.required(`${path}.rollingUpdate`, 'this should be defaulted and never be nil')]
    default: return [fieldError.notSupported(path, strategy, ['Recreate', 'RollingUpdate'])]
  }
}

export const checkDeploymentSpec = (spec: DeploymentSpec): FieldError[] => {
  const { progressDeadlineSeconds, minReadySeconds = 0 } = spec
  return [
    ...checkNonNegative('spec.replicas', spec.replicas),
    ...checkSelectorAndTemplate('spec', spec),
    ...checkStrategy('spec.strategy', spec.strategy ?? {}),
    ...checkNonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...checkNonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...checkNonNegative('spec.progressDeadlineSeconds', progressDeadlineSeconds),
    ...(progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds ? [fieldError.invalid('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds')] : []),
  ]
}

export const checkDeploymentStatus = (next: DeploymentStatus, old: DeploymentStatus): FieldError[] => [
  ...checkReplicaCounts(next, ['observedGeneration', 'replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas', 'terminatingReplicas'], ['updatedReplicas', 'readyReplicas', 'availableReplicas']),
  ...checkCollisionCount(next.collisionCount, old.collisionCount),
]
