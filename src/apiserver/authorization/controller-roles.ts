/**
 * Roles of controllers that have a service account each, as upstream's controller manager with `--use-service-account-credentials`, external provisioners and whatever
 * else takes over one of their names. Our own controllers share the identity system:kube-controller-manager. Mirrors `bootstrappolicy/controller_policy.go`.
 */
import type { PolicyRule } from '../../api/types.ts'

const read = ['get', 'list', 'watch']
const follow = ['list', 'watch']
const change = ['patch', 'update']
const readUpdate = [...read, 'update']
/** Everything that the owner of objects does with them. */
const own = [...readUpdate, 'create', 'delete', 'patch']

/** `api/resource,resource`; the core group is `core`, several groups are joined by `+`. */
const rule = (verbs: readonly string[], where: string): PolicyRule => {
  const at = where.indexOf('/')
  return { verbs: verbs.toSorted(), apiGroups: where.slice(0, at).split('+').map((group) => (group === 'core' ? '' : group)), resources: where.slice(at + 1).split(',').toSorted() }
}
const named = (verbs: readonly string[], where: string, ...resourceNames: string[]): PolicyRule => ({ ...rule(verbs, where), resourceNames })
const events = rule(['create', 'patch', 'update'], 'core+events.k8s.io/events')
const signer = (name: string): string => `kubernetes.io/${name}`

const makesPods = ['create', 'delete', 'list', 'patch', 'watch']

