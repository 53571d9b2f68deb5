/**
 * What upstream's schema says and the generated one has lost: how lists and maps merge, which strings are quantities, which parts
 * are structs by value (always there in Go, so `{}` and never absent). Fields are named `Type.field`, types by our names.
 * Checked against upstream's swagger.json and openapi-v3 by test/api/schema.test.ts; beta and alpha types are not covered.
 */

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** Lists whose items are told apart by keys (x-kubernetes-list-type=map): keys → fields. All others are atomic, unless they are sets. */
export const mapLists: Readonly<Record<string, readonly string[]>> = {
  name: words(`
    MutatingAdmissionPolicySpec.matchConditions MutatingWebhook.matchConditions MutatingWebhookConfiguration.webhooks ValidatingAdmissionPolicySpec.matchConditions
    ValidatingAdmissionPolicySpec.variables ValidatingWebhook.matchConditions ValidatingWebhookConfiguration.webhooks Container.env ContainerStatus.allocatedResourcesStatus
    EphemeralContainer.env PodSpec.containers PodSpec.ephemeralContainers PodSpec.imagePullSecrets PodSpec.initContainers PodSpec.resourceClaims PodSpec.schedulingGates
    PodSpec.volumes PodStatus.resourceClaimStatuses ResourceRequirements.claims ServiceAccount.secrets CSINodeSpec.drivers`),
  type: words(`
    ValidatingAdmissionPolicyStatus.conditions DaemonSetStatus.conditions DeploymentStatus.conditions ReplicaSetStatus.conditions StatefulSetStatus.conditions
    HorizontalPodAutoscalerStatusV2.conditions CertificateSigningRequestStatus.conditions ComponentStatus.conditions NamespaceStatus.conditions NodeStatus.addresses
    NodeStatus.conditions PersistentVolumeClaimStatus.conditions PodStatus.conditions ReplicationControllerStatus.conditions ServiceStatus.conditions
    FlowSchemaStatus.conditions PriorityLevelConfigurationStatus.conditions ServiceCIDRStatus.conditions PodDisruptionBudgetStatus.conditions AllocatedDeviceStatus.conditions
    CustomResourceDefinitionStatus.conditions APIServiceStatus.conditions`),
  'containerPort protocol': words('Container.ports EphemeralContainer.ports'),
  devicePath: words('Container.volumeDevices EphemeralContainer.volumeDevices'),
  mountPath: words('Container.volumeMounts ContainerStatus.volumeMounts EphemeralContainer.volumeMounts'),
  ip: words('PodSpec.hostAliases PodStatus.podIPs'),
  'topologyKey whenUnsatisfiable': words('PodSpec.topologySpreadConstraints'),
  resourceID: words('ResourceStatus.resources'),
  'port protocol': words('ServiceSpec.ports'),
  'driver device pool shareID': words('ResourceClaimStatus.devices'),
  uid: words('ResourceClaimStatus.reservedFor ObjectMeta.ownerReferences'),
  rule: words('JSONSchemaProps.x-kubernetes-validations'),
}

/** What a key of such a list is where an item does not say: `type.field` of the item. */
export const keyDefaults: Readonly<Record<string, string>> = { 'ContainerPort.protocol': 'TCP', 'ServicePort.protocol': 'TCP' }

/** Lists that are sets of scalars (x-kubernetes-list-type=set). */
export const setLists = words(`
  ValidatingAdmissionPolicyBindingSpec.validationActions PodFailurePolicyOnExitCodesRequirement.values UncountedTerminatedPods.failed UncountedTerminatedPods.succeeded
  ContainerRestartRuleOnExitCodes.values NodeAllocatableResourceClaimStatus.containers NodeSpec.podCIDRs Endpoint.addresses NonResourcePolicyRule.nonResourceURLs
  NonResourcePolicyRule.verbs ResourcePolicyRule.apiGroups ResourcePolicyRule.namespaces ResourcePolicyRule.resources ResourcePolicyRule.verbs
  CSIDriverSpec.volumeLifecycleModes ObjectMeta.finalizers`)

/** Keyed lists that strategic merge replaces nevertheless; every other one it merges by its first key. */
export const replacedMapLists = words(`
  ValidatingAdmissionPolicyStatus.conditions CertificateSigningRequestStatus.conditions ResourceRequirements.claims ResourceStatus.resources
  AllocatedDeviceStatus.conditions ResourceClaimStatus.devices CustomResourceDefinitionStatus.conditions`)

/** Lists that strategic merge merges although they are atomic otherwise, or sets: field → merge key, '' for scalars. */
export const mergedLists: Readonly<Record<string, string>> = { 'JobStatus.conditions': 'type', 'PodStatus.hostIPs': 'ip', 'NodeSpec.podCIDRs': '', 'ObjectMeta.finalizers': '' }

/** Fields of which strategic merge keeps only the keys that the patch names in `$retainKeys`. */
export const retainKeys = words('PodSpec.resourceClaims PodSpec.volumes PodStatus.resourceClaimStatuses DeploymentSpec.strategy')

/** Structs that strategic merge replaces as a whole. */
export const replacedStructs = words('PodDisruptionBudgetSpec.selector')

