/** What a kubelet may write. Named after upstream's plugin/pkg/admission/noderestriction/admission_test.go; S4 of what the cluster promises. */
import { describe, expect, test } from 'vitest'
import { Leases, Nodes, PersistentVolumeClaims, Pods, ServiceAccounts, type Kind } from '../../../src/api/kinds.ts'
import { nodeRestriction as restrictionOf } from '../../../src/apiserver/admission/node-restriction.ts'
import type { AuthorizationAttributes } from '../../../src/apiserver/authorization/authorizer.ts'
import type { AdmissionAttributes, AdmissionContext } from '../../../src/apiserver/admission/plugin.ts'

const asked: AuthorizationAttributes[] = []
const nodeRestriction = restrictionOf({ authorize: (attributes) => (asked.push(attributes), { verdict: attributes.resource === 'granted' ? 'allow' : 'no-opinion', reason: '' }) })
const kubelet = { name: 'system:node:mynode', groups: ['system:nodes'] }
const meta = (name: string, more: object = {}) => ({ name, namespace: 'ns', uid: `uid of ${name}`, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', ...more })
const owner = (more: object = {}) => ({ apiVersion: 'v1', kind: 'Node', name: 'mynode', uid: 'uid of mynode', controller: true, ...more })
const mirror = (spec: object = {}, owners: object[] = [owner()], annotations: object = { 'kubernetes.io/config.mirror': 'true' }) => ({ metadata: meta('mirror', { annotations, ownerReferences: owners }), spec: { nodeName: 'mynode', containers: [], ...spec }, status: {} })
const pod = (nodeName: string, more: object = {}, labels: object = {}) => ({ metadata: meta('pod', { labels }), spec: { nodeName, containers: [], volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }] }, status: {}, ...more })
const node = (more: object = {}, spec: object = {}, name = 'mynode') => ({ metadata: { ...meta(name), ...more }, spec, status: {} })
const stored: Record<string, Record<string, object>> = { pods: { pod: pod('mynode'), other: pod('othernode') }, nodes: { mynode: node() } }
const context = { lookup: { get: (kind: Kind, name: string) => stored[kind.plural]?.[name] } } as unknown as AdmissionContext

const judge = (asked: Partial<AdmissionAttributes> & { kind: Kind; operation: AdmissionAttributes['operation'] }): string => {
  try {
    void nodeRestriction.validate?.({ subresource: '', name: '', namespace: 'ns', object: undefined, oldObject: undefined, options: {}, user: kubelet, dryRun: false, ...asked } as AdmissionAttributes, context)
    return ''
  } catch (error) {
    return (error as Error).message.replace(/^.*? is forbidden: /, '')
  }
}

describe('pods that it creates', () => test.each<[string, object, string | RegExp]>([
  ['a mirror of its own', mirror(), ''],
  ['no mirror', mirror({}, [owner()], {}), 'pod does not have "kubernetes.io/config.mirror" annotation, node "mynode" can only create mirror pods'],
  ['bound elsewhere', mirror({ nodeName: 'othernode' }), 'node "mynode" can only create pods with spec.nodeName set to itself'],
  ['bound nowhere', mirror({ nodeName: undefined }), 'node "mynode" can only create pods with spec.nodeName set to itself'],
  ['without an owner', mirror({}, []), 'node "mynode" can only create pods with an owner reference set to itself'],
  ['with two', mirror({}, [owner(), owner()]), 'node "mynode" can only create pods with a single owner reference set to itself'],
  ['of another node', mirror({}, [owner({ name: 'othernode' })]), 'node "mynode" can only create pods with an owner reference set to itself'],
  ['of another kind', mirror({}, [owner({ kind: 'Pod' })]), 'node "mynode" can only create pods with an owner reference set to itself'],
  ['whose owner does not control it', mirror({}, [owner({ controller: false })]), 'node "mynode" can only create pods with a controller owner reference set to itself'],
  ['that holds up its owner\'s deletion', mirror({}, [owner({ blockOwnerDeletion: true })]), 'node "mynode" must not set blockOwnerDeletion on an owner reference'],
  ['of a node that was', mirror({}, [owner({ uid: 'old' })]), 'node mynode UID mismatch: expected uid of mynode got old'],
  ['with an account', mirror({ serviceAccountName: 'foo' }), 'node "mynode" can not create pods that reference a service account'],
  ['with a secret', mirror({ volumes: [{ name: 'v', secret: { secretName: 'foo' } }] }), 'node "mynode" can not create pods that reference secrets'],
  ['with a secret of a driver', mirror({ volumes: [{ name: 'v', csi: { driver: 'd', nodePublishSecretRef: { name: 'foo' } } }] }), 'node "mynode" can not create pods that reference secrets'],
  ['with a secret in its environment', mirror({ initContainers: [{ name: 'c', envFrom: [{ secretRef: { name: 'foo' } }] }] }), 'node "mynode" can not create pods that reference secrets'],
  ['with a pull secret', mirror({ imagePullSecrets: [{ name: 'foo' }] }), 'node "mynode" can not create pods that reference secrets'],
  ['with a ConfigMap', mirror({ volumes: [{ name: 'v', projected: { sources: [{ configMap: { name: 'foo' } }] } }] }), 'node "mynode" can not create pods that reference configmaps'],
  ['with a claim', mirror({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'foo' } }] }), 'node "mynode" can not create pods that reference persistentvolumeclaims'],
  ['with devices', mirror({ resourceClaims: [{ name: 'd', resourceClaimTemplateName: 'foo' }] }), 'node "mynode" can not create pods that reference resourceclaims'],
  ['with a token', mirror({ volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }), 'node "mynode" can not create pods that reference a service account'],
])('%s', (_, object, expected) => expect(judge({ kind: Pods, operation: 'CREATE', object: object as never })).toBe(expected)))

