/** The roles and bindings that every cluster starts with. Mirrors `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`, for the API that is served. */
import type { ClusterRole, ClusterRoleBinding, Draft, PolicyRule, Role, RoleBinding, Subject } from '../../api/types.ts'
import { controllerNamespaceRoles, controllerRoles } from './controller-roles.ts'

const read = ['get', 'list', 'watch']
const write = ['create', 'delete', 'deletecollection', 'patch', 'update']
const readWrite = [...read, ...write]
const on = (verbs: readonly string[], apiGroup: string, ...resources: string[]): PolicyRule => ({ verbs: [...verbs], apiGroups: [apiGroup], resources })
const named = (verbs: readonly string[], apiGroup: string, resource: string, ...resourceNames: string[]): PolicyRule => ({ ...on(verbs, apiGroup, resource), resourceNames })
const at = (...nonResourceURLs: string[]): PolicyRule => ({ verbs: ['get'], nonResourceURLs })

const events: PolicyRule = { verbs: ['create', 'patch', 'update'], apiGroups: ['', 'events.k8s.io'], resources: ['events'] }
const rbacGroup = 'rbac.authorization.k8s.io'

const viewRules: PolicyRule[] = [
  on(read, '', 'pods', 'replicationcontrollers', 'replicationcontrollers/scale', 'serviceaccounts', 'services', 'services/status', 'endpoints', 'persistentvolumeclaims', 'persistentvolumeclaims/status', 'configmaps'),
  on(read, '', 'limitranges', 'resourcequotas', 'bindings', 'events', 'pods/status', 'resourcequotas/status', 'namespaces/status', 'replicationcontrollers/status', 'pods/log'),
  on(read, '', 'namespaces'),
  on(read, 'discovery.k8s.io', 'endpointslices'),
  on(read, 'apps', 'controllerrevisions', 'daemonsets', 'daemonsets/status', 'deployments', 'deployments/scale', 'deployments/status', 'replicasets', 'replicasets/scale', 'replicasets/status', 'statefulsets', 'statefulsets/scale', 'statefulsets/status'),
  on(read, 'autoscaling', 'horizontalpodautoscalers', 'horizontalpodautoscalers/status'),
  on(read, 'batch', 'jobs', 'jobs/status', 'cronjobs', 'cronjobs/status'),
  // The group is served no longer; but who may grant rights must have them, and roles of many charts name it.
  on(read, 'extensions', 'daemonsets', 'daemonsets/status', 'deployments', 'deployments/scale', 'deployments/status', 'ingresses', 'ingresses/status', 'networkpolicies', 'replicasets', 'replicasets/scale', 'replicasets/status', 'replicationcontrollers/scale'),
  on(read, 'policy', 'poddisruptionbudgets', 'poddisruptionbudgets/status'),
  on(read, 'networking.k8s.io', 'networkpolicies', 'ingresses', 'ingresses/status'),
]
const editRules: PolicyRule[] = [
  on(read, '', 'pods/attach', 'pods/proxy', 'pods/exec', 'pods/portforward', 'secrets', 'services/proxy'),
  on(['impersonate'], '', 'serviceaccounts'),
  on(write, '', 'pods', 'pods/attach', 'pods/proxy', 'pods/exec', 'pods/portforward'),
  on(['create'], '', 'pods/eviction'),
  on(write, '', 'replicationcontrollers', 'replicationcontrollers/scale', 'serviceaccounts', 'services', 'services/proxy', 'persistentvolumeclaims', 'configmaps', 'secrets', 'events'),
  on(['create'], '', 'serviceaccounts/token'),
  on(write, 'apps', 'daemonsets', 'deployments', 'deployments/rollback', 'deployments/scale', 'replicasets', 'replicasets/scale', 'statefulsets', 'statefulsets/scale'),
  on(write, 'autoscaling', 'horizontalpodautoscalers'),
  on(write, 'batch', 'jobs', 'cronjobs'),
  on(write, 'extensions', 'daemonsets', 'deployments', 'deployments/rollback', 'deployments/scale', 'ingresses', 'networkpolicies', 'replicasets', 'replicasets/scale', 'replicationcontrollers/scale'),
  on(write, 'policy', 'poddisruptionbudgets'),
  on(write, 'networking.k8s.io', 'networkpolicies', 'ingresses'),
  on(readWrite, 'coordination.k8s.io', 'leases'),
]
const adminRules: PolicyRule[] = [on(['create'], 'authorization.k8s.io', 'localsubjectaccessreviews'), on(readWrite, rbacGroup, 'roles', 'rolebindings')]

