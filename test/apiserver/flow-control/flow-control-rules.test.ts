import { describe, expect, test } from 'vitest'
import type { FlowSchema, FlowSchemaSpec, PriorityLevelConfiguration, PriorityLevelConfigurationSpec } from '../../../src/api/types.ts'
import { flowControlObjects, maintained } from '../../../src/apiserver/bootstrap/flow-control-objects.ts'
import { allocate, currentLimits, SeatDemand } from '../../../src/apiserver/flow-control/borrowing.ts'
import { distinguisherOf } from '../../../src/apiserver/flow-control/classify.ts'
import { flowConfiguration } from '../../../src/apiserver/flow-control/configuration.ts'
import { matchesFlowSchema } from '../../../src/apiserver/flow-control/classify.ts'
import { seatLimits } from '../../../src/apiserver/flow-control/shares.ts'
import { deal, flowHash } from '../../../src/apiserver/flow-control/shuffle-sharding.ts'
import { afterWriteWork, listSeats } from '../../../src/apiserver/flow-control/width.ts'
import { requestInfo } from '../../../src/apiserver/request-info.ts'

const specs = (kind: string): [string, object][] => flowControlObjects.filter((each) => each.kind.kind === kind).map(({ name, object }) => [name, object['spec'] as object])
const schemas = specs('FlowSchema').map(([name, spec]) => ({ apiVersion: '', kind: '', metadata: { name }, spec, status: {} }) as unknown as FlowSchema)
const levels = specs('PriorityLevelConfiguration').map(([name, spec]) => ({ metadata: { name, uid: `uid of ${name}` }, spec, status: {} }) as unknown as PriorityLevelConfiguration)
const info = (method: string, path: string) => requestInfo(method, path.split('?')[0] ?? '', () => new URLSearchParams(path.split('?')[1]))
const account = (namespace: string, name: string): { name: string; groups: string[] } =>
  ({ name: `system:serviceaccount:${namespace}:${name}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'] })
const signedIn = (name: string, ...groups: string[]): { name: string; groups: string[] } => ({ name, groups: [...groups, 'system:authenticated'] })
const node = signedIn('system:node:n1', 'system:nodes')
const lease = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x'

// kubernetes.io/docs/concepts/cluster-administration/flow-control, "Suggested configuration objects".
describe('the schema of a request, with upstream\'s own schemas', () => test.each([
  ['the masters are exempt', signedIn('admin', 'system:masters'), 'DELETE', '/api/v1/nodes/n', 'exempt'],
  ['probes by strangers', { name: 'system:anonymous', groups: ['system:unauthenticated'] }, 'GET', '/readyz', 'probes'],
  ['a part of a probe is no probe', { name: 'system:anonymous', groups: ['system:unauthenticated'] }, 'GET', '/readyz/etcd', 'global-default'],
  ['the leader of the controller managers', signedIn('system:kube-controller-manager'), 'PUT', lease, 'system-leader-election'],
  ['a system account and its lease', account('kube-system', 'anything'), 'GET', lease, 'system-leader-election'],
  ['a lease that is deleted', signedIn('system:kube-scheduler'), 'DELETE', lease, 'kube-scheduler'],
  ['endpoints', account('kube-system', 'endpoint-controller'), 'POST', '/api/v1/namespaces/d/endpoints', 'endpoint-controller'],
  ['a node and its status', node, 'PATCH', '/api/v1/nodes/n1/status', 'system-node-high'],
  ['a node and its proxy', node, 'GET', '/api/v1/nodes/n1/proxy', 'system-nodes'],
  ['a node and a pod', node, 'GET', '/api/v1/namespaces/d/pods/p', 'system-nodes'],
  ['the controller manager otherwise', signedIn('system:kube-controller-manager'), 'GET', '/api/v1/pods', 'kube-controller-manager'],
  ['a system account', account('kube-system', 'x'), 'GET', '/api/v1/pods', 'kube-system-service-accounts'],
  ['another account', account('d', 'x'), 'GET', '/api/v1/pods', 'service-accounts'],
  ['somebody', signedIn('jane'), 'GET', '/api/v1/pods', 'global-default'],
  ['who is neither known nor unknown', { name: 'odd', groups: [] }, 'GET', '/api/v1/pods', undefined],
] as const)('%s', (_, user, method, path, expected) => {
  const { schemas: ordered } = flowConfiguration(schemas, levels)
  expect(ordered.find((schema) => matchesFlowSchema(schema, user, info(method, path)))?.metadata.name).toBe(expected)
}))

const ruled = (rule: object, subjects: object[] = [{ kind: 'User', user: { name: '*' } }]): FlowSchema => ({ spec: { rules: [{ subjects, ...rule }] } }) as unknown as FlowSchema
const resources = (rule: object): FlowSchema => ruled({ resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], ...rule }] })
describe('rules', () => test.each([
  ['a subresource has to be named', resources({ resources: ['pods'] }), '/api/v1/namespaces/d/pods/p/log', false],
  ['and is', resources({ resources: ['pods/log'] }), '/api/v1/namespaces/d/pods/p/log', true],
  ['another group', resources({ apiGroups: ['apps'] }), '/api/v1/namespaces/d/pods', false],
  ['another namespace', resources({ namespaces: ['a'] }), '/api/v1/namespaces/d/pods', false],
  ['all namespaces are the cluster\'s scope', resources({}), '/api/v1/pods', false],
  ['where it is meant', resources({ clusterScope: true, namespaces: [] }), '/api/v1/pods', true],
  ['below a path', ruled({ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/a/*'] }] }), '/a/b', true],
  ['the path itself is not below', ruled({ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/a/*'] }] }), '/a', false],
  ['another verb', ruled({ nonResourceRules: [{ verbs: ['post'], nonResourceURLs: ['*'] }] }), '/a', false],
  ['an account of another namespace', ruled({ resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }] }, [{ kind: 'ServiceAccount', serviceAccount: { namespace: 'e', name: '*' } }]), '/api/v1/namespaces/d/pods', false],
  ['any of all groups', ruled({ resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }] }, [{ kind: 'Group', group: { name: '*' } }]), '/api/v1/namespaces/d/pods', true],
] as const)('%s', (_, schema, path, expected) => expect(matchesFlowSchema(schema, account('d', 'x'), info('GET', path))).toBe(expected)))

test('what tells flows apart', () => {
  const by = (type: string) => distinguisherOf({ spec: { distinguisherMethod: { type } } as FlowSchemaSpec }, signedIn('jane'), info('GET', '/api/v1/namespaces/d/pods'))
  expect([by('ByUser'), by('ByNamespace'), distinguisherOf({ spec: {} as FlowSchemaSpec }, signedIn('jane'), { namespace: 'd' })]).toEqual(['jane', 'd', ''])
})

test('a schema without its level does not count, and the mandatory ones are always there', () => {
  const dangling = { metadata: { name: 'a' }, spec: { priorityLevelConfiguration: { name: 'gone' }, matchingPrecedence: 1 } } as unknown as FlowSchema
  const { schemas: used, levels: known } = flowConfiguration([dangling], [])
  expect([used.map(({ metadata }) => metadata.name), [...known.keys()]]).toEqual([['exempt', 'catch-all'], ['exempt', 'catch-all']])
})

// The numbers of the documentation's table, of 600 seats.
test('seats by shares', () => {
  const limits = seatLimits(new Map(levels.map(({ metadata, spec }) => [metadata.name, spec])), 600)
  expect(Object.fromEntries([...limits].map(([name, { nominal, lowest }]) => [name, [nominal, lowest]]))).toEqual({
    exempt: [0, 0], 'catch-all': [13, 13], system: [74, 50], 'node-high': [98, 73], 'leader-election': [25, 25], 'workload-high': [98, 49], 'workload-low': [245, 24], 'global-default': [49, 24],
  })
  const two = seatLimits(new Map<string, PriorityLevelConfigurationSpec>([
    ['lender', { type: 'Limited', limited: { nominalConcurrencyShares: 1, lendablePercent: 50 } }], ['borrower', { type: 'Limited', limited: { nominalConcurrencyShares: 1, borrowingLimitPercent: 20 } }],
  ]), 100)
  expect(Object.fromEntries(two)).toEqual({ lender: { nominal: 50, lowest: 25, highest: 50 }, borrower: { nominal: 50, lowest: 50, highest: 60 } })
})

describe('borrowing', () => {
  const level = (nominal: number, lowest: number, highest: number, demand: number, exempt = false) => ({ exempt, limits: { nominal, lowest, highest }, demand: { highest: demand, smoothed: demand } })
  test.each([
    ['who needs more borrows of who needs nothing', [level(50, 25, 75, 0), level(50, 25, 75, 90)], [25, 75]],
    ['what is needed is not lent', [level(50, 25, 75, 40), level(50, 25, 75, 90)], [40, 60]],
    ['nobody gets more than its limit', [level(50, 0, 50, 0), level(50, 50, 55, 500)], [45, 55]],
    ['the exempt take first', [level(0, 0, 100, 30, true), level(100, 50, 100, 100)], [30, 70]],
    ['down to what others keep', [level(0, 0, 100, 90, true), level(100, 50, 100, 100)], [90, 50]],
  ])('%s', (_, given, expected) => expect(currentLimits(given)).toEqual(expected))
  test('everybody the same part of what they want', () => expect(allocate([{ lower: 0, upper: 100, target: 60 }, { lower: 0, upper: 100, target: 20 }], 40).map(Math.round)).toEqual([30, 10]))
  test('demand is weighted by time, and its envelope falls slowly', () => {
    const demand = new SeatDemand(0)
    demand.set(10, 0)
    demand.set(0, 5000)
    expect(demand.finish(10_000)).toEqual({ highest: 10, smoothed: 10 })
    expect(demand.finish(20_000).smoothed).toBeCloseTo(9.77)
  })
})

test('hands are dealt without repetition, the same for the same flow', () => {
  for (let user = 0; user < 50; user += 1) {
    const hand = deal(flowHash('s', `user-${user}`), 64, 6)
    expect(new Set(hand).size).toBe(6)
    expect(hand.every((card) => card >= 0 && card < 64)).toBe(true)
    expect(deal(flowHash('s', `user-${user}`), 64, 6)).toEqual(hand)
  }
  expect(deal(flowHash('s', 'a'), 64, 6)).not.toEqual(deal(flowHash('s', 'b'), 64, 6))
  expect(deal(5n, 3, 3).toSorted()).toEqual([0, 1, 2])
})

describe('width', () => test.each([
  ['a few', { stored: 30, selective: false, limit: 0, fromCache: true }, 1], ['250', { stored: 250, selective: false, limit: 0, fromCache: true }, 3],
  ['very many', { stored: 90_000, selective: false, limit: 0, fromCache: true }, 10], ['a page of the store', { stored: 90_000, selective: false, limit: 100, fromCache: false }, 2],
  ['a selective page', { stored: 450, selective: true, limit: 100, fromCache: false }, 6], ['unknown', { stored: undefined, selective: false, limit: 0, fromCache: true }, 1],
] as const)('%s', (_, list, seats) => expect(listSeats(list, 100)).toBe(seats)))
test('not wider than the level allows, and writes by who watches', () => expect([listSeats({ stored: 5000, selective: false, limit: 0, fromCache: true }, 3), afterWriteWork(0), afterWriteWork(11), afterWriteWork(5000)]).toEqual([3, 0, 10, 50]))

// kubernetes.io/docs/concepts/cluster-administration/flow-control, "Maintenance of the mandatory and suggested configuration objects".
describe('suggested objects are maintained', () => {
  const stored = (spec: object, annotation: string | undefined, generation: number) => ({ metadata: { name: 'a', generation, ...(annotation !== undefined && { annotations: { 'apf.kubernetes.io/autoupdate-spec': annotation } }) }, spec }) as never
  test.each([
    ['as they should be', stored({ a: 1 }, 'true', 1), undefined],
    ['changed, and ours', stored({ a: 2 }, 'true', 3), [{ a: 1 }, 'true']],
    ['changed, and not ours', stored({ a: 2 }, 'false', 3), undefined],
    ['never changed since an older release', stored({ a: 2 }, undefined, 1), [{ a: 1 }, 'true']],
    ['changed under an older release', stored({ a: 2 }, undefined, 2), [{ a: 2 }, 'false']],
  ])('%s', (_, current, expected) => {
    const next = maintained(current, { a: 1 }) as { spec: object; metadata: { annotations: Record<string, string> } } | undefined
    expect(next && [next.spec, next.metadata.annotations['apf.kubernetes.io/autoupdate-spec']]).toEqual(expected)
  })
})