describe('pods otherwise', () => test.each<[string, Partial<AdmissionAttributes> & { operation: AdmissionAttributes['operation'] }, string | RegExp]>([
  ['deletes its own', { operation: 'DELETE', name: 'pod' }, ''],
  ['deletes another\'s', { operation: 'DELETE', name: 'other' }, 'node "mynode" can only delete pods with spec.nodeName set to itself'],
  ['deletes what is not there', { operation: 'DELETE', name: 'none' }, 'pods "none" not found'],
  ['evicts its own', { operation: 'CREATE', subresource: 'eviction', name: 'pod' }, ''],
  ['evicts another\'s', { operation: 'CREATE', subresource: 'eviction', name: 'other' }, 'node mynode can only evict pods with spec.nodeName set to itself'],
  ['tells of its own', { operation: 'UPDATE', subresource: 'status', object: pod('mynode') as never, oldObject: pod('mynode') as never }, ''],
  ['tells of another\'s', { operation: 'UPDATE', subresource: 'status', object: pod('othernode') as never, oldObject: pod('othernode') as never }, 'node "mynode" can only update pod status for pods with spec.nodeName set to itself'],
  ['labels by a status', { operation: 'UPDATE', subresource: 'status', object: pod('mynode', {}, { a: 'b' }) as never, oldObject: pod('mynode') as never }, 'node "mynode" cannot update labels through pod status'],
  ['gives it claims (CVE-2025-4563)', { operation: 'UPDATE', subresource: 'status', object: pod('mynode', { status: { resourceClaimStatuses: [{ name: 'd', resourceClaimName: 'c' }] } }) as never, oldObject: pod('mynode') as never }, 'node "mynode" cannot update resource claim statuses'],
  ['changes one', { operation: 'UPDATE', object: pod('mynode') as never, oldObject: pod('mynode') as never }, 'unexpected operation "UPDATE", node "mynode" can only create and delete mirror pods'],
  ['binds one', { operation: 'CREATE', subresource: 'binding', name: 'pod' }, 'unexpected pod subresource "binding", only \'status\' and \'eviction\' are allowed'],
])('%s', (_, asked, expected) => expect(judge({ kind: Pods, ...asked })).toBe(expected)))

