/** What a kubelet may read. Named after plugin/pkg/auth/authorizer/node/node_authorizer_test.go. */
import { expect, test } from 'vitest'
import { ConfigMaps, PersistentVolumes, Pods, VolumeAttachments } from '../../src/api/kinds.ts'
import type { KubeObject, PersistentVolume, Pod } from '../../src/api/types.ts'
import { nodeAuthorizer } from '../../src/apiserver/authorization/node-authorizer.ts'
import { NodeGraph } from '../../src/apiserver/authorization/node-graph.ts'
import { selectorsOfText } from '../../src/apiserver/authorization/selectors.ts'
import type { Lookup } from '../../src/apiserver/registry/strategy.ts'

const at = (name: string, namespace?: string) => ({ name, ...(namespace && { namespace }), uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' })
const pod = (name: string, nodeName: string): Pod => ({
  metadata: at(name, 'ns'), status: {},
  spec: { nodeName, containers: [], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: `${name}-claim` } }, { name: 'scratch', ephemeral: {} }, { name: 'config', configMap: { name: `${name}-config` } }] },
})
const volume = (name: string, claim?: string): PersistentVolume => ({ metadata: at(name), spec: { ...(claim && { claimRef: { namespace: 'ns', name: claim } }) }, status: {} })
const objects = new Map<string, readonly KubeObject[]>([
  [Pods.plural, [pod('mine', 'node-1'), pod('other', 'node-2')]], [ConfigMaps.plural, []],
  [VolumeAttachments.plural, [{ metadata: at('va-mine'), spec: { nodeName: 'node-1' } } as KubeObject, { metadata: at('va-other'), spec: { nodeName: 'node-2' } } as KubeObject]],
  [PersistentVolumes.plural, [volume('pv-mine', 'mine-claim'), volume('pv-scratch', 'mine-scratch'), volume('pv-other', 'other-claim'), volume('pv-free')]],
])
const lookup = {
  get: (kind: { plural: string }, name: string) => objects.get(kind.plural)?.find(({ metadata }) => metadata.name === name),
  list: (kind: { plural: string }, namespace?: string) => (objects.get(kind.plural) ?? []).filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
} as unknown as Lookup

const graph = new NodeGraph()
for (const each of objects.get(Pods.plural) as readonly Pod[]) graph.setPod(`ns/${each.metadata.name}`, each)
for (const each of objects.get(PersistentVolumes.plural) as readonly PersistentVolume[]) graph.setVolume(each.metadata.name, each)