/** What the Node authorizer grants besides what depends on the graph (NodeRules). */
export const nodeRules: readonly PolicyRule[] = [
  on(['create'], 'authentication.k8s.io', 'tokenreviews'),
  on(['create'], 'authorization.k8s.io', 'subjectaccessreviews', 'localsubjectaccessreviews'),
  on(read, '', 'services'),
  on(['create', 'get', 'list', 'watch'], '', 'nodes'),
  on(['update', 'patch'], '', 'nodes', 'nodes/status'),
  events,
  on(read, '', 'pods'),
  on(['create', 'delete'], '', 'pods'),
  on(['update', 'patch'], '', 'pods/status'),
  on(['create'], '', 'pods/eviction'),
  on(read, '', 'persistentvolumeclaims', 'persistentvolumes'),
  on(read, 'storage.k8s.io', 'csidrivers'),
  on(['create', 'get', 'list', 'watch'], 'certificates.k8s.io', 'certificatesigningrequests'),
  on(read, 'node.k8s.io', 'runtimeclasses'),
]

/** What the Node authorizer decides by the graph, for those who bind system:node by RBAC all the same. */
const nodeGraphRules: PolicyRule[] = [
  on(read, '', 'configmaps', 'secrets'),
  on(['get'], '', 'persistentvolumeclaims', 'persistentvolumes'),
  on(['get'], '', 'endpoints'),
  on(['create', 'delete', 'get', 'patch', 'update'], 'coordination.k8s.io', 'leases'),
  on(['get'], 'storage.k8s.io', 'volumeattachments'),
  on(['create'], '', 'serviceaccounts/token'),
  on(['get', 'patch', 'update'], '', 'persistentvolumeclaims/status'),
  on(['create', 'delete', 'get', 'patch', 'update'], 'storage.k8s.io', 'csinodes'),
  on(['get'], 'resource.k8s.io', 'resourceclaims'),
  on(['deletecollection', ...read], 'resource.k8s.io', 'resourceslices'),
  on(['create', 'delete', 'patch', 'update'], 'resource.k8s.io', 'resourceslices'),
]

const schedulerRules: PolicyRule[] = [
  events,
  on(['create', 'get', 'list', 'watch', 'update', 'patch'], 'coordination.k8s.io', 'leases'),
  on(read, '', 'nodes', 'namespaces', 'pods', 'services', 'replicationcontrollers', 'persistentvolumeclaims', 'persistentvolumes'),
  on(['delete'], '', 'pods'),
  on(['create'], '', 'bindings', 'pods/binding'),
  on(['patch', 'update'], '', 'pods/status'),
  on(read, 'apps', 'replicasets', 'statefulsets'),
  on(read, 'policy', 'poddisruptionbudgets'),
  on(read, 'scheduling.k8s.io', 'priorityclasses'),
  on(read, 'storage.k8s.io', 'csinodes', 'csidrivers', 'csistoragecapacities', 'volumeattachments'),
  on(read, 'resource.k8s.io', 'deviceclasses', 'resourceslices'),
  on([...read, 'patch', 'update'], 'resource.k8s.io', 'resourceclaims', 'resourceclaims/status'),
  on(['patch', 'update'], 'resource.k8s.io', 'resourceclaims/binding'),
  on([...read, 'patch', 'update'], '', 'pods/finalizers'),
  on(['create'], 'authentication.k8s.io', 'tokenreviews'),
  on(['create'], 'authorization.k8s.io', 'subjectaccessreviews'),
]

/**
 * One identity for all controllers, where upstream's may have one each: the union of its controller roles. The garbage collector and the
 * namespace controller need to delete anything, as upstream's do.
 */
