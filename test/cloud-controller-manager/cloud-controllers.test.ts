import { describe, expect, test } from 'vitest'
import { Nodes } from '../../src/api/kinds.ts'
import type { Node, NodeAddress } from '../../src/api/types.ts'
import { createClient } from '../../src/client/client.ts'
import type { Cloud, Route } from '../../src/cloud-controller-manager/cloud.ts'
import { cloudControllerManager } from '../../src/cloud-controller-manager/cloud-controller-manager.ts'
import { planCloudNode } from '../../src/cloud-controller-manager/node.ts'
import { planMachine } from '../../src/cloud-controller-manager/node-lifecycle.ts'
import { planConditions, planRoutes } from '../../src/cloud-controller-manager/route.ts'
import { condition, node, noon } from '../controller-manager/builders.ts'
import { inWords, objectOf } from '../controller-manager/fake-world.ts'
import { fakeApi } from '../support/fake-api.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { logs } from '../support/logs.ts'

const internal = (address: string): NodeAddress => ({ type: 'InternalIP', address })
const uninitialized = { key: 'node.cloudprovider.kubernetes.io/uninitialized', value: 'true', effect: 'NoSchedule' }
const machine = { providerID: 'fake://a', instanceType: 'big', zone: 'east-1', region: 'east', addresses: [internal('192.0.2.1')] }

describe('a new node', () => {
  const fresh = node('a', { spec: { taints: [uninitialized, { key: 'mine', effect: 'NoSchedule' }] }, status: { addresses: [{ type: 'Hostname', address: 'a' }] } })
  const withAddresses = (given: Node): Node => ({ ...given, status: { ...given.status, addresses: [internal('192.0.2.1'), { type: 'Hostname', address: 'a' }] } })
  test('gets its addresses first', () => {
    const actions = planCloudNode(fresh, machine)
    expect(inWords(actions)).toEqual(['updateStatus nodes a', 'requeueAfter 300000'])
    expect(objectOf(actions, 'updateStatus', Nodes).status.addresses).toEqual([internal('192.0.2.1'), { type: 'Hostname', address: 'a' }])
  })
  test('then its identity, and may take pods', () => {
    const actions = planCloudNode(withAddresses(fresh), machine)
    expect(inWords(actions)).toEqual(['update nodes a', 'event Normal Synced: Node synced successfully', 'requeueAfter 300000'])
    const next = objectOf(actions, 'update', Nodes)
    expect(next.spec).toEqual({ providerID: 'fake://a', taints: [{ key: 'mine', effect: 'NoSchedule' }] })
    expect(next.metadata.labels).toMatchObject({ 'node.kubernetes.io/instance-type': 'big', 'topology.kubernetes.io/zone': 'east-1', 'topology.kubernetes.io/region': 'east' })
  })
  test('then nothing more', () => expect(inWords(planCloudNode(withAddresses({ ...fresh, spec: {} }), machine))).toEqual(['requeueAfter 300000']))
  test('with an address that the cloud does not know is refused', () => {
    const asked = { ...fresh, metadata: { ...fresh.metadata, annotations: { 'alpha.kubernetes.io/provided-node-ip': '192.0.2.9' } } }
    expect(() => planCloudNode(asked, machine)).toThrow('failed to get node address from cloud provider that matches ip: 192.0.2.9')
  })
})

describe('a machine', () => {
  const silent = node('a', { status: { conditions: [condition('Ready', 'Unknown')] } })
  const tainted = { ...silent, spec: { taints: [{ key: 'node.cloudprovider.kubernetes.io/shutdown', effect: 'NoSchedule' }] } }
  test.each([
    ['gone', silent, 'gone', ['event Normal DeletingNode: Deleting node a because it does not exist in the cloud provider', 'delete nodes a']],
    ['switched off', silent, 'shutdown', ['update nodes a', 'requeueAfter 5000']],
    ['still off', tainted, 'shutdown', ['requeueAfter 5000']],
    ['on again', tainted, 'runs', ['update nodes a', 'requeueAfter 5000']],
    ['well', node('a'), 'runs', []],
  ] as const)('%s', (_, given, state, expected) => expect(inWords(planMachine(given, state, noon))).toEqual(expected))
})

