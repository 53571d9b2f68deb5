import { describe, expect, test } from 'vitest'
import { ClusterRoles, ConfigMaps, Jobs, Namespaces, Nodes, Pods, ServiceAccounts } from '../../src/api/kinds.ts'
import { notFound } from '../../src/api/status.ts'
import type { ClusterRole, Job, Namespace, Node, Pod } from '../../src/api/types.ts'
import type { Client } from '../../src/client/client.ts'
import { planAggregation } from '../../src/controller-manager/cluster-role-aggregation.ts'
import { planPod, podGarbageCollector } from '../../src/controller-manager/pod-gc.ts'
import { planRootCA } from '../../src/controller-manager/root-ca.ts'
import { planServiceAccount } from '../../src/controller-manager/service-account.ts'
import { planExpiry } from '../../src/controller-manager/ttl-after-finished.ts'
import { condition, metadata, node, pod, secondsBefore } from './builders.ts'
import { inWords, objectOf, world } from './fake-world.ts'

const namespace = (over = {}): Namespace => ({ metadata: metadata('shop', { namespace: undefined, ...over }), spec: {}, status: {} })

describe('service account', () => {
  const account = { metadata: metadata('default', { namespace: 'shop' }) }
  test.each([
    ['is made in a new namespace', [namespace()], [], ['create serviceaccounts default']],
    ['is there', [namespace()], [account], []],
    ['not in a namespace that is going', [namespace({ deletionTimestamp: secondsBefore(1) })], [], []],
    ['not in one that is gone', [], [], []],
  ])('%s', (_, namespaces, accounts, expected) => expect(inWords(planServiceAccount('shop', world([[Namespaces, namespaces], [ServiceAccounts, accounts]])))).toEqual(expected))
})

describe('root CA', () => {
  const plan = (maps: Parameters<typeof world>[0][number][1]) => planRootCA('shop', world([[Namespaces, [namespace()]], [ConfigMaps, maps]]), 'PEM')
  const map = (data: Record<string, string>) => ({ metadata: metadata('kube-root-ca.crt', { namespace: 'shop', annotations: { 'kubernetes.io/description': 'x' } }), data })
  test('is published', () => expect(objectOf(plan([]), 'create', ConfigMaps)).toMatchObject({ metadata: { name: 'kube-root-ca.crt', namespace: 'shop' }, data: { 'ca.crt': 'PEM' } }))
  test('is published again when somebody changed it', () => expect(objectOf(plan([map({ 'ca.crt': 'other' })]), 'update', ConfigMaps).data).toEqual({ 'ca.crt': 'PEM' }))
  test('is there', () => expect(plan([map({ 'ca.crt': 'PEM' })])).toEqual([]))
})

describe('time to live after the end', () => {
  const job = (status: Job['status'], ttlSecondsAfterFinished?: number): Job => ({ metadata: metadata('foo'), status, spec: { template: {}, ...(ttlSecondsAfterFinished !== undefined && { ttlSecondsAfterFinished }) } })
  const ended = { conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: secondsBefore(10) }] }
  test.each<[string, Job, string[]]>([
    ['runs', job({}, 10), []],
    ['has none', job(ended), []],
    ['has some left', job(ended, 60), ['requeueAfter 50000']],
    ['is over', job(ended, 10), ['delete jobs foo']],
    ['zero', job(ended, 0), ['delete jobs foo']],
    ['of a failed one', job({ conditions: [{ type: 'Failed', status: 'True', lastTransitionTime: secondsBefore(10) }] }, 1), ['delete jobs foo']],
  ])('%s', (_, given, expected) => expect(inWords(planExpiry('default/foo', world([[Jobs, [given]]])))).toEqual(expected))
})

describe('role aggregation', () => {
  const role = (name: string, labels: Record<string, string>, rules: ClusterRole['rules'] = [], select?: Record<string, string>): ClusterRole =>
    ({ metadata: metadata(name, { namespace: undefined, labels }), rules, ...(select && { aggregationRule: { clusterRoleSelectors: [{ matchLabels: select }] } }) })
  const rule = (resource: string) => ({ verbs: ['get'], apiGroups: [''], resources: [resource] })
  const others = [role('b', { to: 'admin' }, [rule('pods'), rule('nodes')]), role('a', { to: 'admin' }, [rule('pods')]), role('c', {}, [rule('secrets')])]
  const plan = (admin: ClusterRole) => planAggregation('admin', world([[ClusterRoles, [admin, ...others]]]))
  test('takes the rules of all that are selected, each once, by name', () => expect(objectOf(plan(role('admin', { to: 'admin' }, [], { to: 'admin' })), 'update', ClusterRoles).rules).toEqual([rule('pods'), rule('nodes')]))
  test('leaves what is right', () => expect(plan(role('admin', {}, [rule('pods'), rule('nodes')], { to: 'admin' }))).toEqual([]))
  test('leaves roles that do not aggregate', () => expect(plan(role('admin', {}, []))).toEqual([]))
})

describe('pods that nobody else removes', () => {
  const going = { deletionTimestamp: secondsBefore(1) }
  const outOfService = node('node-1', { spec: { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] }, status: { conditions: [condition('Ready', 'Unknown')] } })
  test.each<[string, Pod, Node[], boolean, string[]]>([
    ['on a node', pod('a'), [node('node-1')], false, []],
    ['on a node that is gone', pod('a'), [], true, ['patch pods a/status', 'delete pods a']],
    ['finished, on a node that is gone', pod('a', { status: { phase: 'Succeeded' } }), [], true, ['delete pods a']],
    ['not scheduled', pod('a', { spec: { nodeName: undefined } }), [], false, []],
    ['not scheduled, being deleted', pod('a', { spec: { nodeName: undefined }, metadata: going }), [], false, ['delete pods a']],
    ['being deleted, on a node out of service', pod('a', { metadata: going }), [outOfService], false, ['patch pods a/status', 'delete pods a']],
    ['on a node out of service', pod('a'), [outOfService], false, []],
  ])('%s', (_, given, nodes, gone, expected) => expect(inWords(planPod(given, world([[Pods, [given]], [Nodes, nodes]]), gone))).toEqual(expected))

  test('a node is missed for forty seconds, and asked for, before its pods go', async () => {
    let now = 0
    let asked = 0
    const client = { get: () => { asked++; return Promise.reject(notFound(Nodes, 'node-1')) } } as unknown as Client
    const collector = podGarbageCollector({ client, monotonic: () => now })
    const plan = async (): Promise<string[]> => inWords(await collector.plan('default/a', world([[Pods, [pod('a')]], [Nodes, []]])))
    expect(await plan()).toEqual(['requeueAfter 40000'])
    now = 39_000
    expect(await plan()).toEqual(['requeueAfter 1000'])
    expect(asked).toBe(0)
    now = 40_000
    expect(await plan()).toEqual(['patch pods a/status', 'delete pods a'])
    expect(asked).toBe(1)
  })

  test('of too many finished ones the oldest go', async () => {
    const pods = [30, 10, 20].map((age) => pod(`age-${age}`, { status: { phase: 'Failed' }, metadata: { creationTimestamp: secondsBefore(age) } }))
    const collector = podGarbageCollector({ client: undefined as never, monotonic: () => 0, terminatedThreshold: 1 })
    const keys = collector.watches.flatMap((watch) => (watch.kind === Pods ? [...watch.keysOf(pods[0] as Pod, world([]))] : []))
    expect(inWords(await collector.plan(keys[1] ?? '', world([[Pods, pods]])))).toEqual(['delete pods age-30', 'delete pods age-20'])
  })
})
