/**
 * Field numbers of the API's protobuf messages, by our names of types: `Type: field field=5 field?`. Numbers count up from 1 where none is given.
 * `?` marks scalars that are pointers upstream: only there is a zero a value; everywhere else Go's encoder writes zeros for what is not set.
 * `*Other` is a message whose fields stand in the type itself in JSON. Kinds as they are sent, lists not among them.
 * Checked against upstream's generated.proto by test/api/protobuf.test.ts.
 */
const table = `
MutatingAdmissionPolicy: metadata spec | MutatingAdmissionPolicyBinding: metadata spec | MutatingWebhookConfiguration: metadata webhooks
ValidatingAdmissionPolicy: metadata spec status | ValidatingAdmissionPolicyBinding: metadata spec | ValidatingWebhookConfiguration: metadata webhooks
ControllerRevision: metadata data revision | DaemonSet: metadata spec status | Deployment: metadata spec status | ReplicaSet: metadata spec status | StatefulSet: metadata spec status
SelfSubjectReview: metadata status | AuthenticationTokenRequest: metadata spec status | TokenReview: metadata spec status | LocalSubjectAccessReview: metadata spec status
SelfSubjectAccessReview: metadata spec status | SelfSubjectRulesReview: metadata spec status | SubjectAccessReview: metadata spec status | HorizontalPodAutoscaler: metadata spec status
Scale: metadata spec status | HorizontalPodAutoscalerV2: metadata spec status | CronJob: metadata spec status | Job: metadata spec status | JobTemplateSpec: metadata spec
CertificateSigningRequest: metadata spec status | Lease: metadata spec | Binding: metadata target | ConfigMap: metadata data binaryData immutable? | Endpoints: metadata subsets
Event: metadata involvedObject reason message source firstTimestamp lastTimestamp count type eventTime series action related reportingComponent reportingInstance
LimitRange: metadata spec | Namespace: metadata spec status | Node: metadata spec status | PersistentVolume: metadata spec status | PersistentVolumeClaim: metadata spec status
PersistentVolumeClaimTemplate: metadata spec | Pod: metadata spec status | PodTemplate: metadata template | PodTemplateSpec: metadata spec | ReplicationController: metadata spec status
ResourceQuota: metadata spec status | Secret: metadata data type stringData immutable? | Service: metadata spec status
ServiceAccount: metadata secrets imagePullSecrets automountServiceAccountToken? | EndpointSlice: metadata endpoints ports addressType
EventsEvent: metadata eventTime series reportingController reportingInstance action reason regarding related note type deprecatedSource deprecatedFirstTimestamp deprecatedLastTimestamp deprecatedCount
FlowSchema: metadata spec status | PriorityLevelConfiguration: metadata spec status | IPAddress: metadata spec | Ingress: metadata spec status | IngressClass: metadata spec
NetworkPolicy: metadata spec | ServiceCIDR: metadata spec status | RuntimeClass: metadata handler overhead scheduling | Eviction: metadata deleteOptions
PodDisruptionBudget: metadata spec status | ClusterRole: metadata rules aggregationRule | ClusterRoleBinding: metadata subjects roleRef | Role: metadata rules
RoleBinding: metadata subjects roleRef | DeviceClass: metadata spec | ResourceResourceClaim: metadata spec status | ResourceClaimTemplate: metadata spec
ResourceClaimTemplateSpec: metadata spec | ResourceSlice: metadata spec | PriorityClass: metadata value globalDefault description preemptionPolicy? | CSIDriver: metadata spec
CSINode: metadata spec | CSIStorageCapacity: metadata nodeTopology storageClassName capacity maximumVolumeSize
StorageClass: metadata provisioner parameters reclaimPolicy? mountOptions allowVolumeExpansion? volumeBindingMode? allowedTopologies | VolumeAttachment: metadata spec status
VolumeAttributesClass: metadata driverName parameters | CustomResourceDefinition: metadata spec status | Status: metadata status message reason details code
APIService: metadata spec status | DeleteOptions: gracePeriodSeconds? preconditions orphanDependents? propagationPolicy? dryRun ignoreStoreReadErrorWithClusterBreakingPotential?
ObjectMeta: name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds? labels annotations ownerReferences finalizers
    managedFields=17
MutatingAdmissionPolicySpec: paramKind matchConstraints variables mutations failurePolicy? matchConditions reinvocationPolicy
MutatingAdmissionPolicyBindingSpec: policyName paramRef matchResources
MutatingWebhook: name clientConfig rules failurePolicy? namespaceSelector sideEffects? timeoutSeconds? admissionReviewVersions matchPolicy? reinvocationPolicy? objectSelector matchConditions
ValidatingAdmissionPolicySpec: paramKind matchConstraints validations failurePolicy? auditAnnotations matchConditions variables
ValidatingAdmissionPolicyStatus: observedGeneration typeChecking conditions | ValidatingAdmissionPolicyBindingSpec: policyName paramRef matchResources validationActions
ValidatingWebhook: name clientConfig rules failurePolicy? namespaceSelector sideEffects? timeoutSeconds? admissionReviewVersions matchPolicy? objectSelector matchConditions
DaemonSetSpec: selector template updateStrategy minReadySeconds revisionHistoryLimit?=6
DaemonSetStatus: currentNumberScheduled numberMisscheduled desiredNumberScheduled numberReady observedGeneration updatedNumberScheduled numberAvailable numberUnavailable collisionCount? conditions
DeploymentSpec: replicas? selector template strategy minReadySeconds revisionHistoryLimit? paused progressDeadlineSeconds?=9
DeploymentStatus: observedGeneration replicas updatedReplicas availableReplicas unavailableReplicas conditions readyReplicas collisionCount? terminatingReplicas?
ReplicaSetSpec: replicas? selector template minReadySeconds
ReplicaSetStatus: replicas fullyLabeledReplicas observedGeneration readyReplicas availableReplicas conditions terminatingReplicas?
StatefulSetSpec: replicas? selector template volumeClaimTemplates serviceName podManagementPolicy updateStrategy revisionHistoryLimit? minReadySeconds persistentVolumeClaimRetentionPolicy ordinals
StatefulSetStatus: observedGeneration replicas readyReplicas currentReplicas updatedReplicas currentRevision updateRevision collisionCount?=9 conditions availableReplicas
SelfSubjectReviewStatus: userInfo | TokenRequestSpec: audiences boundObjectRef=3 expirationSeconds? | TokenRequestStatus: token expirationTimestamp | TokenReviewSpec: token audiences
TokenReviewStatus: authenticated user error audiences | SubjectAccessReviewSpec: resourceAttributes nonResourceAttributes user groups extra uid
SubjectAccessReviewStatus: allowed reason evaluationError denied | SelfSubjectAccessReviewSpec: resourceAttributes nonResourceAttributes | SelfSubjectRulesReviewSpec: namespace
SubjectRulesReviewStatus: resourceRules nonResourceRules incomplete evaluationError
HorizontalPodAutoscalerSpec: scaleTargetRef minReplicas? maxReplicas targetCPUUtilizationPercentage?
HorizontalPodAutoscalerStatus: observedGeneration? lastScaleTime currentReplicas desiredReplicas currentCPUUtilizationPercentage? | ScaleSpec: replicas | ScaleStatus: replicas selector
HorizontalPodAutoscalerSpecV2: scaleTargetRef minReplicas? maxReplicas metrics behavior
HorizontalPodAutoscalerStatusV2: observedGeneration? lastScaleTime currentReplicas desiredReplicas currentMetrics conditions
CronJobSpec: schedule startingDeadlineSeconds? concurrencyPolicy suspend? jobTemplate successfulJobsHistoryLimit? failedJobsHistoryLimit? timeZone?
CronJobStatus: active lastScheduleTime=4 lastSuccessfulTime
JobSpec: parallelism? completions? activeDeadlineSeconds? selector manualSelector? template backoffLimit? ttlSecondsAfterFinished? completionMode? suspend? podFailurePolicy
    backoffLimitPerIndex? maxFailedIndexes? podReplacementPolicy? managedBy? successPolicy
JobStatus: conditions startTime completionTime active succeeded failed completedIndexes uncountedTerminatedPods ready? failedIndexes? terminating?
CertificateSigningRequestSpec: request username uid groups usages extra signerName expirationSeconds? | CertificateSigningRequestStatus: conditions certificate
LeaseSpec: holderIdentity? leaseDurationSeconds? acquireTime renewTime leaseTransitions? strategy? preferredHolder?
ObjectReference: kind namespace name uid apiVersion resourceVersion fieldPath | EndpointSubset: addresses notReadyAddresses ports | EventSource: component host
EventSeries: count lastObservedTime | LimitRangeSpec: limits | NamespaceSpec: finalizers | NamespaceStatus: phase conditions
NodeSpec: podCIDR externalID providerID unschedulable taints configSource podCIDRs
NodeStatus: capacity allocatable phase conditions addresses daemonEndpoints nodeInfo images volumesInUse volumesAttached config runtimeHandlers features declaredFeatures
PersistentVolumeSpec: capacity *PersistentVolumeSource accessModes claimRef persistentVolumeReclaimPolicy storageClassName mountOptions volumeMode? nodeAffinity volumeAttributesClassName?
PersistentVolumeStatus: phase message reason lastPhaseTransitionTime
PersistentVolumeClaimSpec: accessModes resources volumeName selector storageClassName? volumeMode? dataSource dataSourceRef volumeAttributesClassName?
PersistentVolumeClaimStatus: phase accessModes capacity conditions allocatedResources allocatedResourceStatuses=7 currentVolumeAttributesClassName? modifyVolumeStatus
PodSpec: volumes containers restartPolicy terminationGracePeriodSeconds? activeDeadlineSeconds? dnsPolicy nodeSelector serviceAccountName serviceAccount nodeName hostNetwork hostPID hostIPC
    securityContext imagePullSecrets hostname subdomain affinity schedulerName initContainers automountServiceAccountToken? tolerations hostAliases priorityClassName priority? dnsConfig
    shareProcessNamespace? readinessGates runtimeClassName? enableServiceLinks? preemptionPolicy? overhead topologySpreadConstraints ephemeralContainers setHostnameAsFQDN? os hostUsers?
    schedulingGates resourceClaims resources hostnameOverride? schedulingGroup=43
PodStatus: phase conditions message reason hostIP podIP startTime containerStatuses qosClass initContainerStatuses nominatedNodeName podIPs ephemeralContainerStatuses resize
    resourceClaimStatuses hostIPs observedGeneration extendedResourceClaimStatus allocatedResources resources nodeAllocatableResourceClaimStatuses
ReplicationControllerSpec: replicas? selector template minReadySeconds
ReplicationControllerStatus: replicas fullyLabeledReplicas observedGeneration readyReplicas availableReplicas conditions | ResourceQuotaSpec: hard scopes scopeSelector
ResourceQuotaStatus: hard used
ServiceSpec: ports selector clusterIP type externalIPs sessionAffinity=7 loadBalancerIP loadBalancerSourceRanges externalName externalTrafficPolicy healthCheckNodePort
    publishNotReadyAddresses sessionAffinityConfig ipFamilyPolicy?=17 clusterIPs ipFamilies allocateLoadBalancerNodePorts? loadBalancerClass? internalTrafficPolicy? trafficDistribution?
ServiceStatus: loadBalancer conditions | LocalObjectReference: name | Endpoint: addresses conditions hostname? targetRef deprecatedTopology nodeName? zone? hints
DiscoveryEndpointPort: name? protocol? port? appProtocol? | EventsEventSeries: count lastObservedTime
FlowSchemaSpec: priorityLevelConfiguration matchingPrecedence distinguisherMethod rules | FlowSchemaStatus: conditions | PriorityLevelConfigurationSpec: type limited exempt
PriorityLevelConfigurationStatus: conditions | IPAddressSpec: parentRef | IngressSpec: defaultBackend tls rules ingressClassName? | IngressStatus: loadBalancer
IngressClassSpec: controller parameters | NetworkPolicySpec: podSelector ingress egress policyTypes | ServiceCIDRSpec: cidrs | ServiceCIDRStatus: conditions | Overhead: podFixed
Scheduling: nodeSelector tolerations | PodDisruptionBudgetSpec: minAvailable? selector maxUnavailable? unhealthyPodEvictionPolicy?
PodDisruptionBudgetStatus: observedGeneration disruptedPods disruptionsAllowed currentHealthy desiredHealthy expectedPods conditions
PolicyRule: verbs apiGroups resources resourceNames nonResourceURLs | AggregationRule: clusterRoleSelectors | Subject: kind apiGroup name namespace | RoleRef: apiGroup kind name
DeviceClassSpec: selectors config extendedResourceName?=4 | ResourceClaimSpec: devices | ResourceClaimStatus: allocation reservedFor devices=4
ResourceSliceSpec: driver pool nodeName? nodeSelector allNodes? devices perDeviceNodeSelection? sharedCounters
CSIDriverSpec: attachRequired? podInfoOnMount? volumeLifecycleModes storageCapacity? fsGroupPolicy? tokenRequests requiresRepublish? seLinuxMount? nodeAllocatableUpdatePeriodSeconds?
    serviceAccountTokenInSecrets? preventPodSchedulingIfMissing?
CSINodeSpec: drivers | LabelSelector: matchLabels matchExpressions | TopologySelectorTerm: matchLabelExpressions | VolumeAttachmentSpec: attacher source nodeName
VolumeAttachmentStatus: attached attachmentMetadata attachError detachError | CustomResourceDefinitionSpec: group names=3 scope versions=7 conversion=9 preserveUnknownFields
CustomResourceDefinitionStatus: conditions acceptedNames storedVersions observedGeneration | ListMeta: selfLink resourceVersion continue remainingItemCount? shardInfo
StatusDetails: name group kind causes retryAfterSeconds uid | APIServiceSpec: service group version insecureSkipTLSVerify caBundle groupPriorityMinimum=7 versionPriority
APIServiceStatus: conditions | Preconditions: uid? resourceVersion? | OwnerReference: kind name=3 uid apiVersion controller? blockOwnerDeletion?
ManagedFieldsEntry: manager operation apiVersion time fieldsType=6 fieldsV1 subresource | ParamKind: apiVersion kind
MatchResources: namespaceSelector objectSelector resourceRules excludeResourceRules matchPolicy?=7 | Variable: name expression | Mutation: patchType=2 applyConfiguration jsonPatch
MatchCondition: name expression | ParamRef: name namespace selector parameterNotFoundAction? | AdmissionregistrationWebhookClientConfig: service caBundle url?
RuleWithOperations: operations *Rule | Validation: expression message reason? messageExpression | AuditAnnotation: key valueExpression | TypeChecking: expressionWarnings
Condition: type status observedGeneration lastTransitionTime reason message | DaemonSetUpdateStrategy: type rollingUpdate
DaemonSetCondition: type status lastTransitionTime reason message | DeploymentStrategy: type rollingUpdate
DeploymentCondition: type status reason=4 message lastUpdateTime lastTransitionTime | ReplicaSetCondition: type status lastTransitionTime reason message
StatefulSetUpdateStrategy: type rollingUpdate | StatefulSetPersistentVolumeClaimRetentionPolicy: whenDeleted whenScaled | StatefulSetOrdinals: start
StatefulSetCondition: type status lastTransitionTime reason message | UserInfo: username uid groups extra | BoundObjectReference: kind apiVersion name uid
ResourceAttributes: namespace verb group version resource subresource name fieldSelector labelSelector | NonResourceAttributes: path verb
ResourceRule: verbs apiGroups resources resourceNames | NonResourceRule: verbs nonResourceURLs | CrossVersionObjectReference: kind name apiVersion
CrossVersionObjectReferenceV2: kind name apiVersion | MetricSpecV2: type object pods resource external containerResource=7 | HorizontalPodAutoscalerBehaviorV2: scaleUp scaleDown
MetricStatusV2: type object pods resource external containerResource=7 | HorizontalPodAutoscalerConditionV2: type status lastTransitionTime reason message | PodFailurePolicy: rules
SuccessPolicy: rules | JobCondition: type status lastProbeTime lastTransitionTime reason message | UncountedTerminatedPods: succeeded failed
CertificateSigningRequestCondition: type reason message lastUpdateTime lastTransitionTime status | EndpointAddress: ip targetRef hostname nodeName?
EndpointPort: name port protocol appProtocol? | LimitRangeItem: type max min default defaultRequest maxLimitRequestRatio
NamespaceCondition: type status lastTransitionTime=4 reason message | Taint: key value effect timeAdded | NodeConfigSource: configMap=2
NodeCondition: type status lastHeartbeatTime lastTransitionTime reason message | NodeAddress: type address | NodeDaemonEndpoints: kubeletEndpoint
NodeSystemInfo: machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion kubeProxyVersion operatingSystem architecture swap
ContainerImage: names sizeBytes | AttachedVolume: name devicePath | NodeConfigStatus: assigned active lastKnownGood error | NodeRuntimeHandler: name features
NodeFeatures: supplementalGroupsPolicy?
PersistentVolumeSource: gcePersistentDisk awsElasticBlockStore hostPath glusterfs nfs rbd iscsi cinder cephfs fc flocker flexVolume azureFile vsphereVolume quobyte azureDisk
    photonPersistentDisk portworxVolume scaleIO local storageos csi
VolumeNodeAffinity: required | VolumeResourceRequirements: limits requests | TypedLocalObjectReference: apiGroup? kind name | TypedObjectReference: apiGroup? kind name namespace?
PersistentVolumeClaimCondition: type status lastProbeTime lastTransitionTime reason message | ModifyVolumeStatus: targetVolumeAttributesClassName status | Volume: name *VolumeSource
Container: name image command args workingDir ports env resources volumeMounts livenessProbe readinessProbe lifecycle terminationMessagePath imagePullPolicy securityContext stdin stdinOnce
    tty envFrom terminationMessagePolicy volumeDevices startupProbe resizePolicy restartPolicy? restartPolicyRules
PodSecurityContext: seLinuxOptions runAsUser? runAsNonRoot? supplementalGroups fsGroup? runAsGroup? sysctls windowsOptions fsGroupChangePolicy? seccompProfile appArmorProfile
    supplementalGroupsPolicy? seLinuxChangePolicy?
Affinity: nodeAffinity podAffinity podAntiAffinity | Toleration: key operator value effect tolerationSeconds? | HostAlias: ip hostnames | PodDNSConfig: nameservers searches options
PodReadinessGate: conditionType | TopologySpreadConstraint: maxSkew topologyKey whenUnsatisfiable labelSelector minDomains? nodeAffinityPolicy? nodeTaintsPolicy? matchLabelKeys
EphemeralContainer: *EphemeralContainerCommon targetContainerName | PodOS: name | PodSchedulingGate: name | PodResourceClaim: name resourceClaimName?=3 resourceClaimTemplateName?
ResourceRequirements: limits requests claims | PodSchedulingGroup: podGroupName? | PodCondition: type status lastProbeTime lastTransitionTime reason message observedGeneration
ContainerStatus: name state lastState ready restartCount image imageID containerID started? allocatedResources resources volumeMounts user allocatedResourcesStatus stopSignal?
PodIP: ip | PodResourceClaimStatus: name resourceClaimName? | HostIP: ip | PodExtendedResourceClaimStatus: requestMappings resourceClaimName
NodeAllocatableResourceClaimStatus: resourceClaimName containers resources | ReplicationControllerCondition: type status lastTransitionTime reason message
ScopeSelector: matchExpressions | ServicePort: name protocol port targetPort nodePort appProtocol? | SessionAffinityConfig: clientIP | LoadBalancerStatus: ingress
EndpointConditions: ready? serving? terminating? | EndpointHints: forZones forNodes | PriorityLevelConfigurationReference: name | FlowDistinguisherMethod: type
PolicyRulesWithSubjects: subjects resourceRules nonResourceRules | FlowSchemaCondition: type status lastTransitionTime reason message
LimitedPriorityLevelConfiguration: nominalConcurrencyShares? limitResponse lendablePercent? borrowingLimitPercent?
ExemptPriorityLevelConfiguration: nominalConcurrencyShares? lendablePercent? | PriorityLevelConfigurationCondition: type status lastTransitionTime reason message
ParentReference: group resource namespace name | IngressBackend: resource=3 service | IngressTLS: hosts secretName | IngressRule: host *IngressRuleValue
IngressLoadBalancerStatus: ingress | IngressClassParametersReference: apiGroup? kind name scope? namespace? | NetworkPolicyIngressRule: ports from | NetworkPolicyEgressRule: ports to
DeviceSelector: cel | DeviceClassConfiguration: *DeviceConfiguration | DeviceClaim: requests constraints config | AllocationResult: devices nodeSelector=3 allocationTimestamp=5
ResourceClaimConsumerReference: apiGroup resource=3 name uid | AllocatedDeviceStatus: driver pool device conditions data networkData shareID?
ResourcePool: name generation resourceSliceCount | NodeSelector: nodeSelectorTerms
Device: name attributes capacity consumesCounters nodeName? nodeSelector allNodes? taints bindsToNode? bindingConditions bindingFailureConditions allowMultipleAllocations?
    nodeAllocatableResourceMappings
CounterSet: name counters | StorageTokenRequest: audience expirationSeconds? | CSINodeDriver: name nodeID topologyKeys allocatable | LabelSelectorRequirement: key operator values
TopologySelectorLabelRequirement: key values | VolumeAttachmentSource: persistentVolumeName? inlineVolumeSpec | VolumeError: time message errorCode?
CustomResourceDefinitionNames: plural singular shortNames kind listKind categories
CustomResourceDefinitionVersion: name served storage schema subresources additionalPrinterColumns deprecated deprecationWarning? selectableFields
CustomResourceConversion: strategy webhook | CustomResourceDefinitionCondition: type status lastTransitionTime reason message observedGeneration | ShardInfo: selector
StatusCause: reason message field | ApiregistrationServiceReference: namespace name port? | APIServiceCondition: type status lastTransitionTime reason message
NamedRuleWithOperations: resourceNames *RuleWithOperations | ApplyConfiguration: expression | JSONPatch: expression | AdmissionregistrationServiceReference: namespace name path? port?
Rule: apiGroups apiVersions resources scope? | ExpressionWarning: fieldRef=2 warning | RollingUpdateDaemonSet: maxUnavailable? maxSurge?
RollingUpdateDeployment: maxUnavailable? maxSurge? | RollingUpdateStatefulSetStrategy: partition? maxUnavailable? | FieldSelectorAttributes: rawSelector requirements
LabelSelectorAttributes: rawSelector requirements | ObjectMetricSourceV2: describedObject target metric | PodsMetricSourceV2: metric target | ResourceMetricSourceV2: name target
ExternalMetricSourceV2: metric target | ContainerResourceMetricSourceV2: name target container | HPAScalingRulesV2: selectPolicy? policies stabilizationWindowSeconds? tolerance
ObjectMetricStatusV2: metric current describedObject | PodsMetricStatusV2: metric current | ResourceMetricStatusV2: name current | ExternalMetricStatusV2: metric current
ContainerResourceMetricStatusV2: name current container | PodFailurePolicyRule: action onExitCodes onPodConditions | SuccessPolicyRule: succeededIndexes? succeededCount?
ConfigMapNodeConfigSource: namespace name uid resourceVersion kubeletConfigKey | DaemonEndpoint: Port | NodeSwapStatus: capacity?
NodeRuntimeHandlerFeatures: recursiveReadOnlyMounts? userNamespaces? | GCEPersistentDiskVolumeSource: pdName fsType partition readOnly
AWSElasticBlockStoreVolumeSource: volumeID fsType partition readOnly | HostPathVolumeSource: path type? | GlusterfsPersistentVolumeSource: endpoints path readOnly endpointsNamespace?
NFSVolumeSource: server path readOnly | RBDPersistentVolumeSource: monitors image fsType pool user keyring secretRef readOnly
ISCSIPersistentVolumeSource: targetPortal iqn lun iscsiInterface fsType readOnly portals chapAuthDiscovery secretRef=10 chapAuthSession initiatorName?
CinderPersistentVolumeSource: volumeID fsType readOnly secretRef | CephFSPersistentVolumeSource: monitors path user secretFile secretRef readOnly
FCVolumeSource: targetWWNs lun? fsType readOnly wwids | FlockerVolumeSource: datasetName datasetUUID | FlexPersistentVolumeSource: driver fsType secretRef readOnly options
AzureFilePersistentVolumeSource: secretName shareName readOnly secretNamespace? | VsphereVirtualDiskVolumeSource: volumePath fsType storagePolicyName storagePolicyID
QuobyteVolumeSource: registry volume readOnly user group tenant | AzureDiskVolumeSource: diskName diskURI cachingMode? fsType? readOnly? kind?
PhotonPersistentDiskVolumeSource: pdID fsType | PortworxVolumeSource: volumeID fsType readOnly
ScaleIOPersistentVolumeSource: gateway system secretRef sslEnabled protectionDomain storagePool storageMode volumeName fsType readOnly | LocalVolumeSource: path fsType?
StorageOSPersistentVolumeSource: volumeName volumeNamespace fsType readOnly secretRef
CSIPersistentVolumeSource: driver volumeHandle readOnly fsType volumeAttributes controllerPublishSecretRef nodeStageSecretRef nodePublishSecretRef controllerExpandSecretRef nodeExpandSecretRef
VolumeSource: hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs persistentVolumeClaim rbd flexVolume cinder cephfs flocker downwardAPI fc azureFile
    configMap vsphereVolume quobyte azureDisk photonPersistentDisk portworxVolume scaleIO projected storageos csi ephemeral image
ContainerPort: name hostPort containerPort protocol hostIP | EnvVar: name value valueFrom | VolumeMount: name readOnly mountPath subPath mountPropagation? subPathExpr recursiveReadOnly?
Probe: *ProbeHandler initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold terminationGracePeriodSeconds? | Lifecycle: postStart preStop stopSignal?
SecurityContext: capabilities privileged? seLinuxOptions runAsUser? runAsNonRoot? readOnlyRootFilesystem? allowPrivilegeEscalation? runAsGroup? procMount? windowsOptions seccompProfile appArmorProfile
EnvFromSource: prefix configMapRef secretRef | VolumeDevice: name devicePath | ContainerResizePolicy: resourceName restartPolicy | ContainerRestartRule: action exitCodes
SELinuxOptions: user role type level | Sysctl: name value | WindowsSecurityContextOptions: gmsaCredentialSpecName? gmsaCredentialSpec? runAsUserName? hostProcess?
SeccompProfile: type localhostProfile? | AppArmorProfile: type localhostProfile?
NodeAffinity: requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution
PodAffinity: requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution
PodAntiAffinity: requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution | PodDNSConfigOption: name value?
EphemeralContainerCommon: name image command args workingDir ports env resources volumeMounts livenessProbe readinessProbe lifecycle terminationMessagePath imagePullPolicy securityContext
    stdin stdinOnce tty envFrom terminationMessagePolicy volumeDevices startupProbe resizePolicy restartPolicy? restartPolicyRules
ResourceClaim: name request | ContainerState: waiting running terminated | VolumeMountStatus: name mountPath readOnly recursiveReadOnly? volumeStatus | ContainerUser: linux
ResourceStatus: name resources | ContainerExtendedResourceRequest: containerName resourceName requestName | ScopedResourceSelectorRequirement: scopeName operator values
ClientIPConfig: timeoutSeconds? | LoadBalancerIngress: ip hostname ipMode? ports | ForZone: name | ForNode: name | FlowcontrolSubject: kind user group serviceAccount
ResourcePolicyRule: verbs apiGroups resources clusterScope namespaces | NonResourcePolicyRule: verbs nonResourceURLs=6 | LimitResponse: type queuing | IngressServiceBackend: name port
IngressRuleValue: http | IngressLoadBalancerIngress: ip hostname ports=4 | NetworkPolicyPort: protocol? port? endPort? | NetworkPolicyPeer: podSelector namespaceSelector ipBlock
CELDeviceSelector: expression | DeviceConfiguration: opaque | DeviceRequest: name exactly firstAvailable | DeviceConstraint: requests matchAttribute? distinctAttribute?
DeviceClaimConfiguration: requests *DeviceConfiguration | DeviceAllocationResult: results config | NetworkDeviceData: interfaceName ips hardwareAddress
NodeSelectorTerm: matchExpressions matchFields | DeviceAttribute: int?=2 bool? string? version? ints bools strings versions | DeviceCapacity: value requestPolicy
DeviceCounterConsumption: counterSet counters | DeviceTaint: key value effect timeAdded | NodeAllocatableResourceMapping: capacityKey? allocationMultiplier | Counter: value
VolumeNodeResources: count? | CustomResourceValidation: openAPIV3Schema | CustomResourceSubresources: status scale
CustomResourceColumnDefinition: name type format description priority jsonPath | SelectableField: jsonPath | WebhookConversion: clientConfig=2 conversionReviewVersions
FieldSelectorRequirement: key operator values | MetricTargetV2: type value averageValue averageUtilization? | MetricIdentifierV2: name selector
HPAScalingPolicyV2: type value periodSeconds | MetricValueStatusV2: value averageValue averageUtilization? | PodFailurePolicyOnExitCodesRequirement: containerName? operator values
PodFailurePolicyOnPodConditionsPattern: type status | SecretReference: name namespace | EmptyDirVolumeSource: medium sizeLimit | GitRepoVolumeSource: repository revision directory
SecretVolumeSource: secretName items defaultMode? optional?
ISCSIVolumeSource: targetPortal iqn lun iscsiInterface fsType readOnly portals chapAuthDiscovery secretRef=10 chapAuthSession initiatorName?
GlusterfsVolumeSource: endpoints path readOnly | PersistentVolumeClaimVolumeSource: claimName readOnly | RBDVolumeSource: monitors image fsType pool user keyring secretRef readOnly
FlexVolumeSource: driver fsType secretRef readOnly options | CinderVolumeSource: volumeID fsType readOnly secretRef
CephFSVolumeSource: monitors path user secretFile secretRef readOnly | DownwardAPIVolumeSource: items defaultMode? | AzureFileVolumeSource: secretName shareName readOnly
ConfigMapVolumeSource: *LocalObjectReference items defaultMode? optional?
ScaleIOVolumeSource: gateway system secretRef sslEnabled protectionDomain storagePool storageMode volumeName fsType readOnly | ProjectedVolumeSource: sources defaultMode?
StorageOSVolumeSource: volumeName volumeNamespace fsType readOnly secretRef | CSIVolumeSource: driver readOnly? fsType? volumeAttributes nodePublishSecretRef
EphemeralVolumeSource: volumeClaimTemplate | ImageVolumeSource: reference pullPolicy | EnvVarSource: fieldRef resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef
ProbeHandler: exec httpGet tcpSocket grpc | LifecycleHandler: exec httpGet tcpSocket sleep | Capabilities: add drop | ConfigMapEnvSource: *LocalObjectReference optional?
SecretEnvSource: *LocalObjectReference optional? | ContainerRestartRuleOnExitCodes: operator values | PreferredSchedulingTerm: weight preference
PodAffinityTerm: labelSelector namespaces topologyKey namespaceSelector matchLabelKeys mismatchLabelKeys | WeightedPodAffinityTerm: weight podAffinityTerm
ContainerStateWaiting: reason message | ContainerStateRunning: startedAt | ContainerStateTerminated: exitCode signal reason message startedAt finishedAt containerID
VolumeStatus: image | LinuxContainerUser: uid gid supplementalGroups | ResourceHealth: resourceID health message?=6 | PortStatus: port protocol error? | UserSubject: name
GroupSubject: name | ServiceAccountSubject: namespace name | QueuingConfiguration: queues handSize queueLengthLimit | ServiceBackendPort: name number | HTTPIngressRuleValue: paths
IngressPortStatus: port protocol error? | IPBlock: cidr except | OpaqueDeviceConfiguration: driver parameters
ExactDeviceRequest: deviceClassName selectors allocationMode count adminAccess? tolerations capacity
DeviceSubRequest: name deviceClassName selectors allocationMode count tolerations capacity
DeviceRequestAllocationResult: request driver pool device adminAccess? tolerations bindingConditions bindingFailureConditions shareID? consumedCapacity
DeviceAllocationConfiguration: source requests *DeviceConfiguration | NodeSelectorRequirement: key operator values | CapacityRequestPolicy: default validValues=3 validRange
JSONSchemaProps: id $schema $ref description type format title default maximum? exclusiveMaximum minimum? exclusiveMinimum maxLength? minLength? pattern maxItems? minItems? uniqueItems
    multipleOf? enum maxProperties? minProperties? required items allOf oneOf anyOf not properties additionalProperties patternProperties dependencies additionalItems definitions externalDocs
    example nullable x-kubernetes-preserve-unknown-fields? x-kubernetes-embedded-resource x-kubernetes-int-or-string x-kubernetes-list-map-keys x-kubernetes-list-type? x-kubernetes-map-type?
    x-kubernetes-validations
CustomResourceSubresourceScale: specReplicasPath statusReplicasPath labelSelectorPath? | ApiextensionsWebhookClientConfig: service caBundle url?
KeyToPath: key path mode? | DownwardAPIVolumeFile: path fieldRef resourceFieldRef mode?
VolumeProjection: secret downwardAPI configMap serviceAccountToken clusterTrustBundle podCertificate | ObjectFieldSelector: apiVersion fieldPath
ResourceFieldSelector: containerName resource divisor | ConfigMapKeySelector: *LocalObjectReference key optional? | SecretKeySelector: *LocalObjectReference key optional?
FileKeySelector: volumeName path key optional? | ExecAction: command | HTTPGetAction: path port host scheme httpHeaders | TCPSocketAction: port host | GRPCAction: port service?
SleepAction: seconds | ImageVolumeStatus: imageRef | HTTPIngressPath: path backend pathType? | DeviceToleration: key operator value effect tolerationSeconds?
CapacityRequirements: requests | CapacityRequestPolicyRange: min max step | ExternalDocumentation: description url
ValidationRule: rule message messageExpression reason? fieldPath optionalOldSelf? | ApiextensionsServiceReference: namespace name path? port?
SecretProjection: *LocalObjectReference items optional?=4 | DownwardAPIProjection: items | ConfigMapProjection: *LocalObjectReference items optional?=4
ServiceAccountTokenProjection: audience expirationSeconds? path | ClusterTrustBundleProjection: name? signerName? labelSelector path optional?
PodCertificateProjection: signerName keyType maxExpirationSeconds? credentialBundlePath keyPath certificateChainPath userAnnotations | HTTPHeader: name value
ComponentStatus: metadata conditions | ComponentCondition: type status message error | APIGroupList: groups | APIGroup: name versions preferredVersion serverAddressByClientCIDRs
APIVersions: versions serverAddressByClientCIDRs | GroupVersionForDiscovery: groupVersion version | ServerAddressByClientCIDR: clientCIDR serverAddress
APIResourceList: groupVersion resources | APIResource: name namespaced kind verbs shortNames singularName categories group version storageVersionHash
`

