import { describe, expect, test } from 'vitest'
import { ConfigMaps, Deployments, type Kind, Pods, ResourceQuotas, Services } from '../../src/api/kinds.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import type { Pod, ResourceQuota } from '../../src/api/types.ts'
import { planQuota, resourceQuotas } from '../../src/controller-manager/resource-quota.ts'
import { deployment, metadata, pod, secondsBefore, service } from './builders.ts'
import { inWords, objectOf, world } from './fake-world.ts'

const kinds: readonly Kind[] = [Pods, ConfigMaps, Services, Deployments]
const quota = (hard: Record<string, string>, over: Partial<ResourceQuota> = {}): ResourceQuota => ({ metadata: metadata('limits'), spec: { hard }, status: {}, ...over })
const asking = (name: string, over: Parameters<typeof pod>[1] = {}): Pod => pod(name, { ...over, spec: { containers: [{ name: 'main', resources: { requests: { cpu: '250m', memory: '64Mi' }, limits: { cpu: '1' } } }], ...over?.spec } })
const map = (name: string, namespace = 'default') => ({ metadata: metadata(name, { namespace }) })
const plan = (given: ResourceQuota, objects: readonly (readonly [Kind, readonly KubeObject[]])[]) => planQuota('default/limits', world([[ResourceQuotas, [given]], ...objects]), kinds)
const used = (...given: Parameters<typeof plan>) => objectOf(plan(...given), 'updateStatus', ResourceQuotas).status

describe('what is used', () => {
  const hard = { pods: '5', 'requests.cpu': '2', memory: '1Gi', 'limits.cpu': '8', configmaps: '3', 'count/deployments.apps': '1', 'services.nodeports': '1' }
  test('is counted over all kinds, in its own namespace', () => expect(used(quota(hard), [
    [Pods, [asking('a'), asking('b')]], [ConfigMaps, [map('x'), map('y', 'other')]], [Deployments, [deployment('web', 1)]], [Services, [service('web', { type: 'NodePort', ports: [{ port: 80 }] })]],
  ])).toEqual({ hard, used: { pods: '2', 'requests.cpu': '500m', memory: '128Mi', 'limits.cpu': '2', configmaps: '1', 'count/deployments.apps': '1', 'services.nodeports': '1' } }))
  test('is nothing where nothing is', () => expect(used(quota({ pods: '5', configmaps: '3' }), [])).toEqual({ hard: { pods: '5', configmaps: '3' }, used: { pods: '0', configmaps: '0' } }))
  test('leaves out pods that have ended', () => expect(used(quota({ pods: '5' }), [[Pods, [asking('a'), asking('b', { status: { phase: 'Failed' } })]]]).used).toEqual({ pods: '1' }))
  test('keeps to its scopes', () => expect(used(quota({ pods: '5' }, { spec: { hard: { pods: '5' }, scopes: ['BestEffort'] } }), [[Pods, [asking('a'), pod('b')]]]).used).toEqual({ pods: '1' }))
  test('forgets what is no longer limited, and keeps what nobody can count', () => expect(used(quota({ pods: '5', 'count/unknowns.example.com': '1' }, { status: { hard: { pods: '9' }, used: { pods: '3', memory: '1Gi', 'count/unknowns.example.com': '1' } } }), []).used).toEqual({ pods: '0', 'count/unknowns.example.com': '1' }))
})

test('is written only when it changes, and counted again after five minutes', () => {
  const right = { hard: { pods: '5' }, used: { pods: '1' } }
  expect(inWords(plan(quota({ pods: '5' }, { status: right }), [[Pods, [asking('a')]]]))).toEqual(['requeueAfter 300000'])
})
test('is looked at when a pod\'s time is over', () => {
  const going = asking('a', { metadata: { deletionTimestamp: secondsBefore(10), deletionGracePeriodSeconds: 30 } })
  expect(inWords(plan(quota({ pods: '5' }, { status: { hard: { pods: '5' }, used: { pods: '1' } } }), [[Pods, [going]]]))).toEqual(['requeueAfter 20001'])
})

describe('what wakes it', () => {
  const [ofQuotas, ofPods] = resourceQuotas(kinds).watches
  test.each<[string, KubeObject | undefined, KubeObject | undefined, boolean]>([
    ['a pod that is new: admission has counted it', asking('a'), undefined, false],
    ['a pod that is gone', undefined, asking('a'), true],
    ['a pod that ended', asking('a', { status: { phase: 'Succeeded' } }), asking('a'), true],
    ['a pod that became ready', asking('a', { ready: true }), asking('a'), false],
  ])('%s', (_, object, previous, expected) => expect(ofPods?.matters?.(object, previous)).toBe(expected))
  const counted = { status: { hard: { pods: '5' }, used: { pods: '1' } } }
  test.each<[string, ResourceQuota | undefined, ResourceQuota | undefined, boolean]>([
    ['a new quota', quota({ pods: '5' }), undefined, true],
    ['other limits', quota({ pods: '6' }, counted), quota({ pods: '5' }, counted), true],
    ['a status that was written', quota({ pods: '5' }, counted), quota({ pods: '5' }, { status: { ...counted.status, used: { pods: '0' } } }), false],
    ['a status that lacks something', quota({ pods: '5' }), quota({ pods: '5' }), true],
  ])('%s', (_, object, previous, expected) => expect(ofQuotas?.matters?.(object, previous)).toBe(expected))
  test('only the quotas that count the kind', () => {
    const at = world([[ResourceQuotas, [quota({ configmaps: '1' }), { ...quota({ pods: '1' }), metadata: metadata('pods') }]]])
    expect([...ofPods?.keysOf(asking('a'), at) ?? []]).toEqual(['default/pods'])
  })
})