describe('routes', () => {
  const at = (name: string, podCIDR: string, address = '192.0.2.1'): Node => node(name, { spec: { podCIDR, podCIDRs: [podCIDR] }, status: { addresses: [internal(address)], conditions: [condition('Ready')] } })
  const route = (targetNode: string, destinationCIDR: string, over: Partial<Route> = {}): Route => ({ name: 'r', targetNode, destinationCIDR, ...over })
  const isOurs = (range: string): boolean => range.startsWith('10.244.')
  const plan = (nodes: Node[], existing: Route[]): unknown => {
    const change = planRoutes(nodes, existing, isOurs)
    return change && { create: change.create.map((each) => `${each.route.targetNode} ${each.route.destinationCIDR}`), remove: change.remove.map((each) => `${each.targetNode} ${each.destinationCIDR}`) }
  }
  test.each<[string, Node[], Route[], unknown]>([
    ['two nodes, routes already there', [at('a', '10.244.0.0/24'), at('b', '10.244.1.0/24')], [route('a', '10.244.0.0/24'), route('b', '10.244.1.0/24')], undefined],
    ['two nodes, one route already there', [at('a', '10.244.0.0/24'), at('b', '10.244.1.0/24')], [route('a', '10.244.0.0/24')], { create: ['b 10.244.1.0/24'], remove: [] }],
    ['no node, one route in the cluster range: it is deleted', [], [route('a', '10.244.0.0/24')], { create: [], remove: ['a 10.244.0.0/24'] }],
    ['no node, one route outside of the cluster range: it stays', [], [route('a', '10.1.0.0/24')], undefined],
    ['wrong range', [at('a', '10.244.0.0/24')], [route('a', '10.244.9.0/24')], { create: ['a 10.244.0.0/24'], remove: ['a 10.244.9.0/24'] }],
    ['without a range', [node('a')], [], undefined],
    ['a route that leads nowhere', [at('a', '10.244.0.0/24')], [route('a', '10.244.0.0/24', { blackhole: true })], { create: ['a 10.244.0.0/24'], remove: ['a 10.244.0.0/24'] }],
    ['the node has another address', [at('a', '10.244.0.0/24', '192.0.2.2')], [route('a', '10.244.0.0/24', { targetNodeAddresses: [internal('192.0.2.1')] })], { create: ['a 10.244.0.0/24'], remove: ['a 10.244.0.0/24'] }],
  ])('%s', (_, nodes, existing, expected) => expect(plan(nodes, existing)).toEqual(expected))

  test.each<[string, Route[], string[], string | undefined]>([
    ['made', [route('a', '10.244.0.0/24')], [], 'False RouteCreated'],
    ['not made', [], ['a'], 'True NoRouteCreated'],
    ['not tried yet', [], [], undefined],
  ])('the network of its node: %s', (_, existing, failed, expected) => {
    const [action] = planConditions([at('a', '10.244.0.0/24')], existing, { failed: new Set(failed), now: noon })
    const found = action?.do === 'updateStatus' ? (action.object as unknown as Node).status.conditions?.find(({ type }) => type === 'NetworkUnavailable') : undefined
    expect(found && `${found.status} ${found.reason}`).toBe(expected)
  })
})

test('the whole: a node is made known, gets its routes, and goes with its machine', async () => {
  const api = fakeApi()
  const clock = fakeClock()
  const stop = new AbortController()
  const machines = new Map([['a', machine]])
  const made: Route[] = []
  let broken = true
  const cloud: Cloud & { routes: NonNullable<Cloud['routes']> } = {
    name: 'fake',
    instances: {
      exists: async ({ metadata }) => machines.has(metadata.name), isShutdown: async () => false,
      metadata: async ({ metadata: { name } }) => { const found = machines.get(name); if (!found) throw new Error(`no machine ${name}`); return found },
    },
    routes: {
      list: async () => made,
      create: async (_, route) => { if (broken) throw new Error('no way'); made.push(route) },
      remove: async (_, route) => { made.splice(made.indexOf(route), 1) },
    },
  }
  api.put(Nodes, { ...node('a', { spec: { taints: [uninitialized], podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] }, status: { conditions: [condition('Ready')] } }) } as { metadata: { name: string } })
  const running = cloudControllerManager({ client: createClient(api), clock, random: fakeRandom(), log: logs(), cloud, options: { clusterName: 'test', ownsDestination: () => true } }).run(stop.signal)
  const unavailable = (): string | undefined => api.read(Nodes, 'a')?.status.conditions?.find(({ type }) => type === 'NetworkUnavailable')?.status
  await clock.advance(100)
  expect(api.read(Nodes, 'a')?.spec.taints).toEqual([])
  expect(unavailable()).toBe('True')
  broken = false
  await clock.advance(5_000)
  expect(made.map(({ targetNode, destinationCIDR }) => `${targetNode} ${destinationCIDR}`)).toEqual(['a 10.244.0.0/24'])
  expect(unavailable()).toBe('False')

  machines.delete('a')
  const known = api.read(Nodes, 'a')
  api.put(Nodes, { ...known, status: { ...known?.status, conditions: [condition('Ready', 'Unknown')] } } as unknown as { metadata: { name: string } })
  await clock.advance(20_000)
  expect(api.all(Nodes)).toEqual([])
  expect(made).toEqual([])
  stop.abort()
  await running
})