/** By the name of the service account; the role's name has `system:controller:` before it. */
export const controllerRoles: Readonly<Record<string, readonly PolicyRule[]>> = {
  'attachdetach-controller': [rule(follow, 'core/persistentvolumes,persistentvolumeclaims'), rule(read, 'core/nodes'), rule(change, 'core/nodes/status'), rule(follow, 'core/pods'), events,
    rule([...read, 'create', 'delete'], 'storage.k8s.io/volumeattachments'), rule(read, 'storage.k8s.io/csidrivers'), rule(read, 'storage.k8s.io/csinodes')],
  'certificate-controller': [rule([...read, 'delete'], 'certificates.k8s.io/certificatesigningrequests'), rule(['update'], 'certificates.k8s.io/certificatesigningrequests/status,certificatesigningrequests/approval'),
    named(['approve'], 'certificates.k8s.io/signers', signer('kube-apiserver-client-kubelet')),
    named(['sign'], 'certificates.k8s.io/signers', ...['kube-apiserver-client', 'kube-apiserver-client-kubelet', 'kubelet-serving', 'legacy-unknown'].map(signer)),
    rule(['create'], 'authorization.k8s.io/subjectaccessreviews'), events],
  'clusterrole-aggregation-controller': [rule([...read, 'escalate', 'patch', 'update'], 'rbac.authorization.k8s.io/clusterroles')],
  'cronjob-controller': [rule(readUpdate, 'batch/cronjobs'), rule(own, 'batch/jobs'), rule(['update'], 'batch/cronjobs/status'), rule(['update'], 'batch/cronjobs/finalizers'), rule(['delete', 'list', 'watch'], 'core/pods'), events],
  'daemon-set-controller': [rule(read, 'apps+extensions/daemonsets'), rule(['update'], 'apps+extensions/daemonsets/status'), rule(['update'], 'apps+extensions/daemonsets/finalizers'), rule(follow, 'core/nodes'),
    rule(makesPods, 'core/pods'), rule(['create'], 'core/pods/binding'), rule(own, 'apps/controllerrevisions'), events],
  'deployment-controller': [rule(readUpdate, 'apps+extensions/deployments'), rule(['update'], 'apps+extensions/deployments/status'), rule(['update'], 'apps+extensions/deployments/finalizers'),
    rule(own, 'apps+extensions/replicasets'), rule(readUpdate, 'core/pods'), events],
  'device-taint-eviction-controller': [rule([...read, 'delete'], 'core/pods'), rule(change, 'core/pods/status'), rule(read, 'resource.k8s.io/resourceclaims'), rule(read, 'resource.k8s.io/resourceslices'),
    rule(read, 'resource.k8s.io/deviceclasses'), events],
  'disruption-controller': [rule(read, 'apps+extensions/deployments'), rule(read, 'apps+extensions/replicasets'), rule(read, 'core/replicationcontrollers'), rule(read, 'policy/poddisruptionbudgets'), rule(read, 'apps/statefulsets'),
    rule(['update'], 'policy/poddisruptionbudgets/status'), rule(change, 'core/pods/status'), rule(['get'], '*/*/scale'), events],
  'endpoint-controller': [rule(read, 'core/services,pods'), rule([...readUpdate, 'create', 'delete'], 'core/endpoints'), rule(['create'], 'core/endpoints/restricted'), events],
  'endpointslice-controller': [rule(read, 'core/services,pods,nodes'), rule(['update'], 'core/services/finalizers'), rule([...readUpdate, 'create', 'delete'], 'discovery.k8s.io/endpointslices'), events],
  'endpointslicemirroring-controller': [rule(read, 'core/services,endpoints'), rule(['update'], 'core/services/finalizers'), rule(['update'], 'core/endpoints/finalizers'),
    rule([...readUpdate, 'create', 'delete'], 'discovery.k8s.io/endpointslices'), events],
  'ephemeral-volume-controller': [rule(read, 'core/pods'), rule(['update'], 'core/pods/finalizers'), rule([...read, 'create'], 'core/persistentvolumeclaims'), events],
  'expand-controller': [rule([...readUpdate, 'patch'], 'core/persistentvolumes'), rule(change, 'core/persistentvolumeclaims/status'), rule(read, 'core/persistentvolumeclaims'), events],
  'generic-garbage-collector': [rule([...readUpdate, 'delete', 'patch'], '*/*'), events],
  'horizontal-pod-autoscaler': [rule(read, 'autoscaling/horizontalpodautoscalers'), rule(['update'], 'autoscaling/horizontalpodautoscalers/status'), rule(['get', 'update'], '*/*/scale'), rule(follow, 'core/pods'),
    rule(follow, 'metrics.k8s.io/pods'), rule(read, 'custom.metrics.k8s.io/*'), rule(read, 'external.metrics.k8s.io/*'), events],
  'job-controller': [rule([...readUpdate, 'patch'], 'batch/jobs'), rule(['update'], 'batch/jobs/status'), rule(['update'], 'batch/jobs/finalizers'), rule(makesPods, 'core/pods'), events],
  'legacy-service-account-token-cleaner': [named(['get'], 'core/configmaps', 'kube-apiserver-legacy-service-account-token-tracking'), rule(['delete', 'patch'], 'core/secrets')],
  'namespace-controller': [rule([...read, 'delete'], 'core/namespaces'), rule(['update'], 'core/namespaces/finalize,namespaces/status'), rule([...read, 'delete', 'deletecollection'], '*/*')],
  'node-controller': [rule([...readUpdate, 'delete', 'patch'], 'core/nodes'), rule(change, 'core/nodes/status'), rule(change, 'core/pods/status'), rule([...read, 'delete'], 'core/pods'), events],
  'persistent-volume-binder': [rule([...readUpdate, 'create', 'delete'], 'core/persistentvolumes'), rule(['update'], 'core/persistentvolumes/status'), rule(readUpdate, 'core/persistentvolumeclaims'),
    rule(['update'], 'core/persistentvolumeclaims/status'), rule([...read, 'create', 'delete'], 'core/pods'), rule(read, 'storage.k8s.io/storageclasses'), rule(follow, 'core/nodes'), events, rule(['watch'], 'core/events')],
  'pod-garbage-collector': [rule(['delete', 'list', 'watch'], 'core/pods'), rule(read, 'core/nodes'), rule(['patch'], 'core/pods/status')],
  'pv-protection-controller': [rule(readUpdate, 'core/persistentvolumes'), events],
  'pvc-protection-controller': [rule(readUpdate, 'core/persistentvolumeclaims'), rule(['update'], 'core/persistentvolumeclaims/status'), rule(read, 'core/pods'), events],
  'replicaset-controller': [rule(readUpdate, 'apps+extensions/replicasets'), rule(['update'], 'apps+extensions/replicasets/status'), rule(['update'], 'apps+extensions/replicasets/finalizers'), rule(makesPods, 'core/pods'), events],
  'replication-controller': [rule(readUpdate, 'core/replicationcontrollers'), rule(['update'], 'core/replicationcontrollers/status'), rule(['update'], 'core/replicationcontrollers/finalizers'), rule(makesPods, 'core/pods'), events],
  'resource-claim-controller': [rule(read, 'core/pods'), rule(['update'], 'core/pods/finalizers'), rule([...read, 'create', 'delete'], 'resource.k8s.io/resourceclaims'),
    rule(change, 'resource.k8s.io/resourceclaims,resourceclaims/status'), rule(change, 'core/pods/status'), events, rule(change, 'resource.k8s.io/resourceclaims/binding')],
  'resourcequota-controller': [rule(follow, '*/*'), rule(['update'], 'core/resourcequotas/status'), events],
  'root-ca-cert-publisher': [rule(['create', 'update'], 'core/configmaps'), events],
  'route-controller': [rule(follow, 'core/nodes'), rule(['patch'], 'core/nodes/status'), events],
  'selinux-warning-controller': [events, rule(read, 'core/persistentvolumes'), rule(read, 'core/persistentvolumeclaims'), rule(read, 'core/pods'), rule(read, 'storage.k8s.io/csidrivers')],
  'service-account-controller': [rule(['create'], 'core/serviceaccounts'), events],
  'service-cidrs-controller': [rule([...readUpdate, 'patch'], 'networking.k8s.io/servicecidrs'), rule(change, 'networking.k8s.io/servicecidrs/finalizers'), rule(change, 'networking.k8s.io/servicecidrs/status'),
    rule(read, 'networking.k8s.io/ipaddresses'), events],
  'service-controller': [rule(read, 'core/services'), rule(change, 'core/services/status'), rule(follow, 'core/nodes'), events],
  'statefulset-controller': [rule(follow, 'core/pods'), rule(read, 'apps/statefulsets'), rule(['update'], 'apps/statefulsets/status'), rule(['update'], 'apps/statefulsets/finalizers'),
    rule(['create', 'delete', 'get', 'patch', 'update'], 'core/pods'), rule(own, 'apps/controllerrevisions'), rule([...read, 'create'], 'core/persistentvolumeclaims'),
    rule(['delete', 'update'], 'core/persistentvolumeclaims'), rule(['update'], 'core/pods/finalizers'), events],
  'ttl-after-finished-controller': [rule([...read, 'delete'], 'batch/jobs'), events],
  'ttl-controller': [rule(['list', 'patch', 'update', 'watch'], 'core/nodes'), events],
  'validatingadmissionpolicy-status-controller': [rule(read, 'admissionregistration.k8s.io/validatingadmissionpolicies'),
    rule(['get', 'patch', 'update'], 'admissionregistration.k8s.io/validatingadmissionpolicies/status'), events],
  'volumeattributesclass-protection-controller': [rule(read, 'core/persistentvolumeclaims'), rule(read, 'core/persistentvolumes'), rule(readUpdate, 'storage.k8s.io/volumeattributesclasses'), events],
}

