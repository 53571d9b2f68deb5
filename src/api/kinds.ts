/**
 * A row per kind. Everything that is generic (verbs, URLs, store keys, discovery, RBAC, the dashboard's commands) follows from
 * these rows; what is special to a kind stands in its strategy (apiserver/registry).
 */
import type { CustomType } from './custom-type.ts'
import type * as types from './types.ts'
import type { KubeObject } from './meta.ts'

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch'

export const usualVerbs: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** A subresource as discovery shows it; `kind` where its body is another kind than the parent's (`autoscaling/v1 Scale`). */
export interface Subresource {
  name: string
  verbs: readonly ('create' | 'get' | 'patch' | 'update')[]
  group?: string
  version?: string
  kind?: string
}

/** Describes a kind; `T` is the type of its objects. */
export interface Kind<T extends KubeObject = KubeObject> {
  /** '' for the core group. */
  group: string
  version: string
  kind: string
  plural: string
  singular: string
  shortNames: readonly string[]
  categories: readonly string[]
  namespaced: boolean
  verbs: readonly Verb[]
  subresources: readonly Subresource[]
  /** The name of the schema in generated/schema.gen.json (`Pod`, `EventsEvent`). */
  schema: string
  /** The kind of its lists, where that is not `<kind>List`. */
  listKind?: string | undefined
  /** Of custom resources: how their objects are read, instead of `schema`. */
  custom?: CustomType | undefined
  /** Never present: carries the type of the objects. */
  readonly type?: T
}

type Row = Pick<Kind, 'group' | 'version' | 'kind' | 'plural'> & Partial<Kind>

export const kind = <T extends KubeObject>(row: Row): Kind<T> => ({
  singular: row.kind.toLowerCase(), shortNames: [], categories: [], namespaced: true, verbs: usualVerbs, subresources: [], schema: row.kind, ...row,
}) as Kind<T>

const status: Subresource = { name: 'status', verbs: ['get', 'patch', 'update'] }
const scale: Subresource = { name: 'scale', verbs: ['get', 'patch', 'update'], group: 'autoscaling', version: 'v1', kind: 'Scale' }
const core = { group: '', version: 'v1' }
const apps = { group: 'apps', version: 'v1' }
const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' }
const networking = { group: 'networking.k8s.io', version: 'v1' }
const storage = { group: 'storage.k8s.io', version: 'v1' }
const flowControl = { group: 'flowcontrol.apiserver.k8s.io', version: 'v1' }
const resource = { group: 'resource.k8s.io', version: 'v1' }
const admissionRegistration = { group: 'admissionregistration.k8s.io', version: 'v1', namespaced: false, categories: ['api-extensions'] }
const connect: Subresource['verbs'] = ['create', 'get']

export const Pods = kind<types.Pod>({ ...core, kind: 'Pod', plural: 'pods', shortNames: ['po'], categories: ['all'], subresources: [
  { name: 'attach', verbs: connect, kind: 'PodAttachOptions' },
  { name: 'binding', verbs: ['create'], kind: 'Binding' },
  { name: 'ephemeralcontainers', verbs: ['get', 'patch', 'update'] },
  { name: 'eviction', verbs: ['create'], group: 'policy', version: 'v1', kind: 'Eviction' },
  { name: 'exec', verbs: connect, kind: 'PodExecOptions' },
  { name: 'log', verbs: ['get'] },
  { name: 'portforward', verbs: connect, kind: 'PodPortForwardOptions' },
  { name: 'resize', verbs: ['get', 'patch', 'update'] },
  status,
] })
export const Namespaces = kind<types.Namespace>({ ...core, kind: 'Namespace', plural: 'namespaces', shortNames: ['ns'], namespaced: false,
  verbs: usualVerbs.filter((verb) => verb !== 'deletecollection'), subresources: [{ name: 'finalize', verbs: ['update'] }, status] })
