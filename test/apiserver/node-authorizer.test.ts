/** What a kubelet may read. Named after plugin/pkg/auth/authorizer/node/node_authorizer_test.go. */
import { expect, test } from 'vitest'
import { ConfigMaps, PersistentVolumes, Pods } from '../../src/api/kinds.ts'
import type { KubeObject, PersistentVolume, Pod } from '../../src/api/types.ts'
import { nodeAuthorizer } from '../../src/apiserver/authorization/node-authorizer.ts'
import type { Lookup } from '../../src/apiserver/registry/strategy.ts'

const at = (name: string, namespace?: string) => ({ name, ...(namespace && { namespace }), uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' })
const pod = (name: string, nodeName: string): Pod => ({
  metadata: at(name, 'ns'), status: {},
  spec: { nodeName, containers: [], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: `${name}-claim` } }, { name: 'scratch', ephemeral: {} }, { name: 'config', configMap: { name: `${name}-config` } }] },
})
const volume = (name: string, claim?: string): PersistentVolume => ({ metadata: at(name), spec: { ...(claim && { claimRef: { namespace: 'ns', name: claim } }) }, status: {} })
const objects = new Map<string, readonly KubeObject[]>([
  [Pods.plural, [pod('mine', 'node-1'), pod('other', 'node-2')]], [ConfigMaps.plural, []],
  [PersistentVolumes.plural, [volume('pv-mine', 'mine-claim'), volume('pv-scratch', 'mine-scratch'), volume('pv-other', 'other-claim'), volume('pv-free')]],
])
const lookup = {
  get: (kind: { plural: string }, name: string) => objects.get(kind.plural)?.find(({ metadata }) => metadata.name === name),
  list: (kind: { plural: string }, namespace?: string) => (objects.get(kind.plural) ?? []).filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
} as unknown as Lookup

const user = { name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'], uid: '', extra: {} }
const ask = (verb: string, resource: string, name: string, { namespace = 'ns', subresource = '' } = {}) => {
  const answer = nodeAuthorizer(lookup).authorize({ user, verb, resource, name, namespace, subresource, apiGroup: '', apiVersion: 'v1', resourceRequest: true, path: '' } as unknown as Parameters<ReturnType<typeof nodeAuthorizer>['authorize']>[0])
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

test('a claim of that name in another namespace', () => { expect(ask('get', 'persistentvolumeclaims', 'mine-claim', { namespace: 'elsewhere' })).toBe('no-opinion') })
test.each([['pv-mine', 'allow'], ['pv-scratch', 'allow'], ['pv-other', 'no-opinion'], ['pv-free', 'no-opinion'], ['pv-none', 'no-opinion'], ['', 'no-opinion']])('volume %j', (name, expected) => { expect(ask('get', 'persistentvolumes', name, { namespace: '' })).toBe(expected) })
