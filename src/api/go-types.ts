/** The names of Go's types, for messages of the decoder: `cannot unmarshal string into … of type int32`. */
import { type FieldType, typeSchema } from './schema.ts'

// Strings that have a type of their own upstream: type → fields. What is not listed prints as `string`.
const namedStrings: Readonly<Record<string, string>> = {
  'types.UID': 'ObjectMeta.uid OwnerReference.uid ObjectReference.uid Preconditions.uid StatusDetails.uid',
  'v1.Protocol': 'ContainerPort.protocol ServicePort.protocol EndpointPort.protocol DiscoveryEndpointPort.protocol NetworkPolicyPort.protocol',
  'v1.URIScheme': 'HTTPGetAction.scheme',
  'v1.PullPolicy': 'Container.imagePullPolicy EphemeralContainer.imagePullPolicy ImageVolumeSource.pullPolicy',
  'v1.TerminationMessagePolicy': 'Container.terminationMessagePolicy EphemeralContainer.terminationMessagePolicy',
  'v1.RestartPolicy': 'PodSpec.restartPolicy',
  'v1.ContainerRestartPolicy': 'Container.restartPolicy EphemeralContainer.restartPolicy',
  'v1.DNSPolicy': 'PodSpec.dnsPolicy',
  'v1.PreemptionPolicy': 'PodSpec.preemptionPolicy PriorityClass.preemptionPolicy',
  'v1.ServiceType': 'ServiceSpec.type',
  'v1.ServiceAffinity': 'ServiceSpec.sessionAffinity',
  'v1.ServiceExternalTrafficPolicy': 'ServiceSpec.externalTrafficPolicy',
  'v1.ServiceInternalTrafficPolicy': 'ServiceSpec.internalTrafficPolicy',
  'v1.IPFamily': 'ServiceSpec.ipFamilies',
  'v1.IPFamilyPolicy': 'ServiceSpec.ipFamilyPolicy',
  'v1.TaintEffect': 'Taint.effect Toleration.effect',
  'v1.TolerationOperator': 'Toleration.operator',
  'v1.NodeSelectorOperator': 'NodeSelectorRequirement.operator',
  'v1.LabelSelectorOperator': 'LabelSelectorRequirement.operator',
  'v1.SecretType': 'Secret.type',
  'v1.StorageMedium': 'EmptyDirVolumeSource.medium',
  'v1.HostPathType': 'HostPathVolumeSource.type',
  'v1.MountPropagationMode': 'VolumeMount.mountPropagation',
  'v1.Capability': 'Capabilities.add Capabilities.drop',
  'v1.PodPhase': 'PodStatus.phase',
  'v1.NamespacePhase': 'NamespaceStatus.phase',
  'v1.FinalizerName': 'NamespaceSpec.finalizers',
  'v1.PodConditionType': 'PodCondition.type PodReadinessGate.conditionType',
  'v1.ConditionStatus': 'PodCondition.status NodeCondition.status DeploymentCondition.status ReplicaSetCondition.status JobCondition.status Condition.status',
  'v1.NodeConditionType': 'NodeCondition.type',
  'v1.NodeAddressType': 'NodeAddress.type',
  'v1.UnsatisfiableConstraintAction': 'TopologySpreadConstraint.whenUnsatisfiable',
  'v1.PersistentVolumeAccessMode': 'PersistentVolumeClaimSpec.accessModes PersistentVolumeSpec.accessModes',
  'v1.PersistentVolumeMode': 'PersistentVolumeClaimSpec.volumeMode PersistentVolumeSpec.volumeMode',
  'v1.PersistentVolumeReclaimPolicy': 'PersistentVolumeSpec.persistentVolumeReclaimPolicy StorageClass.reclaimPolicy',
  'v1.DeploymentStrategyType': 'DeploymentStrategy.type',
  'v1.DaemonSetUpdateStrategyType': 'DaemonSetUpdateStrategy.type',
  'v1.StatefulSetUpdateStrategyType': 'StatefulSetUpdateStrategy.type',
  'v1.PodManagementPolicyType': 'StatefulSetSpec.podManagementPolicy',
  'v1.CompletionMode': 'JobSpec.completionMode',
  'v1.ConcurrencyPolicy': 'CronJobSpec.concurrencyPolicy',
  'v1.PathType': 'HTTPIngressPath.pathType',
  'v1.PolicyType': 'NetworkPolicySpec.policyTypes',
  'v1.AddressType': 'EndpointSlice.addressType',
  'v1.KeyUsage': 'CertificateSigningRequestSpec.usages',
  'v1.DeletionPropagation': 'DeleteOptions.propagationPolicy',
}

const byField: ReadonlyMap<string, string> = new Map(Object.entries(namedStrings).flatMap(([type, fields]) => fields.split(' ').map((field) => [field, type] as const)))

/** The Go type of a value; `path` is the schema's `Type.field` that it belongs to. */
export const goType = (type: FieldType, path: string): string => {
  switch (type.kind) {
    case 'string': return byField.get(path) ?? 'string'
    case 'boolean': return 'bool'
    case 'double': return 'float64'
    case 'bytes': return '[]uint8'
    case 'ref': return typeSchema(type.name).goType
    case 'array': return `[]${goType(type.items, path)}`
    case 'map': return type.values.kind === 'quantity' ? 'v1.ResourceList' : `map[string]${goType(type.values, path)}`
    case 'time': case 'microtime': return 'string'
    case 'int-or-string': return 'int32'
    case 'quantity': return 'resource.Quantity'
    case 'any': return 'interface {}'
    default: return type.kind
  }
}
