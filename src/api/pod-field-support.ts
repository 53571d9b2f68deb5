/**
 * Every field of a pod's spec, and what becomes of it on this cluster's nodes: supported, refused by name, or without effect. Pure.
 * The kubelet's refusals, the API server's warnings and the README's table are made from here; `test/api/pod-field-support.test.ts` compares it with the schema.
 */
import type { AppArmorProfile, ContainerPort, EphemeralContainer, PodSpec, Volume } from './types.ts'

/**
 * `waits`: the pod stays in ContainerCreating, with an event of `reason`. `rejected`: the kubelet ends the pod as Failed, with `reason`.
 * `api`: answered 422 by the API server, since upstream's gate is off (a static pod is rejected). `forbidden`: by upstream's own validation. `none`: has no effect, as upstream on a node like ours.
 * All but `api` and `forbidden` are accepted by the API server, as upstream, with a warning.
 */
export type Verdict = 'waits' | 'rejected' | 'api' | 'forbidden' | 'none'

export interface Refusal {
  verdict: Verdict
  /** Of the event or of the pod's status. */
  reason: string
  /** For people: completes "not supported by the nodes of this cluster: ...". */
  why: string
  /** What the kubelet says, where upstream has words of its own. */
  says?(value: unknown): string
  /** Only such values are refused, the others are supported. */
  only?: { what: string; is(value: unknown, holder: object, spec: PodSpec): boolean }
}

const noVolume = (type: string): Refusal => ({ verdict: 'waits', reason: 'FailedMount', why: `no volume plugin for ${type}`, says: () => `no volume plugin matched: ${type}` })
const linuxOnly: Refusal = { verdict: 'rejected', reason: 'PodOSNotSupported', why: 'they run Linux' }
const noClaims: Refusal = { verdict: 'waits', reason: 'FailedPrepareDynamicResources', why: 'no drivers of dynamic resources' }
const noSelinux: Refusal = { verdict: 'none', reason: '', why: 'SELinux labels nothing there' }
const noAppArmor: Refusal = { verdict: 'rejected', reason: 'AppArmor', why: 'no AppArmor profiles are applied', says: () => 'Cannot enforce AppArmor: this kubelet applies no AppArmor profiles' }
const notUnconfined = 'profiles other than Unconfined'
const isConfined = (value: unknown): boolean => (value as AppArmorProfile).type !== 'Unconfined'
const withOwnUsers = (field: string, is: (value: unknown) => boolean): Refusal => ({
  verdict: 'rejected', reason: 'UnsupportedPodFeature', why: `${field} with hostUsers: false`, only: { what: 'with `hostUsers: false`', is: (value, _holder, spec) => spec.hostUsers === false && is(value) },
})
const gated = (gate: string): Refusal => ({ verdict: 'api', reason: 'UnsupportedPodFeature', why: `upstream's gate ${gate} is off` })

const notInEphemeral: Refusal = { verdict: 'forbidden', reason: 'Forbidden', why: 'cannot be set for an Ephemeral Container' }
const ephemeralForbidden = ['lifecycle', 'livenessProbe', 'ports', 'readinessProbe', 'resizePolicy', 'resources', 'restartPolicy', 'restartPolicyRules', 'startupProbe'] as const satisfies readonly (keyof EphemeralContainer)[]

const otherVolumes = ['awsElasticBlockStore', 'azureDisk', 'azureFile', 'cephfs', 'cinder', 'fc', 'flexVolume', 'flocker', 'gcePersistentDisk', 'glusterfs', 'iscsi', 'photonPersistentDisk', 'portworxVolume',
  'quobyte', 'rbd', 'scaleIO', 'storageos', 'vsphereVolume'] as const satisfies readonly (keyof Volume)[]