const leader = ['create', 'get', 'list', 'update', 'watch']
const leads = [rule(leader, 'coordination.k8s.io/leases'), rule(leader, 'coordination.k8s.io/leasecandidates')]

/** Roles of one namespace, and whose they are: a service account of kube-system, or users and one. Mirrors `bootstrappolicy/namespace_policy.go`. */
export const controllerNamespaceRoles: readonly { namespace: string; name: string; rules: readonly PolicyRule[]; account: string; user?: string }[] = [
  { namespace: 'kube-public', name: 'system:controller:bootstrap-signer', rules: [rule(read, 'core/configmaps'), named(['update'], 'core/configmaps', 'cluster-info'), events], account: 'bootstrap-signer' },
  { namespace: 'kube-system', name: 'system:controller:bootstrap-signer', rules: [rule(read, 'core/secrets')], account: 'bootstrap-signer' },
  { namespace: 'kube-system', name: 'system:controller:cloud-provider', rules: [rule([...read, 'create'], 'core/configmaps')], account: 'cloud-provider' },
  { namespace: 'kube-system', name: 'system:controller:token-cleaner', rules: [rule([...read, 'delete'], 'core/secrets'), events], account: 'token-cleaner' },
  { namespace: 'kube-system', name: 'system::leader-locking-kube-controller-manager', rules: leads, account: 'kube-controller-manager', user: 'system:kube-controller-manager' },
  { namespace: 'kube-system', name: 'system::leader-locking-kube-scheduler', rules: leads, account: 'kube-scheduler', user: 'system:kube-scheduler' },
]
