/** Who may do what in a new cluster, in the words of bootstrappolicy/testdata (controller-roles.yaml, cluster-roles.yaml, namespace-roles.yaml and the bindings). */
import { describe, expect, test } from 'vitest'
import { ClusterRoleBindings, ClusterRoles, type Kind, RoleBindings, Roles } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import { bootstrapClusterRoleBindings, bootstrapClusterRoles, bootstrapRoleBindings, bootstrapRoles } from '../../../src/apiserver/authorization/bootstrap-roles.ts'
import { rbacAuthorizer } from '../../../src/apiserver/authorization/rbac.ts'
import type { Lookup } from '../../../src/apiserver/registry/strategy.ts'

const stored = new Map<Kind, readonly KubeObject[]>([
  [ClusterRoles, bootstrapClusterRoles], [ClusterRoleBindings, bootstrapClusterRoleBindings], [Roles, bootstrapRoles], [RoleBindings, bootstrapRoleBindings],
] as unknown as [Kind, KubeObject[]][])
const lookup = {
  list: (kind: Kind, namespace?: string) => (stored.get(kind) ?? []).filter(({ metadata }) => !namespace || metadata.namespace === namespace),
  get: (kind: Kind, name: string, namespace?: string) => (stored.get(kind) ?? []).find(({ metadata }) => metadata.name === name && (!namespace || metadata.namespace === namespace)),
} as unknown as Lookup
const authorizer = rbacAuthorizer(lookup)

/** `list apps/deployments`, `get apps/deployments/scale web`, `get /metrics`; a namespace before a colon: `kube-system:get core/secrets`. */
const allowed = async (name: string, asked: string): Promise<boolean> => {
  const [, namespace = 'shop', verb = '', what = '', object = ''] = /^(?:([\w-]+):)?(\w+) (\S+) ?(\S*)$/.exec(asked) ?? []
  const [group = '', resource = '', subresource = ''] = what.split('/')
  const groups = ['system:authenticated', ...(name.startsWith('system:serviceaccount:') ? ['system:serviceaccounts'] : [])]
  const { verdict } = await authorizer.authorize({
    user: { name, groups }, verb, namespace, resourceRequest: !what.startsWith('/'), path: what, apiGroup: group === 'core' ? '' : group, apiVersion: 'v1', resource, subresource, name: object,
  } as unknown as Parameters<typeof authorizer.authorize>[0])
  return verdict === 'allow'
}