/** By type and field. A refusal without `only` is of all values; what has none here is supported. */
export const refusals: Readonly<Record<string, Refusal>> = {
  'PodSpec.hostNetwork': withOwnUsers('hostNetwork', Boolean),
  'PodSpec.hostPID': withOwnUsers('hostPID', Boolean),
  'PodSpec.hostIPC': withOwnUsers('hostIPC', Boolean),
  'PodSpec.shareProcessNamespace': withOwnUsers('shareProcessNamespace', Boolean),
  'PodSpec.resourceClaims': noClaims,
  'PodSpec.schedulingGroup': gated('GenericWorkload'),
  'PodOS.name': { ...linuxOnly, says: () => "Failed to admit pod as the OS field doesn't match node OS", only: { what: 'windows', is: (value) => value !== 'linux' } },
  'PodSecurityContext.appArmorProfile': {
    ...noAppArmor,
    // What each container says comes before what the pod says.
    only: { what: notUnconfined, is: (value, _holder, { containers, initContainers = [] }) => isConfined(value) && [...initContainers, ...containers].some(({ securityContext }) => !securityContext?.appArmorProfile) },
  },
  'SecurityContext.appArmorProfile': { ...noAppArmor, only: { what: notUnconfined, is: isConfined } },
  'PodSecurityContext.windowsOptions': linuxOnly,
  'PodSecurityContext.seLinuxOptions': noSelinux,
  'PodSecurityContext.seLinuxChangePolicy': noSelinux,
  'SecurityContext.windowsOptions': linuxOnly,
  'SecurityContext.seLinuxOptions': noSelinux,
  ...Object.fromEntries(ephemeralForbidden.map((field) => [`EphemeralContainer.${field}`, notInEphemeral])),
  'ContainerPort.hostPort': {
    verdict: 'rejected', reason: 'UnsupportedPodFeature', why: 'host ports are TCP or UDP',
    only: { what: 'SCTP', is: (value, holder, spec) => Boolean(value) && (holder as ContainerPort).protocol === 'SCTP' && !spec.hostNetwork },
  },
  'VolumeMount.mountPropagation': withOwnUsers('mountPropagation Bidirectional', (value) => value === 'Bidirectional'),
  'ResourceRequirements.claims': noClaims,
  'EmptyDirVolumeSource.medium': {
    verdict: 'waits', reason: 'FailedMount', why: 'media are "", Memory, HugePages and HugePages-<size>', says: (value) => `unknown storage medium ${JSON.stringify(value)}`,
    only: { what: 'media other than `""`, `Memory`, `HugePages` and `HugePages-<size>`', is: (value) => value !== 'Memory' && !/^HugePages(-|$)/.test(String(value)) },
  },
  ...Object.fromEntries(otherVolumes.map((type) => [`Volume.${type}`, noVolume(type)])),
  'Volume.gitRepo': { ...noVolume('gitRepo'), says: () => 'git-repo volume plugin has been disabled' },
  'VolumeProjection.clusterTrustBundle': gated('ClusterTrustBundleProjection'),
  'VolumeProjection.podCertificate': gated('PodCertificateRequest'),
}

/** Types that stand only in fields that are refused as a whole: their fields are refused with these. */
export const refusedWith: Readonly<Record<string, string>> = {
  AWSElasticBlockStoreVolumeSource: 'Volume.awsElasticBlockStore', AzureDiskVolumeSource: 'Volume.azureDisk', AzureFileVolumeSource: 'Volume.azureFile', CephFSVolumeSource: 'Volume.cephfs',
  CinderVolumeSource: 'Volume.cinder', FCVolumeSource: 'Volume.fc', FlexVolumeSource: 'Volume.flexVolume', FlockerVolumeSource: 'Volume.flocker',
  GCEPersistentDiskVolumeSource: 'Volume.gcePersistentDisk', GitRepoVolumeSource: 'Volume.gitRepo', GlusterfsVolumeSource: 'Volume.glusterfs', ISCSIVolumeSource: 'Volume.iscsi',
  PhotonPersistentDiskVolumeSource: 'Volume.photonPersistentDisk', PortworxVolumeSource: 'Volume.portworxVolume', QuobyteVolumeSource: 'Volume.quobyte', RBDVolumeSource: 'Volume.rbd',
  ScaleIOVolumeSource: 'Volume.scaleIO', StorageOSVolumeSource: 'Volume.storageos', VsphereVirtualDiskVolumeSource: 'Volume.vsphereVolume',
  ClusterTrustBundleProjection: 'VolumeProjection.clusterTrustBundle', PodCertificateProjection: 'VolumeProjection.podCertificate', PodSchedulingGroup: 'PodSpec.schedulingGroup',
  PodResourceClaim: 'PodSpec.resourceClaims', ResourceClaim: 'ResourceRequirements.claims',
  WindowsSecurityContextOptions: 'SecurityContext.windowsOptions', SELinuxOptions: 'SecurityContext.seLinuxOptions',
}