/** Maps and structs that are owned and replaced as a whole by server-side apply (x-kubernetes-map-type=atomic on the field). */
export const atomicFields = words('PodSpec.nodeSelector ReplicationControllerSpec.selector ServiceSpec.selector Scheduling.nodeSelector')
/** Fields of an atomic type that are granular nevertheless. */
export const granularFields = words('PersistentVolumeSpec.claimRef')
/** Types with x-kubernetes-map-type=atomic. */
export const atomicTypes = words(`
  MatchResources NamedRuleWithOperations ParamKind ParamRef Variable CrossVersionObjectReference ConfigMapKeySelector EndpointAddress EndpointPort FileKeySelector
  LocalObjectReference NodeSelector NodeSelectorTerm ObjectFieldSelector ObjectReference ResourceFieldSelector ScopeSelector SecretKeySelector SecretReference
  TopologySelectorTerm TypedLocalObjectReference DiscoveryEndpointPort ServiceBackendPort RoleRef Subject LabelSelector OwnerReference`)

/** Quantities: fields, or the values or items of fields. */
export const quantityFields = words(`
  HPAScalingRulesV2.tolerance MetricTargetV2.averageValue MetricTargetV2.value MetricValueStatusV2.averageValue MetricValueStatusV2.value ContainerStatus.allocatedResources
  EmptyDirVolumeSource.sizeLimit LimitRangeItem.default LimitRangeItem.defaultRequest LimitRangeItem.max LimitRangeItem.maxLimitRequestRatio LimitRangeItem.min
  NodeAllocatableResourceClaimStatus.resources NodeStatus.allocatable NodeStatus.capacity PersistentVolumeClaimStatus.allocatedResources
  PersistentVolumeClaimStatus.capacity PersistentVolumeSpec.capacity PodSpec.overhead PodStatus.allocatedResources ResourceFieldSelector.divisor ResourceQuotaSpec.hard
  ResourceQuotaStatus.hard ResourceQuotaStatus.used ResourceRequirements.limits ResourceRequirements.requests VolumeResourceRequirements.limits
  VolumeResourceRequirements.requests Overhead.podFixed CapacityRequestPolicy.default CapacityRequestPolicy.validValues CapacityRequestPolicyRange.max
  CapacityRequestPolicyRange.min CapacityRequestPolicyRange.step CapacityRequirements.requests Counter.value DeviceCapacity.value
  DeviceRequestAllocationResult.consumedCapacity NodeAllocatableResourceMapping.allocationMultiplier CSIStorageCapacity.capacity CSIStorageCapacity.maximumVolumeSize`)

/** Structs by value besides every `metadata`, `spec` and `status`. */
export const valueStructs = words(`
  MutatingWebhook.clientConfig ValidatingWebhook.clientConfig DaemonSetSpec.template DaemonSetSpec.updateStrategy DeploymentSpec.strategy DeploymentSpec.template
  ReplicaSetSpec.template StatefulSetSpec.template StatefulSetSpec.updateStrategy SelfSubjectReviewStatus.userInfo TokenReviewStatus.user HorizontalPodAutoscalerSpec.scaleTargetRef
  HorizontalPodAutoscalerSpecV2.scaleTargetRef ContainerResourceMetricSourceV2.target ContainerResourceMetricStatusV2.current ExternalMetricSourceV2.metric
  ExternalMetricSourceV2.target ExternalMetricStatusV2.current ExternalMetricStatusV2.metric ObjectMetricSourceV2.describedObject ObjectMetricSourceV2.metric
  ObjectMetricSourceV2.target ObjectMetricStatusV2.current ObjectMetricStatusV2.describedObject ObjectMetricStatusV2.metric PodsMetricSourceV2.metric PodsMetricSourceV2.target
  PodsMetricStatusV2.current PodsMetricStatusV2.metric ResourceMetricSourceV2.target ResourceMetricStatusV2.current CronJobSpec.jobTemplate JobSpec.template Binding.target
  Container.resources ContainerStatus.lastState ContainerStatus.state EphemeralContainer.resources Event.involvedObject Event.source NodeDaemonEndpoints.kubeletEndpoint
  NodeStatus.daemonEndpoints NodeStatus.nodeInfo PersistentVolumeClaimSpec.resources PodTemplate.template PreferredSchedulingTerm.preference ServiceStatus.loadBalancer
  WeightedPodAffinityTerm.podAffinityTerm Endpoint.conditions EventsEvent.deprecatedSource EventsEvent.regarding FlowSchemaSpec.priorityLevelConfiguration
  LimitedPriorityLevelConfiguration.limitResponse HTTPIngressPath.backend IngressServiceBackend.port IngressStatus.loadBalancer NetworkPolicySpec.podSelector
  ClusterRoleBinding.roleRef RoleBinding.roleRef AllocationResult.devices ResourceClaimSpec.devices ResourceSliceSpec.pool VolumeAttachmentSpec.source
  CustomResourceDefinitionSpec.names CustomResourceDefinitionStatus.acceptedNames APIGroup.preferredVersion`)

/** Required strings that are not there, rather than empty, where a client leaves them out. */
export const absentStrings = words(`
  MutatingWebhook.sideEffects ValidatingAdmissionPolicyBindingSpec.policyName ValidatingWebhook.sideEffects TokenReviewSpec.token CertificateSigningRequestSpec.request
  ContainerRestartRule.action ContainerRestartRuleOnExitCodes.operator ImageVolumeStatus.imageRef PodCertificateProjection.keyType PodCertificateProjection.signerName
  HTTPIngressPath.pathType ParentReference.name ParentReference.resource`)