const controllerManagerRules: PolicyRule[] = [
  events,
  { verbs: [...read, 'patch', 'update', 'delete', 'deletecollection'], apiGroups: ['*'], resources: ['*'] },
  on(['create'], '', 'pods', 'secrets', 'serviceaccounts', 'serviceaccounts/token', 'configmaps', 'endpoints', 'pods/eviction', 'namespaces', 'persistentvolumeclaims', 'persistentvolumes'),
  on(['create'], 'apps', 'replicasets', 'controllerrevisions'),
  on(['create'], 'batch', 'jobs'),
  on(['create'], 'discovery.k8s.io', 'endpointslices'),
  on(['create'], 'coordination.k8s.io', 'leases'),
  on(['create'], 'storage.k8s.io', 'volumeattachments', 'csistoragecapacities'),
  // Where the controller service of a CSI driver is: its socket is on a node.
  on(['create'], '', 'nodes/proxy'),
  on(['create'], 'authentication.k8s.io', 'tokenreviews'),
  on(['create'], 'authorization.k8s.io', 'subjectaccessreviews'),
  named(['approve', 'sign'], 'certificates.k8s.io', 'signers', 'kubernetes.io/kube-apiserver-client-kubelet', 'kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client', 'kubernetes.io/legacy-unknown'),
  // The rules of aggregated roles are not the controller's own.
  on(['escalate'], rbacGroup, 'clusterroles'),
  // Owners that block may be set on anything.
  on(['update'], '*', '*/finalizers'),
]

const role = (name: string, rules: readonly PolicyRule[], extra: { aggregateTo?: string; aggregates?: string } = {}): Draft<ClusterRole> => ({
  metadata: {
    name, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...(extra.aggregateTo && { [`rbac.authorization.k8s.io/aggregate-to-${extra.aggregateTo}`]: 'true' }) },
  },
  rules: [...rules],
  ...(extra.aggregates && { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`rbac.authorization.k8s.io/aggregate-to-${extra.aggregates}`]: 'true' } }] } }),
})

export const bootstrapClusterRoles: readonly Draft<ClusterRole>[] = [
  role('cluster-admin', [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['*'], nonResourceURLs: ['*'] }]),
  role('admin', [...adminRules, ...editRules, ...viewRules], { aggregates: 'admin' }),
  role('edit', [...editRules, ...viewRules], { aggregateTo: 'admin', aggregates: 'edit' }),
  role('view', viewRules, { aggregateTo: 'edit', aggregates: 'view' }),
  role('system:aggregate-to-admin', adminRules, { aggregateTo: 'admin' }),
  role('system:aggregate-to-edit', editRules, { aggregateTo: 'edit' }),
  role('system:aggregate-to-view', viewRules, { aggregateTo: 'view' }),
  role('system:discovery', [at('/livez', '/readyz', '/healthz', '/version', '/version/', '/openapi', '/openapi/*', '/api', '/api/*', '/apis', '/apis/*')]),
  role('system:public-info-viewer', [at('/livez', '/readyz', '/healthz', '/version', '/version/')]),
  role('system:monitoring', [at('/metrics', '/metrics/slis', '/livez', '/readyz', '/healthz', '/livez/*', '/readyz/*', '/healthz/*')]),
  role('system:basic-user', [on(['create'], 'authorization.k8s.io', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews'), on(['create'], 'authentication.k8s.io', 'selfsubjectreviews')]),
  role('system:heapster', [on(read, '', 'events', 'pods', 'nodes', 'namespaces'), on(read, 'extensions', 'deployments')]),
  role('system:node', [...nodeRules, ...nodeGraphRules]),
  role('system:node-problem-detector', [on(['get'], '', 'nodes'), on(['patch'], '', 'nodes/status'), events]),
  role('system:node-proxier', [on(['list', 'watch'], '', 'services', 'endpoints'), on(read, '', 'nodes'), on(['list', 'watch'], 'discovery.k8s.io', 'endpointslices'), on(['list', 'watch'], 'networking.k8s.io', 'servicecidrs'), events]),
  role('system:kubelet-api-admin', [on(read, '', 'nodes'), on(['proxy'], '', 'nodes'), { verbs: ['*'], apiGroups: [''], resources: ['nodes/proxy', 'nodes/metrics', 'nodes/stats', 'nodes/log', 'nodes/spec', 'nodes/checkpoint', 'nodes/configz', 'nodes/healthz', 'nodes/pods'] }]),
  role('system:node-bootstrapper', [on(['create', 'get', 'list', 'watch'], 'certificates.k8s.io', 'certificatesigningrequests')]),
  role('system:auth-delegator', [on(['create'], 'authentication.k8s.io', 'tokenreviews'), on(['create'], 'authorization.k8s.io', 'subjectaccessreviews')]),
  role('system:kube-scheduler', schedulerRules),
  role('system:volume-scheduler', [on(['get', 'list', 'patch', 'update', 'watch'], '', 'persistentvolumes', 'persistentvolumeclaims'), on(read, 'storage.k8s.io', 'storageclasses')]),
  role('system:kube-controller-manager', controllerManagerRules),
  role('system:kube-aggregator', [on(read, '', 'endpoints', 'services')]),
  role('system:persistent-volume-provisioner', [on([...read, 'create', 'delete'], '', 'persistentvolumes'), on([...read, 'update'], '', 'persistentvolumeclaims'), on(read, 'storage.k8s.io', 'storageclasses'),
    on(['watch'], '', 'events'), events]),
  role('system:kube-dns', [on(['list', 'watch'], '', 'endpoints', 'services')]),
  role('system:service-account-issuer-discovery', [at('/.well-known/openid-configuration', '/.well-known/openid-configuration/', '/openid/v1/jwks', '/openid/v1/jwks/')]),
  role('system:certificates.k8s.io:certificatesigningrequests:nodeclient', [on(['create'], 'certificates.k8s.io', 'certificatesigningrequests/nodeclient')]),
  role('system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', [on(['create'], 'certificates.k8s.io', 'certificatesigningrequests/selfnodeclient')]),
  role('system:certificates.k8s.io:kube-apiserver-client-approver', [named(['approve'], 'certificates.k8s.io', 'signers', 'kubernetes.io/kube-apiserver-client')]),
  role('system:certificates.k8s.io:kube-apiserver-client-kubelet-approver', [named(['approve'], 'certificates.k8s.io', 'signers', 'kubernetes.io/kube-apiserver-client-kubelet')]),
  role('system:certificates.k8s.io:kubelet-serving-approver', [named(['approve'], 'certificates.k8s.io', 'signers', 'kubernetes.io/kubelet-serving')]),
  role('system:certificates.k8s.io:legacy-unknown-approver', [named(['approve'], 'certificates.k8s.io', 'signers', 'kubernetes.io/legacy-unknown')]),
  ...Object.entries(controllerRoles).map(([name, rules]) => role(`system:controller:${name}`, rules)),
]

const account = (name: string): Subject => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' })
const user = (name: string): Subject => ({ kind: 'User', apiGroup: rbacGroup, name })
const group = (name: string): Subject => ({ kind: 'Group', apiGroup: rbacGroup, name })
const bootstrapLabels = { labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' }, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' } }
const bind = (roleName: string, ...subjects: Subject[]): Draft<ClusterRoleBinding> =>
  ({ metadata: { name: roleName, ...bootstrapLabels }, roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: roleName }, subjects })