const controller = (name: string): string => `system:serviceaccount:kube-system:${name}`
const table: readonly [user: string, may: readonly string[], mayNot: readonly string[]][] = [
  ['system:kube-controller-manager', ['create core/secrets', 'delete core/secrets', 'update core/serviceaccounts', 'create core/serviceaccounts/token', 'create coordination.k8s.io/leases', 'list example.com/anything'], ['create example.com/anything']],
  ['system:kube-scheduler', ['list storage.k8s.io/csinodes', 'watch storage.k8s.io/csidrivers', 'list storage.k8s.io/csistoragecapacities', 'create core/pods/binding', 'patch core/pods/status', 'update core/persistentvolumes',
    'update resource.k8s.io/resourceclaims/status', 'list resource.k8s.io/resourceslices', 'kube-system:get core/configmaps extension-apiserver-authentication', 'kube-system:list coordination.k8s.io/leases'], ['create core/pods', 'get core/secrets']],
  [controller('attachdetach-controller'), ['create storage.k8s.io/volumeattachments', 'patch core/nodes/status'], ['delete core/nodes']],
  [controller('certificate-controller'), ['update certificates.k8s.io/certificatesigningrequests/approval', 'sign certificates.k8s.io/signers kubernetes.io/kubelet-serving'], ['approve certificates.k8s.io/signers kubernetes.io/kubelet-serving']],
  [controller('clusterrole-aggregation-controller'), ['escalate rbac.authorization.k8s.io/clusterroles', 'patch rbac.authorization.k8s.io/clusterroles'], ['create rbac.authorization.k8s.io/clusterroles']],
  [controller('cronjob-controller'), ['create batch/jobs', 'update batch/cronjobs/status', 'watch core/pods'], ['create core/pods']],
  [controller('daemon-set-controller'), ['create core/pods', 'create core/pods/binding', 'create apps/controllerrevisions', 'update apps/daemonsets/status'], ['update apps/daemonsets']],
  [controller('deployment-controller'), ['create apps/replicasets', 'update apps/deployments/status', 'create events.k8s.io/events'], ['create core/pods', 'delete apps/deployments']],
  [controller('disruption-controller'), ['get apps/deployments/scale', 'get example.com/things/scale', 'update policy/poddisruptionbudgets/status', 'patch core/pods/status'], ['update apps/deployments/scale']],
  [controller('endpoint-controller'), ['create core/endpoints', 'create core/endpoints/restricted', 'list core/services'], ['create discovery.k8s.io/endpointslices']],
  [controller('endpointslice-controller'), ['create discovery.k8s.io/endpointslices', 'list core/nodes'], ['create core/endpoints']],
  [controller('endpointslicemirroring-controller'), ['delete discovery.k8s.io/endpointslices', 'update core/endpoints/finalizers'], ['delete core/endpoints']],
  [controller('generic-garbage-collector'), ['delete example.com/things', 'patch core/pods'], ['create core/pods']],
  [controller('horizontal-pod-autoscaler'), ['update apps/deployments/scale', 'list metrics.k8s.io/pods', 'get custom.metrics.k8s.io/anything', 'update autoscaling/horizontalpodautoscalers/status'], ['update apps/deployments']],
  [controller('job-controller'), ['create core/pods', 'update batch/jobs/status', 'patch batch/jobs'], ['create batch/jobs']],
  [controller('namespace-controller'), ['update core/namespaces/finalize', 'deletecollection example.com/things', 'delete core/namespaces'], ['create core/namespaces']],
  [controller('node-controller'), ['list core/nodes', 'delete core/nodes', 'patch core/nodes/status', 'delete core/pods'], ['create core/pods']],
  [controller('persistent-volume-binder'), ['create core/persistentvolumes', 'update core/persistentvolumeclaims/status', 'watch core/events'], ['delete core/persistentvolumeclaims']],
  [controller('pod-garbage-collector'), ['delete core/pods', 'get core/nodes', 'patch core/pods/status'], ['delete core/nodes']],
  [controller('replicaset-controller'), ['create core/pods', 'update apps/replicasets/status'], ['delete apps/replicasets']],
  [controller('resourcequota-controller'), ['list example.com/things', 'update core/resourcequotas/status'], ['update core/resourcequotas']],
  [controller('root-ca-cert-publisher'), ['create core/configmaps', 'update core/configmaps'], ['get core/configmaps']],
  [controller('service-account-controller'), ['create core/serviceaccounts'], ['create core/secrets']],
  [controller('statefulset-controller'), ['create core/pods', 'create core/persistentvolumeclaims', 'delete core/persistentvolumeclaims', 'create apps/controllerrevisions', 'update apps/statefulsets/status'], ['delete apps/statefulsets']],
  [controller('ttl-after-finished-controller'), ['delete batch/jobs'], ['create batch/jobs']],
  [controller('token-cleaner'), ['kube-system:delete core/secrets'], ['delete core/secrets']],
  [controller('bootstrap-signer'), ['kube-public:update core/configmaps cluster-info', 'kube-system:list core/secrets'], ['kube-public:update core/configmaps other', 'list core/secrets']],
  [controller('cloud-provider'), ['kube-system:create core/configmaps'], ['create core/configmaps']],
  ['system:serviceaccount:shop:deployment-controller', ['create authorization.k8s.io/selfsubjectaccessreviews'], ['create apps/replicasets']],
  ['system:node:n', [], ['get core/secrets', 'update core/nodes/status']],
]

describe('a new cluster', () => {
  test.each(table)('%s', async (user, may, mayNot) => {
    const answers = await Promise.all([...may, ...mayNot].map(async (asked) => [asked, await allowed(user, asked)] as const))
    expect(answers).toEqual([...may.map((asked) => [asked, true]), ...mayNot.map((asked) => [asked, false])])
  })

  test('whoever may edit a namespace may grant what charts ask for in groups of old', () => {
    const edit = bootstrapClusterRoles.find(({ metadata }) => metadata.name === 'edit')
    expect(edit?.rules).toContainEqual(expect.objectContaining({ apiGroups: ['extensions'], verbs: ['create', 'delete', 'deletecollection', 'patch', 'update'] }))
    expect(edit?.rules).toContainEqual(expect.objectContaining({ apiGroups: ['extensions'], verbs: ['get', 'list', 'watch'] }))
  })

  test('every binding names a role that there is', () => {
    const roles = new Set([...bootstrapClusterRoles, ...bootstrapRoles].map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name ?? ''}`))
    for (const { metadata, roleRef } of [...bootstrapClusterRoleBindings, ...bootstrapRoleBindings]) expect(roles).toContain(`${roleRef.kind === 'Role' ? metadata.namespace ?? '' : ''}/${roleRef.name}`)
  })
})