describe('nodes', () => test.each<[string, object, object | undefined, string]>([
  ['itself', node({ labels: { 'kubernetes.io/hostname': 'h', 'kubernetes.io/arch': 'a', 'x.node.kubernetes.io/a': '1', 'kubelet.kubernetes.io/b': '1', 'example.com/c': '1', plain: '1' } }), undefined, ''],
  ['another', node({}, {}, 'othernode'), undefined, 'node "mynode" is not allowed to modify node "othernode"'],
  ['with labels that steer', node({ labels: { 'node-restriction.kubernetes.io/a': '1', 'b.node-restriction.kubernetes.io/c': '1' } }), undefined, 'node "mynode" is not allowed to set the following labels: b.node-restriction.kubernetes.io/c, node-restriction.kubernetes.io/a'],
  ['with a role', node({ labels: { 'node-role.kubernetes.io/control-plane': '' } }), undefined, 'node "mynode" is not allowed to set the following labels: node-role.kubernetes.io/control-plane'],
  ['with labels of nobody', node({ labels: { 'foo.k8s.io/a': '' } }), undefined, 'node "mynode" is not allowed to set the following labels: foo.k8s.io/a'],
  ['with an owner', node({ ownerReferences: [owner({ kind: 'ConfigMap' })] }), undefined, 'node "mynode" is not allowed to set ownerReferences'],
  ['with taints, when it comes', node({}, { taints: [{ key: 'a', effect: 'NoSchedule' }] }), undefined, ''],
  ['unchanged', node({ labels: { 'node-role.kubernetes.io/x': '' } }), node({ labels: { 'node-role.kubernetes.io/x': '' } }), ''],
  ['a taint less', node(), node({}, { taints: [{ key: 'a', effect: 'NoSchedule' }] }), 'node "mynode" is not allowed to modify taints'],
  ['a taint more', node({}, { taints: [{ key: 'a', effect: 'NoSchedule' }] }), node(), 'node "mynode" is not allowed to modify taints'],
  ['a role more', node({ labels: { 'node-role.kubernetes.io/x': '' } }), node(), 'is not allowed to modify labels: node-role.kubernetes.io/x'],
  ['a restriction less', node(), node({ labels: { 'node-restriction.kubernetes.io/a': '1' } }), 'is not allowed to modify labels: node-restriction.kubernetes.io/a'],
  ['an owner, to be collected with it (CVE-2025-5187)', node({ ownerReferences: [owner({ kind: 'ConfigMap' })] }), node(), 'node "mynode" is not allowed to modify ownerReferences'],
])('%s', (_, object, oldObject, expected) => expect(judge({ kind: Nodes, operation: oldObject ? 'UPDATE' : 'CREATE', name: (object as { metadata: { name: string } }).metadata.name, namespace: '', object: object as never, oldObject: oldObject as never })).toBe(expected)))
test('another node\'s status, and its deletion', () => {
  expect(judge({ kind: Nodes, operation: 'UPDATE', subresource: 'status', name: 'othernode', object: node({}, {}, 'othernode') as never, oldObject: node({}, {}, 'othernode') as never })).toBe('node "mynode" is not allowed to modify node "othernode"')
  expect(judge({ kind: Nodes, operation: 'DELETE', name: 'othernode', oldObject: node({}, {}, 'othernode') as never })).toBe('node "mynode" is not allowed to modify node "othernode"')
})

const account = (nodeName: string, volumes: object[] = []) => ({ metadata: meta('asking'), spec: { nodeName, containers: [], volumes }, status: {} })
const projected = (audience?: string) => ({ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't', ...(audience !== undefined && { audience }) } }] } })
const claimed = { name: 'v', persistentVolumeClaim: { claimName: 'claim' } }
/** Named after upstream's admission_test.go, "… and ServiceAccountNodeAudienceRestriction is enabled", and its test/integration/auth/node_test.go for the message. */
describe('audiences of tokens', () => test.each<[string, object[], string[], string]>([
  ['the API server, which a volume asks for', [projected()], [], ''],
  ['one that a volume asks for', [projected('foo')], ['foo'], ''],
  ['one that no volume asks for', [projected()], ['foo'], 'audience "foo" not found in pod spec volume, system:node:mynode is not authorized to request tokens for this audience'],
  ['the API server, which no volume asks for', [projected('foo')], [], 'audience "" not found in pod spec volume, system:node:mynode is not authorized to request tokens for this audience'],
  ['two', [projected('foo'), projected('bar')], ['foo', 'bar'], 'node may only request 0 or 1 audiences'],
  ['one that an inline driver asks for', [{ name: 'v', csi: { driver: 'driver' } }], ['of-driver'], ''],
  ['one that the driver behind a claim asks for', [claimed], ['of-driver'], ''],
  ['one that the driver behind a claim of its own asks for', [{ name: 'data', ephemeral: { volumeClaimTemplate: { spec: {} } } }], ['of-driver'], ''],
  ['one that the driver does not ask for', [claimed], ['foo'], 'audience "foo" not found in pod spec volume, system:node:mynode is not authorized to request tokens for this audience'],
  ['of a claim that is not there', [{ name: 'v', persistentVolumeClaim: { claimName: 'none' } }], ['foo'], 'error validating audience "foo": persistentvolumeclaim "none" not found'],
  ['of a driver that is not there', [{ name: 'v', csi: { driver: 'none' } }], ['foo'], 'error validating audience "foo": csidriver.storage.k8s.io "none" not found'],
  ['one that the authorizer allows', [], ['granted'], ''],
])('%s', async (_, volumes, audiences, expected) => {
  const bound = { metadata: meta('pv'), spec: { csi: { driver: 'driver' } } }
  const claim = { metadata: meta('claim'), spec: { volumeName: 'pv' } }
  const all: Record<string, Record<string, object>> = { pods: { asking: account('mynode', volumes) }, persistentvolumeclaims: { claim, 'asking-data': claim }, persistentvolumes: { pv: bound }, csidrivers: { driver: { metadata: meta('driver'), spec: { tokenRequests: [{ audience: 'of-driver' }] } } } }
  asked.length = 0
  const attributes = { kind: ServiceAccounts, operation: 'CREATE', subresource: 'token', name: 'mysa', namespace: 'ns', user: kubelet, object: { spec: { audiences, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'asking', uid: 'uid of asking' } } }, options: {}, dryRun: false, oldObject: undefined } as unknown as AdmissionAttributes
  const lookup = { lookup: { get: (kind: Kind, name: string) => all[kind.plural]?.[name] } } as unknown as AdmissionContext
  const said = await Promise.resolve(nodeRestriction.validate?.(attributes, lookup)).then(() => '', (error: Error) => error.message.replace('serviceaccounts "mysa" is forbidden: ', ''))
  expect(said).toBe(expected)
  if (audiences[0] === 'granted') expect(asked).toEqual([expect.objectContaining({ verb: 'request-serviceaccounts-token-audience', apiGroup: '', resource: 'granted', namespace: 'ns', name: 'mysa' })])
}))