const user = { name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'], uid: '', extra: {} }
const ask = (verb: string, resource: string, name: string, { namespace = 'ns', subresource = '', fieldSelector = '', apiGroup = '' } = {}) => {
  const answer = nodeAuthorizer(lookup, graph).authorize({ ...selectorsOfText(fieldSelector, ''), user, verb, resource, name, namespace, subresource, apiGroup, apiVersion: 'v1', resourceRequest: true, path: '' } as unknown as Parameters<ReturnType<typeof nodeAuthorizer>['authorize']>[0])
  return 'verdict' in answer ? answer.verdict : undefined
}

test.each<[string, string, string, string, string]>([
  ['a claim of its pod', 'get', 'persistentvolumeclaims', 'mine-claim', 'allow'],
  ['a claim of its pod, watched', 'watch', 'persistentvolumeclaims', 'mine-claim', 'allow'],
  ['the claim of an ephemeral volume', 'get', 'persistentvolumeclaims', 'mine-scratch', 'allow'],
  ['a claim of a pod of another node', 'get', 'persistentvolumeclaims', 'other-claim', 'no-opinion'],
  ['all claims', 'list', 'persistentvolumeclaims', '', 'no-opinion'],
  ['to change a claim', 'update', 'persistentvolumeclaims', 'mine-claim', 'no-opinion'],
  ['a config of its pod', 'get', 'configmaps', 'mine-config', 'allow'],
  ['a config of a pod of another node', 'get', 'configmaps', 'other-config', 'no-opinion'],
])('%s', (_, verb, resource, name, expected) => { expect(ask(verb, resource, name)).toBe(expected) })

test.each<[string, string, string, string, object, string]>([
  ['the status of a claim of its pod', 'patch', 'persistentvolumeclaims', 'mine-claim', { subresource: 'status' }, 'allow'],
  ['the status of a claim of a pod of another node', 'patch', 'persistentvolumeclaims', 'other-claim', { subresource: 'status' }, 'no-opinion'],
  ['the status of a claim, deleted', 'delete', 'persistentvolumeclaims', 'mine-claim', { subresource: 'status' }, 'no-opinion'],
  ['an attachment to itself', 'get', 'volumeattachments', 'va-mine', { namespace: '', apiGroup: 'storage.k8s.io' }, 'allow'],
  ['an attachment to another node', 'get', 'volumeattachments', 'va-other', { namespace: '', apiGroup: 'storage.k8s.io' }, 'no-opinion'],
  ['all attachments', 'list', 'volumeattachments', '', { namespace: '', apiGroup: 'storage.k8s.io' }, 'no-opinion'],
  ['drivers', 'list', 'csidrivers', '', { namespace: '', apiGroup: 'storage.k8s.io' }, 'allow'],
])('%s', (_, verb, resource, name, where, expected) => { expect(ask(verb, resource, name, where)).toBe(expected) })

test('a claim of that name in another namespace', () => { expect(ask('get', 'persistentvolumeclaims', 'mine-claim', { namespace: 'elsewhere' })).toBe('no-opinion') })
test.each([['pv-mine', 'allow'], ['pv-scratch', 'allow'], ['pv-other', 'no-opinion'], ['pv-free', 'no-opinion'], ['pv-none', 'no-opinion'], ['', 'no-opinion']])('volume %j', (name, expected) => { expect(ask('get', 'persistentvolumes', name, { namespace: '' })).toBe(expected) })

test.each<[string, string, string, string, object, string]>([
  ['its own node', 'get', 'nodes', 'node-1', { namespace: '' }, 'allow'],
  ['another node', 'get', 'nodes', 'node-2', { namespace: '' }, 'no-opinion'],
  ['all nodes', 'list', 'nodes', '', { namespace: '' }, 'no-opinion'],
  ['a pod of its own', 'get', 'pods', 'mine', {}, 'allow'],
  ['a pod of another node', 'get', 'pods', 'other', {}, 'no-opinion'],
  ['all pods', 'list', 'pods', '', {}, 'no-opinion'],
  ['its own pods', 'watch', 'pods', '', { fieldSelector: 'spec.nodeName=node-1' }, 'allow'],
  ['its own pods that run', 'list', 'pods', '', { fieldSelector: 'status.phase=Running,spec.nodeName=node-1' }, 'allow'],
  ['those of another node', 'list', 'pods', '', { fieldSelector: 'spec.nodeName=node-2' }, 'no-opinion'],
  ['all but its own', 'list', 'pods', '', { fieldSelector: 'spec.nodeName!=node-1' }, 'no-opinion'],
  ['one of its own, watched', 'watch', 'pods', 'mine', {}, 'allow'],
  ['to change a pod', 'update', 'pods', 'mine', {}, 'no-opinion'],
  ['to tell of a pod', 'patch', 'pods', 'mine', { subresource: 'status' }, 'allow'],
  ['to bind a pod', 'create', 'pods', 'mine', { subresource: 'binding' }, 'no-opinion'],
  ['the account of its pods', 'get', 'serviceaccounts', 'default', {}, 'allow'],
  ['an account that no pod here has', 'get', 'serviceaccounts', 'elsewhere', {}, 'no-opinion'],
  ['all accounts', 'list', 'serviceaccounts', '', {}, 'no-opinion'],
  ['a token of an account that no pod here has', 'create', 'serviceaccounts', 'elsewhere', { subresource: 'token' }, 'no-opinion'],
  ['a token of the account of its pods', 'create', 'serviceaccounts', 'default', { subresource: 'token' }, 'allow'],
])('%s', (_, verb, resource, name, more, expected) => { expect(ask(verb, resource, name, more)).toBe(expected) })

test('the graph follows pods: what nobody refers to any more is not read any more; what two refer to is, until both are gone', () => {
  const own = new NodeGraph()
  const refers = (): boolean => own.refers('node-1', 'configmaps', { namespace: 'ns', name: 'a-config' })
  const at = pod('a', 'node-1')
  own.setPod('ns/a', pod('a', ''))
  expect(refers()).toBe(false)
  own.setPod('ns/a', at)
  own.setPod('ns/b', { ...pod('b', 'node-1'), spec: at.spec })
  expect(refers()).toBe(true)
  own.setPod('ns/a', undefined)
  expect(refers()).toBe(true)
  own.setPod('ns/b', undefined)
  expect(refers()).toBe(false)
  own.setPod('ns/m', { ...at, metadata: { ...at.metadata, annotations: { 'kubernetes.io/config.mirror': 'x' } } })
  expect([refers(), own.hasPod('node-1', { namespace: 'ns', name: 'm' })]).toEqual([false, true])
})

test('the secret of a volume is read by the node whose pod has the claim', () => {
  const own = new NodeGraph()
  own.setPod('ns/a', pod('a', 'node-1'))
  const csi = { driver: 'd', volumeHandle: 'v', nodePublishSecretRef: { namespace: 'storage', name: 'key' }, controllerExpandSecretRef: { namespace: 'storage', name: 'master' } }
  own.setVolume('pv', { ...volume('pv', 'a-claim'), spec: { claimRef: { namespace: 'ns', name: 'a-claim' }, csi } })
  const reads = (name: string, node = 'node-1') => own.refers(node, 'secrets', { namespace: 'storage', name })
  expect([reads('key'), reads('key', 'node-2'), reads('master')]).toEqual([true, false, false])
  own.setVolume('pv', undefined)
  expect(reads('key')).toBe(false)
})