/** Lists that are a message around the list: upstream's types with a name of their own. */
export const wrappedLists: ReadonlySet<string> = new Set(['APIResource.verbs'])

export interface MessageField {
  name: string
  /** A zero is a value. */
  pointer: boolean
  /** The fields of this message stand in the type itself. */
  inline: boolean
}

/** Fields by number. */
export type MessageFields = ReadonlyMap<number, MessageField>

const parseFields = (text: string): MessageFields => {
  let number = 0
  return new Map(text.split(/\s+/).map((word): [number, MessageField] => {
    const [, inline = '', name = '', pointer = '', explicit] = /^(\*?)([^?=]+)(\??)(?:=(\d+))?$/.exec(word) ?? []
    number = explicit === undefined ? number + 1 : Number(explicit)
    return [number, { name, pointer: pointer !== '', inline: inline !== '' }]
  }))
}

const sources = new Map<string, string>()
const parsed = new Map<string, MessageFields>()

/** The fields of a message by our type's name; undefined where it is not in the table. */
export const messageFields = (name: string): MessageFields | undefined => {
  if (sources.size === 0) for (const [, type = '', fields = ''] of table.matchAll(/([\w$]+): ([^|:]+)(?=\||\n(?! )|$)/g)) sources.set(type, fields.trim())
  const known = parsed.get(name)
  const source = known ? undefined : sources.get(name)
  if (source === undefined) return known
  const fields = parseFields(source)
  parsed.set(name, fields)
  return fields
}
