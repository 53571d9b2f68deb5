/** The strategies of all stored kinds: the one list that the API server is built from. */
import { webhookConditionProblem } from './admissionregistration/webhook-condition-problem.ts'
import { mutatingWebhookConfigurationStrategy, validatingWebhookConfigurationStrategy } from './admissionregistration/webhook-configuration.ts'
import { controllerRevisionStrategy } from './apps/controller-revision.ts'
import { daemonSetStrategy } from './apps/daemon-set.ts'
import { deploymentStrategy } from './apps/deployment.ts'
import { replicaSetStrategy } from './apps/replica-set.ts'
import { statefulSetStrategy } from './apps/stateful-set.ts'
import { cronJobStrategy } from './batch/cron-job.ts'
import { jobStrategy } from './batch/job.ts'
import { certificateSigningRequestStrategy } from './certificates/certificate-signing-request.ts'
import { leaseStrategy } from './coordination/lease.ts'
import { configMapStrategy } from './core/config-map.ts'
import { endpointsStrategy } from './core/endpoints.ts'
import { eventStrategy } from './core/event.ts'
import { limitRangeStrategy } from './core/limit-range.ts'
import { namespaceStrategy } from './core/namespace.ts'
import { nodeStrategy } from './core/node.ts'
import { podStrategy } from './core/pod.ts'
import { podTemplateStrategy } from './core/pod-template.ts'
import { replicationControllerStrategy } from './core/replication-controller.ts'
import { resourceQuotaStrategy } from './core/resource-quota.ts'
import { secretStrategy } from './core/secret.ts'
import { serviceAccountStrategy } from './core/service-account.ts'
import { type ServiceOptions, serviceStrategy } from './core/service.ts'
import { endpointSliceStrategy } from './discovery/endpoint-slice.ts'
import { podDisruptionBudgetStrategy } from './policy/pod-disruption-budget.ts'
import { clusterRoleBindingStrategy } from './rbac/cluster-role-binding.ts'
import { clusterRoleStrategy } from './rbac/cluster-role.ts'
import { roleBindingStrategy } from './rbac/role-binding.ts'
import { roleStrategy } from './rbac/role.ts'
import { priorityClassStrategy } from './scheduling/priority-class.ts'
import type { Strategy } from './strategy.ts'

export type RegistryOptions = ServiceOptions

export const defaultRegistryOptions: RegistryOptions = { serviceCIDR: '10.96.0.0/16', nodePortRange: { first: 30_000, last: 32_767 } }

/** One strategy for each of `storedKinds`, in their order. Each call makes allocators of its own: one list an API server. */
export const makeStrategies = (options: RegistryOptions): readonly Strategy[] => [
  podStrategy, namespaceStrategy, nodeStrategy, configMapStrategy, secretStrategy, serviceAccountStrategy, serviceStrategy(options), endpointsStrategy, eventStrategy,
  deploymentStrategy, replicaSetStrategy, daemonSetStrategy, controllerRevisionStrategy, jobStrategy, endpointSliceStrategy, leaseStrategy, priorityClassStrategy,
  roleStrategy, roleBindingStrategy, clusterRoleStrategy, clusterRoleBindingStrategy, certificateSigningRequestStrategy,
  statefulSetStrategy, replicationControllerStrategy, podTemplateStrategy, limitRangeStrategy, resourceQuotaStrategy, cronJobStrategy, podDisruptionBudgetStrategy,
  mutatingWebhookConfigurationStrategy(webhookConditionProblem), validatingWebhookConfigurationStrategy(webhookConditionProblem),
]

export const strategies: readonly Strategy[] = makeStrategies(defaultRegistryOptions)