/** The supported fields (also those of which only some values are refused), by type. */
export const supportedFields: Readonly<Record<string, string>> = {
  PodSpec: 'activeDeadlineSeconds affinity automountServiceAccountToken containers dnsConfig dnsPolicy enableServiceLinks ephemeralContainers hostAliases hostIPC hostNetwork hostPID hostUsers hostname hostnameOverride imagePullSecrets initContainers nodeName nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates resources restartPolicy runtimeClassName schedulerName schedulingGates securityContext serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations topologySpreadConstraints volumes',
  Affinity: 'nodeAffinity podAffinity podAntiAffinity',
  NodeAffinity: 'preferredDuringSchedulingIgnoredDuringExecution requiredDuringSchedulingIgnoredDuringExecution',
  PreferredSchedulingTerm: 'preference weight',
  NodeSelectorTerm: 'matchExpressions matchFields',
  NodeSelectorRequirement: 'key operator values',
  NodeSelector: 'nodeSelectorTerms',
  PodAffinity: 'preferredDuringSchedulingIgnoredDuringExecution requiredDuringSchedulingIgnoredDuringExecution',
  WeightedPodAffinityTerm: 'podAffinityTerm weight',
  PodAffinityTerm: 'labelSelector matchLabelKeys mismatchLabelKeys namespaceSelector namespaces topologyKey',
  LabelSelector: 'matchExpressions matchLabels',
  LabelSelectorRequirement: 'key operator values',
  PodAntiAffinity: 'preferredDuringSchedulingIgnoredDuringExecution requiredDuringSchedulingIgnoredDuringExecution',
  Container: 'args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports readinessProbe resizePolicy resources restartPolicy restartPolicyRules securityContext startupProbe stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir',
  EnvVar: 'name value valueFrom',
  EnvVarSource: 'configMapKeyRef fieldRef fileKeyRef resourceFieldRef secretKeyRef',
  ConfigMapKeySelector: 'key name optional',
  ObjectFieldSelector: 'apiVersion fieldPath',
  FileKeySelector: 'key optional path volumeName',
  ResourceFieldSelector: 'containerName divisor resource',
  SecretKeySelector: 'key name optional',
  EnvFromSource: 'configMapRef prefix secretRef',
  ConfigMapEnvSource: 'name optional',
  SecretEnvSource: 'name optional',
  Lifecycle: 'postStart preStop stopSignal',
  LifecycleHandler: 'exec httpGet sleep tcpSocket',
  ExecAction: 'command',
  HTTPGetAction: 'host httpHeaders path port scheme',
  HTTPHeader: 'name value',
  SleepAction: 'seconds',
  TCPSocketAction: 'host port',
  Probe: 'exec failureThreshold grpc httpGet initialDelaySeconds periodSeconds successThreshold tcpSocket terminationGracePeriodSeconds timeoutSeconds',
  GRPCAction: 'port service',
  ContainerPort: 'containerPort hostIP hostPort name protocol',
  ContainerResizePolicy: 'resourceName restartPolicy',
  ResourceRequirements: 'limits requests',
  ContainerRestartRule: 'action exitCodes',
  ContainerRestartRuleOnExitCodes: 'operator values',
  SecurityContext: 'allowPrivilegeEscalation appArmorProfile capabilities privileged procMount readOnlyRootFilesystem runAsGroup runAsNonRoot runAsUser seccompProfile',
  AppArmorProfile: 'localhostProfile type',
  Capabilities: 'add drop',
  SeccompProfile: 'localhostProfile type',
  VolumeDevice: 'devicePath name',
  VolumeMount: 'mountPath mountPropagation name readOnly recursiveReadOnly subPath subPathExpr',
  PodDNSConfig: 'nameservers options searches',
  PodDNSConfigOption: 'name value',
  EphemeralContainer: 'args command env envFrom image imagePullPolicy name securityContext stdin stdinOnce targetContainerName terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir',
  HostAlias: 'hostnames ip',
  LocalObjectReference: 'name',
  PodOS: 'name',
  PodReadinessGate: 'conditionType',
  PodSchedulingGate: 'name',
  PodSecurityContext: 'appArmorProfile fsGroup fsGroupChangePolicy runAsGroup runAsNonRoot runAsUser seccompProfile supplementalGroups supplementalGroupsPolicy sysctls',
  Sysctl: 'name value',
  Toleration: 'effect key operator tolerationSeconds value',
  TopologySpreadConstraint: 'labelSelector matchLabelKeys maxSkew minDomains nodeAffinityPolicy nodeTaintsPolicy topologyKey whenUnsatisfiable',
  Volume: 'configMap csi downwardAPI emptyDir ephemeral hostPath image name nfs persistentVolumeClaim projected secret',
  ConfigMapVolumeSource: 'defaultMode items name optional',
  KeyToPath: 'key mode path',
  DownwardAPIVolumeSource: 'defaultMode items',
  DownwardAPIVolumeFile: 'fieldRef mode path resourceFieldRef',
  EmptyDirVolumeSource: 'medium sizeLimit',
  CSIVolumeSource: 'driver fsType nodePublishSecretRef readOnly volumeAttributes',
  EphemeralVolumeSource: 'volumeClaimTemplate',
  PersistentVolumeClaimTemplate: 'metadata spec',
  HostPathVolumeSource: 'path type',
  ImageVolumeSource: 'pullPolicy reference',
  NFSVolumeSource: 'path readOnly server',
  PersistentVolumeClaimVolumeSource: 'claimName readOnly',
  ProjectedVolumeSource: 'defaultMode sources',
  VolumeProjection: 'configMap downwardAPI secret serviceAccountToken',
  ConfigMapProjection: 'items name optional',
  DownwardAPIProjection: 'items',
  SecretProjection: 'items name optional',
  ServiceAccountTokenProjection: 'audience expirationSeconds path',
  SecretVolumeSource: 'defaultMode items optional secretName',
}
