/** The strategies of all stored kinds: the one list that the API server is built from. */
import { mutatingAdmissionPolicyBindingStrategy } from './admissionregistration/mutating-admission-policy-binding.ts'
import { mutatingAdmissionPolicyStrategy } from './admissionregistration/mutating-admission-policy.ts'
import { validatingAdmissionPolicyBindingStrategy } from './admissionregistration/validating-admission-policy-binding.ts'
import { validatingAdmissionPolicyStrategy } from './admissionregistration/validating-admission-policy.ts'
import { webhookConditionProblem } from './admissionregistration/webhook-condition-problem.ts'
import { mutatingWebhookConfigurationStrategy, validatingWebhookConfigurationStrategy } from './admissionregistration/webhook-configuration.ts'
import { apiServiceStrategy } from './apiregistration/api-service.ts'
import { checkSchemaRules } from '../crd/rules/compile-rules.ts'
import { customResourceDefinitionStrategy } from './apiextensions/custom-resource-definition.ts'
import { controllerRevisionStrategy } from './apps/controller-revision.ts'
import { daemonSetStrategy } from './apps/daemon-set.ts'
import { deploymentStrategy } from './apps/deployment.ts'
import { replicaSetStrategy } from './apps/replica-set.ts'
import { statefulSetStrategy } from './apps/stateful-set.ts'
import { horizontalPodAutoscalerStrategy } from './autoscaling/horizontal-pod-autoscaler.ts'
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
import { persistentVolumeClaimStrategy } from './core/persistent-volume-claim.ts'
import { persistentVolumeStrategy } from './core/persistent-volume.ts'
import { podTemplateStrategy } from './core/pod-template.ts'
import { replicationControllerStrategy } from './core/replication-controller.ts'
import { resourceQuotaStrategy } from './core/resource-quota.ts'
import { secretStrategy } from './core/secret.ts'
import { serviceAccountStrategy } from './core/service-account.ts'
import { type ServiceOptions, serviceStrategy } from './core/service.ts'
import { endpointSliceStrategy } from './discovery/endpoint-slice.ts'
import { flowSchemaStrategy } from './flowcontrol/flow-schema.ts'
import { priorityLevelConfigurationStrategy } from './flowcontrol/priority-level-configuration.ts'
import { ingressClassStrategy } from './networking/ingress-class.ts'
import { ingressStrategy } from './networking/ingress.ts'
import { ipAddressStrategy } from './networking/ip-address.ts'
import { networkPolicyStrategy } from './networking/network-policy.ts'
import { serviceCIDRStrategy } from './networking/service-cidr.ts'
import { runtimeClassStrategy } from './node/runtime-class.ts'
import { podDisruptionBudgetStrategy } from './policy/pod-disruption-budget.ts'
import { clusterRoleBindingStrategy } from './rbac/cluster-role-binding.ts'
import { clusterRoleStrategy } from './rbac/cluster-role.ts'
import { roleBindingStrategy } from './rbac/role-binding.ts'
import { roleStrategy } from './rbac/role.ts'
import { deviceClassStrategy } from './resource/device-class.ts'
import { resourceClaimTemplateStrategy } from './resource/resource-claim-template.ts'
import { resourceClaimStrategy } from './resource/resource-claim.ts'
import { resourceSliceStrategy } from './resource/resource-slice.ts'
import { priorityClassStrategy } from './scheduling/priority-class.ts'
import { csiDriverStrategy } from './storage/csi-driver.ts'
import { csiNodeStrategy } from './storage/csi-node.ts'
import { csiStorageCapacityStrategy } from './storage/csi-storage-capacity.ts'
import { storageClassStrategy } from './storage/storage-class.ts'
import { volumeAttachmentStrategy } from './storage/volume-attachment.ts'
import { volumeAttributesClassStrategy } from './storage/volume-attributes-class.ts'
import type { Strategy } from './strategy.ts'

export type RegistryOptions = ServiceOptions

export const defaultRegistryOptions: RegistryOptions = { serviceCIDR: '10.96.0.0/16', nodePortRange: { first: 30_000, last: 32_767 } }

/** One strategy for each of `storedKinds`, in their order. Each call makes allocators of its own: one list an API server. */
export const makeStrategies = (options: RegistryOptions): readonly Strategy[] => [
  podStrategy, namespaceStrategy, nodeStrategy, configMapStrategy, secretStrategy, serviceAccountStrategy, serviceStrategy(options), endpointsStrategy, eventStrategy,
  deploymentStrategy, replicaSetStrategy, daemonSetStrategy, controllerRevisionStrategy, jobStrategy, endpointSliceStrategy, leaseStrategy, priorityClassStrategy,
  roleStrategy, roleBindingStrategy, clusterRoleStrategy, clusterRoleBindingStrategy, certificateSigningRequestStrategy,
  statefulSetStrategy, replicationControllerStrategy, podTemplateStrategy, limitRangeStrategy, resourceQuotaStrategy, cronJobStrategy, podDisruptionBudgetStrategy, horizontalPodAutoscalerStrategy,
  mutatingWebhookConfigurationStrategy(webhookConditionProblem), validatingWebhookConfigurationStrategy(webhookConditionProblem), apiServiceStrategy,
  persistentVolumeStrategy, persistentVolumeClaimStrategy, ingressStrategy, ingressClassStrategy, networkPolicyStrategy, ipAddressStrategy, serviceCIDRStrategy,
  storageClassStrategy, volumeAttributesClassStrategy, csiDriverStrategy, csiNodeStrategy, csiStorageCapacityStrategy, volumeAttachmentStrategy, runtimeClassStrategy,
  flowSchemaStrategy, priorityLevelConfigurationStrategy, deviceClassStrategy, resourceClaimStrategy, resourceClaimTemplateStrategy, resourceSliceStrategy,
  validatingAdmissionPolicyStrategy, validatingAdmissionPolicyBindingStrategy, mutatingAdmissionPolicyStrategy, mutatingAdmissionPolicyBindingStrategy,
  customResourceDefinitionStrategy(checkSchemaRules) as Strategy,
]

export const strategies: readonly Strategy[] = makeStrategies(defaultRegistryOptions)
