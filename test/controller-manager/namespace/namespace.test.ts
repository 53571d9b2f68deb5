import { describe, expect, test } from 'vitest'
import { ConfigMaps, Namespaces, Pods } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import type { Namespace } from '../../../src/api/types.ts'
import { deletionConditions } from '../../../src/controller-manager/namespace/conditions.ts'
import { planNamespace } from '../../../src/controller-manager/namespace/namespace.ts'
import { metadata, noon, pod, secondsBefore } from '../builders.ts'
import { world } from '../fake-world.ts'

const namespace = (over: Partial<Namespace['metadata']> = {}, finalizers = ['kubernetes']): Namespace => ({ metadata: metadata('shop', { namespace: undefined, ...over }), spec: { finalizers }, status: { phase: 'Active' } })
const going = { deletionTimestamp: secondsBefore(1) }
const inShop = (name: string, over: Partial<KubeObject['metadata']> = {}) => pod(name, { metadata: { namespace: 'shop', ...over } })
const plan = (shop: Namespace, pods: readonly KubeObject[], configMaps: readonly KubeObject[] = []): string[] =>
  planNamespace('shop', world([[Namespaces, [shop]], [Pods, pods], [ConfigMaps, configMaps]]), [ConfigMaps, Pods]).map((action) => (action.do === 'deleteContent' ? `deleteContent ${action.kinds.map(({ plural }) => plural).join()}` : action.do))

test.each<[string, Namespace, KubeObject[], string[]]>([
  ['is not being deleted', namespace(), [inShop('a')], []],
  ['has content', namespace(going), [inShop('a'), pod('elsewhere')], ['deleteContent pods', 'requeueAfter']],
  ['has content that is going', namespace(going), [inShop('a', going)], ['updateStatus', 'requeueAfter']],
  ['is empty', namespace(going), [pod('elsewhere')], ['finalize']],
  ['waits for finalizers of others only', namespace(going, ['example.com/hold']), [], []],
])('%s', (_, shop, pods, expected) => expect(plan(shop, pods)).toEqual(expected))

describe('pods go first', () => {
  const settings = { metadata: metadata('settings', { namespace: 'shop' }) }
  test('nothing else is touched while one is there', () => expect(plan(namespace(going), [inShop('a')], [settings])).toEqual(['deleteContent pods', 'requeueAfter']))
  test('nor while one is going', () => expect(plan(namespace(going), [inShop('a', going)], [settings])).toEqual(['updateStatus', 'requeueAfter']))
  test('then all the rest', () => expect(plan(namespace(going), [], [settings])).toEqual(['deleteContent configmaps', 'requeueAfter']))
})

describe('conditions', () => {
  const remaining = [{ kind: Pods, objects: [inShop('a', { finalizers: ['x/y'] }), inShop('b')] }]
  test('say what remains', () => {
    const { conditions } = deletionConditions([], remaining, noon)
    expect(conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`)).toEqual([
      'NamespaceDeletionDiscoveryFailure=False ResourcesDiscovered: All resources successfully discovered',
      'NamespaceDeletionGroupVersionParsingFailure=False ParsedGroupVersions: All legacy kube types successfully parsed',
      'NamespaceDeletionContentFailure=False ContentDeleted: All content successfully deleted, may be waiting on finalization',
      'NamespaceContentRemaining=True SomeResourcesRemain: Some resources are remaining: pods. has 2 resource instances',
      'NamespaceFinalizersRemaining=True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: x/y in 1 resource instances',
    ])
  })
  test('are written again for a number only after a while', () => {
    const first = deletionConditions([], remaining, noon).conditions
    const fewer = [{ kind: Pods, objects: [inShop('a', { finalizers: ['x/y'] })] }]
    expect(deletionConditions(first, fewer, noon).worthwhile).toBe(false)
    expect(deletionConditions(first, fewer, new Date(noon.getTime() + 1000)).worthwhile).toBe(true)
    expect(deletionConditions(first, remaining, new Date(noon.getTime() + 9000)).worthwhile).toBe(false)
  })
})