export const Nodes = kind<types.Node>({ ...core, kind: 'Node', plural: 'nodes', shortNames: ['no'], namespaced: false, subresources: [status] })
export const ConfigMaps = kind<types.ConfigMap>({ ...core, kind: 'ConfigMap', plural: 'configmaps', shortNames: ['cm'] })
export const Secrets = kind<types.Secret>({ ...core, kind: 'Secret', plural: 'secrets' })
export const ServiceAccounts = kind<types.ServiceAccount>({ ...core, kind: 'ServiceAccount', plural: 'serviceaccounts', shortNames: ['sa'],
  subresources: [{ name: 'token', verbs: ['create'], group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' }] })
export const Services = kind<types.Service>({ ...core, kind: 'Service', plural: 'services', shortNames: ['svc'], categories: ['all'], subresources: [status] })
export const Endpoints = kind<types.Endpoints>({ ...core, kind: 'Endpoints', plural: 'endpoints', singular: 'endpoints', shortNames: ['ep'] })
export const Events = kind<types.Event>({ ...core, kind: 'Event', plural: 'events', shortNames: ['ev'] })
export const Deployments = kind<types.Deployment>({ ...apps, kind: 'Deployment', plural: 'deployments', shortNames: ['deploy'], categories: ['all'], subresources: [scale, status] })
export const ReplicaSets = kind<types.ReplicaSet>({ ...apps, kind: 'ReplicaSet', plural: 'replicasets', shortNames: ['rs'], categories: ['all'], subresources: [scale, status] })
export const DaemonSets = kind<types.DaemonSet>({ ...apps, kind: 'DaemonSet', plural: 'daemonsets', shortNames: ['ds'], categories: ['all'], subresources: [status] })
export const ControllerRevisions = kind<types.ControllerRevision>({ ...apps, kind: 'ControllerRevision', plural: 'controllerrevisions' })
export const Jobs = kind<types.Job>({ group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', categories: ['all'], subresources: [status] })
export const EndpointSlices = kind<types.EndpointSlice>({ group: 'discovery.k8s.io', version: 'v1', kind: 'EndpointSlice', plural: 'endpointslices' })
export const Leases = kind<types.Lease>({ group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases' })
export const PriorityClasses = kind<types.PriorityClass>({ group: 'scheduling.k8s.io', version: 'v1', kind: 'PriorityClass', plural: 'priorityclasses', shortNames: ['pc'], namespaced: false })
export const Roles = kind<types.Role>({ ...rbac, kind: 'Role', plural: 'roles' })
export const RoleBindings = kind<types.RoleBinding>({ ...rbac, kind: 'RoleBinding', plural: 'rolebindings' })
export const ClusterRoles = kind<types.ClusterRole>({ ...rbac, kind: 'ClusterRole', plural: 'clusterroles', namespaced: false })
export const ClusterRoleBindings = kind<types.ClusterRoleBinding>({ ...rbac, kind: 'ClusterRoleBinding', plural: 'clusterrolebindings', namespaced: false })
export const CertificateSigningRequests = kind<types.CertificateSigningRequest>({ group: 'certificates.k8s.io', version: 'v1', kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests', shortNames: ['csr'], namespaced: false, subresources: [{ name: 'approval', verbs: ['get', 'patch', 'update'] }, status] })
export const StatefulSets = kind<types.StatefulSet>({ ...apps, kind: 'StatefulSet', plural: 'statefulsets', shortNames: ['sts'], categories: ['all'], subresources: [scale, status] })
export const ReplicationControllers = kind<types.ReplicationController>({ ...core, kind: 'ReplicationController', plural: 'replicationcontrollers', shortNames: ['rc'], categories: ['all'], subresources: [scale, status] })
export const PodTemplates = kind<types.PodTemplate>({ ...core, kind: 'PodTemplate', plural: 'podtemplates' })
export const LimitRanges = kind<types.LimitRange>({ ...core, kind: 'LimitRange', plural: 'limitranges', shortNames: ['limits'] })
export const ResourceQuotas = kind<types.ResourceQuota>({ ...core, kind: 'ResourceQuota', plural: 'resourcequotas', shortNames: ['quota'], subresources: [status] })
export const PersistentVolumes = kind<types.PersistentVolume>({ ...core, kind: 'PersistentVolume', plural: 'persistentvolumes', shortNames: ['pv'], namespaced: false, subresources: [status] })
export const PersistentVolumeClaims = kind<types.PersistentVolumeClaim>({ ...core, kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims', shortNames: ['pvc'], subresources: [status] })
export const CronJobs = kind<types.CronJob>({ group: 'batch', version: 'v1', kind: 'CronJob', plural: 'cronjobs', shortNames: ['cj'], categories: ['all'], subresources: [status] })
/** Stored as v2; autoscaling/v1 is a view on it. */
export const HorizontalPodAutoscalers = kind<types.HorizontalPodAutoscalerV2>({ group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler', plural: 'horizontalpodautoscalers', shortNames: ['hpa'], categories: ['all'], subresources: [status], schema: 'HorizontalPodAutoscalerV2' })
export const PodDisruptionBudgets = kind<types.PodDisruptionBudget>({ group: 'policy', version: 'v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets', shortNames: ['pdb'], subresources: [status] })
export const Ingresses = kind<types.Ingress>({ ...networking, kind: 'Ingress', plural: 'ingresses', shortNames: ['ing'], subresources: [status] })
export const IngressClasses = kind<types.IngressClass>({ ...networking, kind: 'IngressClass', plural: 'ingressclasses', namespaced: false })
export const NetworkPolicies = kind<types.NetworkPolicy>({ ...networking, kind: 'NetworkPolicy', plural: 'networkpolicies', shortNames: ['netpol'] })
export const IPAddresses = kind<types.IPAddress>({ ...networking, kind: 'IPAddress', plural: 'ipaddresses', shortNames: ['ip'], namespaced: false })
export const ServiceCIDRs = kind<types.ServiceCIDR>({ ...networking, kind: 'ServiceCIDR', plural: 'servicecidrs', namespaced: false, subresources: [status] })
export const RuntimeClasses = kind<types.RuntimeClass>({ group: 'node.k8s.io', version: 'v1', kind: 'RuntimeClass', plural: 'runtimeclasses', namespaced: false })
export const CSIDrivers = kind<types.CSIDriver>({ ...storage, kind: 'CSIDriver', plural: 'csidrivers', namespaced: false })
export const CSINodes = kind<types.CSINode>({ ...storage, kind: 'CSINode', plural: 'csinodes', namespaced: false })
export const CSIStorageCapacities = kind<types.CSIStorageCapacity>({ ...storage, kind: 'CSIStorageCapacity', plural: 'csistoragecapacities' })
export const StorageClasses = kind<types.StorageClass>({ ...storage, kind: 'StorageClass', plural: 'storageclasses', shortNames: ['sc'], namespaced: false })
export const VolumeAttachments = kind<types.VolumeAttachment>({ ...storage, kind: 'VolumeAttachment', plural: 'volumeattachments', namespaced: false, subresources: [status] })
export const VolumeAttributesClasses = kind<types.VolumeAttributesClass>({ ...storage, kind: 'VolumeAttributesClass', plural: 'volumeattributesclasses', shortNames: ['vac'], namespaced: false })
export const FlowSchemas = kind<types.FlowSchema>({ ...flowControl, kind: 'FlowSchema', plural: 'flowschemas', namespaced: false, subresources: [status] })
export const PriorityLevelConfigurations = kind<types.PriorityLevelConfiguration>({ ...flowControl, kind: 'PriorityLevelConfiguration', plural: 'prioritylevelconfigurations', namespaced: false, subresources: [status] })
export const DeviceClasses = kind<types.DeviceClass>({ ...resource, kind: 'DeviceClass', plural: 'deviceclasses', namespaced: false })
export const ResourceClaims = kind<types.ResourceResourceClaim>({ ...resource, kind: 'ResourceClaim', plural: 'resourceclaims', subresources: [status], schema: 'ResourceResourceClaim' })
export const ResourceClaimTemplates = kind<types.ResourceClaimTemplate>({ ...resource, kind: 'ResourceClaimTemplate', plural: 'resourceclaimtemplates' })
export const ResourceSlices = kind<types.ResourceSlice>({ ...resource, kind: 'ResourceSlice', plural: 'resourceslices', namespaced: false })
export const MutatingAdmissionPolicies = kind<types.MutatingAdmissionPolicy>({ ...admissionRegistration, kind: 'MutatingAdmissionPolicy', plural: 'mutatingadmissionpolicies' })
export const MutatingAdmissionPolicyBindings = kind<types.MutatingAdmissionPolicyBinding>({ ...admissionRegistration, kind: 'MutatingAdmissionPolicyBinding', plural: 'mutatingadmissionpolicybindings' })
export const MutatingWebhookConfigurations = kind<types.MutatingWebhookConfiguration>({ ...admissionRegistration, kind: 'MutatingWebhookConfiguration', plural: 'mutatingwebhookconfigurations' })
export const ValidatingAdmissionPolicies = kind<types.ValidatingAdmissionPolicy>({ ...admissionRegistration, kind: 'ValidatingAdmissionPolicy', plural: 'validatingadmissionpolicies', subresources: [status] })
export const ValidatingAdmissionPolicyBindings = kind<types.ValidatingAdmissionPolicyBinding>({ ...admissionRegistration, kind: 'ValidatingAdmissionPolicyBinding', plural: 'validatingadmissionpolicybindings' })
export const ValidatingWebhookConfigurations = kind<types.ValidatingWebhookConfiguration>({ ...admissionRegistration, kind: 'ValidatingWebhookConfiguration', plural: 'validatingwebhookconfigurations' })
export const CustomResourceDefinitions = kind<types.CustomResourceDefinition>({ group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition', plural: 'customresourcedefinitions', shortNames: ['crd', 'crds'], categories: ['api-extensions'], namespaced: false, subresources: [status] })
export const APIServices = kind<types.APIService>({ group: 'apiregistration.k8s.io', version: 'v1', kind: 'APIService', plural: 'apiservices', categories: ['api-extensions'], namespaced: false, subresources: [status] })

/** The kinds that are stored. events.k8s.io/v1 is a second view on Events and has no row of its own store. */
export const storedKinds: readonly Kind[] = [
  Pods, Namespaces, Nodes, ConfigMaps, Secrets, ServiceAccounts, Services, Endpoints, Events,
  Deployments, ReplicaSets, DaemonSets, ControllerRevisions, Jobs, EndpointSlices, Leases, PriorityClasses,
  Roles, RoleBindings, ClusterRoles, ClusterRoleBindings, CertificateSigningRequests,
  StatefulSets, ReplicationControllers, PodTemplates, LimitRanges, ResourceQuotas, CronJobs, PodDisruptionBudgets, HorizontalPodAutoscalers,
  MutatingWebhookConfigurations, ValidatingWebhookConfigurations, APIServices,
  PersistentVolumes, PersistentVolumeClaims, Ingresses, IngressClasses, NetworkPolicies, IPAddresses, ServiceCIDRs,
  StorageClasses, VolumeAttributesClasses, CSIDrivers, CSINodes, CSIStorageCapacities, VolumeAttachments, RuntimeClasses,
  FlowSchemas, PriorityLevelConfigurations, DeviceClasses, ResourceClaims, ResourceClaimTemplates, ResourceSlices,
  ValidatingAdmissionPolicies, ValidatingAdmissionPolicyBindings, MutatingAdmissionPolicies, MutatingAdmissionPolicyBindings,
  CustomResourceDefinitions,
]

/** `v1` or `apps/v1`. */
export const apiVersionOf = ({ group, version }: Pick<Kind, 'group' | 'version'>): string => (group ? `${group}/${version}` : version)

/** `pods` or `deployments.apps`: how messages and RBAC name a resource. */
export const groupResource = ({ group, plural }: Pick<Kind, 'group' | 'plural'>): string => (group ? `${plural}.${group}` : plural)

/** The URL path of a kind's collection, an object, or its subresource: the only place where such paths are made. */
export const resourcePath = (of: Pick<Kind, 'group' | 'version' | 'plural' | 'namespaced'>, at: { namespace?: string | undefined; name?: string | undefined; subresource?: string | undefined } = {}): string => [
  of.group ? `/apis/${of.group}/${of.version}` : `/api/${of.version}`,
  of.namespaced && at.namespace ? `namespaces/${encodeURIComponent(at.namespace)}` : '',
  of.plural,
  at.name === undefined ? '' : encodeURIComponent(at.name),
  at.subresource ?? '',
].filter((part) => part !== '').join('/')