const request = (boundObjectRef?: object) => ({ spec: { audiences: [], boundObjectRef } }) as never
describe('tokens', () => test.each<[string, object | undefined, string]>([
  ['of a pod of its own', { apiVersion: 'v1', kind: 'Pod', name: 'pod', uid: 'uid of pod' }, ''],
  ['of nobody', undefined, 'node requested token not bound to a pod'],
  ['of another kind', { apiVersion: 'v1', kind: 'Secret', name: 'pod', uid: 'uid of pod' }, 'node requested token not bound to a pod'],
  ['without a uid', { apiVersion: 'v1', kind: 'Pod', name: 'pod' }, 'node requested token with a pod binding without a uid'],
  ['of a pod that was', { apiVersion: 'v1', kind: 'Pod', name: 'pod', uid: 'old' }, 'the UID in the bound object reference (old) does not match the UID in record. The object might have been deleted and then recreated'],
  ['of a pod elsewhere', { apiVersion: 'v1', kind: 'Pod', name: 'other', uid: 'uid of pod' }, 'node requested token bound to a pod scheduled on a different node'],
  ['of a pod that is not there', { apiVersion: 'v1', kind: 'Pod', name: 'none', uid: 'x' }, 'pods "none" not found'],
])('%s', (_, reference, expected) => expect(judge({ kind: ServiceAccounts, operation: 'CREATE', subresource: 'token', name: 'default', object: request(reference) })).toBe(expected)))

describe('leases and claims', () => test.each<[string, Partial<AdmissionAttributes> & { kind: Kind; operation: AdmissionAttributes['operation'] }, string]>([
  ['its own', { kind: Leases, operation: 'CREATE', namespace: 'kube-node-lease', object: { metadata: meta('mynode') } as never }, ''],
  ['another\'s, by its content', { kind: Leases, operation: 'CREATE', namespace: 'kube-node-lease', object: { metadata: meta('othernode') } as never }, 'can only access node lease with the same name as the requesting node'],
  ['another\'s', { kind: Leases, operation: 'UPDATE', namespace: 'kube-node-lease', name: 'othernode', object: { metadata: meta('othernode') } as never }, 'can only access node lease with the same name as the requesting node'],
  ['elsewhere', { kind: Leases, operation: 'CREATE', namespace: 'ns', object: { metadata: meta('mynode') } as never }, 'can only access leases in the "kube-node-lease" system namespace'],
  ['a claim\'s capacity', { kind: PersistentVolumeClaims, operation: 'UPDATE', subresource: 'status', object: { metadata: meta('c'), spec: {}, status: { capacity: { storage: '2Gi' } } } as never, oldObject: { metadata: meta('c'), spec: {}, status: { capacity: { storage: '1Gi' } } } as never }, ''],
  ['a claim\'s labels', { kind: PersistentVolumeClaims, operation: 'UPDATE', subresource: 'status', object: { metadata: meta('c', { labels: { a: 'b' } }), spec: {}, status: {} } as never, oldObject: { metadata: meta('c'), spec: {}, status: {} } as never }, 'node "mynode" is not allowed to update fields other than status.quantity and status.conditions'],
])('%s', (_, asked, expected) => expect(judge(asked)).toBe(expected)))

test('nobody else is meant', () => expect(nodeRestriction.handles?.({ user: { name: 'jane', groups: [] } } as unknown as AdmissionAttributes)).toBe(false))