export const bootstrapClusterRoleBindings: readonly Draft<ClusterRoleBinding>[] = [
  bind('cluster-admin', group('system:masters')),
  bind('system:monitoring', group('system:monitoring')),
  bind('system:discovery', group('system:authenticated')),
  bind('system:basic-user', group('system:authenticated')),
  bind('system:public-info-viewer', group('system:authenticated'), group('system:unauthenticated')),
  bind('system:node-proxier', user('system:kube-proxy')),
  bind('system:kube-controller-manager', user('system:kube-controller-manager')),
  bind('system:kube-scheduler', user('system:kube-scheduler')),
  bind('system:volume-scheduler', user('system:kube-scheduler')),
  bind('system:kube-dns', account('kube-dns')),
  bind('system:service-account-issuer-discovery', group('system:serviceaccounts')),
  // Nobody's: the Node authorizer decides about nodes. It is there for those who add the group.
  bind('system:node'),
  ...Object.keys(controllerRoles).map((name) => bind(`system:controller:${name}`, account(name))),
]

/** Roles of single namespaces (namespace_policy.go). */
export const bootstrapRoles: readonly Draft<Role>[] = [
  { metadata: { namespace: 'kube-system', name: 'extension-apiserver-authentication-reader', ...bootstrapLabels }, rules: [named(read, '', 'configmaps', 'extension-apiserver-authentication')] },
  ...controllerNamespaceRoles.map(({ namespace, name, rules }) => ({ metadata: { namespace, name, ...bootstrapLabels }, rules: [...rules] })),
]
export const bootstrapRoleBindings: readonly Draft<RoleBinding>[] = [
  { metadata: { namespace: 'kube-system', name: 'system::extension-apiserver-authentication-reader', ...bootstrapLabels }, roleRef: { apiGroup: rbacGroup, kind: 'Role', name: 'extension-apiserver-authentication-reader' },
    subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler')] },
  ...controllerNamespaceRoles.map(({ namespace, name, account: holder, user: also }) => ({
    metadata: { namespace, name, ...bootstrapLabels }, roleRef: { apiGroup: rbacGroup, kind: 'Role', name }, subjects: [...(also ? [user(also)] : []), account(holder)],
  })),
]
