/** How far a rolling update may stray from the wanted number of pods. Mirrors pkg/controller/deployment/util/deployment_util.go. */
import type { Deployment } from '../../api/types.ts'
import { scaledValue } from '../int-or-percent.ts'

export const desiredReplicas = (deployment: Deployment): number => deployment.spec.replicas ?? 1

export const isRollingUpdate = (deployment: Deployment): boolean => (deployment.spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate'

/** Surge is rounded up, unavailability down; when both come to nothing (a small Deployment with percentages) one pod may be unavailable, else no update could begin. */
export const fenceposts = (maxSurge: number | string | undefined, maxUnavailable: number | string | undefined, desired: number): { surge: number; unavailable: number } => {
  const surge = scaledValue(maxSurge, desired, 'up')
  const unavailable = scaledValue(maxUnavailable, desired, 'down')
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable }
}

const limitsOf = (deployment: Deployment): { surge: number; unavailable: number } => {
  if (!isRollingUpdate(deployment)) return { surge: 0, unavailable: 0 }
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {}
  return fenceposts(maxSurge, maxUnavailable, desiredReplicas(deployment))
}

export const maxSurge = (deployment: Deployment): number => limitsOf(deployment).surge

/** Never more than there are to be. */
export const maxUnavailable = (deployment: Deployment): number =>
  !isRollingUpdate(deployment) || desiredReplicas(deployment) === 0 ? 0 : Math.min(limitsOf(deployment).unavailable, desiredReplicas(deployment))
