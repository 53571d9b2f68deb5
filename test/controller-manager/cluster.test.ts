/** The controllers of the whole surface, with what the real API server makes of their writes, and no more rights than their role has. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigMaps, ControllerRevisions, CronJobs, Endpoints, EndpointSlices, Events, HorizontalPodAutoscalers, Namespaces, PersistentVolumeClaims, PersistentVolumes, PodDisruptionBudgets, Pods, ReplicationControllers, ResourceQuotas, Services, StatefulSets } from '../../src/api/kinds.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import type { EndpointSlice, Pod, PodTemplateSpec, StatefulSet } from '../../src/api/types.ts'
import { isPodReady } from '../../src/controller-manager/pod.ts'
import { startControlPlane, type TestControlPlane } from '../cluster/control-plane.ts'

let plane: TestControlPlane
beforeAll(async () => {
  plane = await startControlPlane({})
  await plane.addNode('node-1')
})
afterAll(() => plane[Symbol.asyncDispose]())

const namespace = 'default'
const template = (app: string, image = 'host'): PodTemplateSpec => ({ metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image }] } })
const podsOf = (app: string): readonly Pod[] => plane.informers.of(Pods).lister.list(namespace).filter(({ metadata }) => metadata.labels?.['app'] === app)
const names = (objects: readonly KubeObject[]): string[] => objects.map(({ metadata }) => metadata.name).sort()
const isGone = (object: unknown): boolean => object === undefined
const told = (reason: string, message: string, component: string): Promise<unknown> => plane.untilAll(Events, namespace, (events) => events.some((event) => event.reason === reason && event.message === message && event.source?.component === component))
const makeSet = (name: string, spec: Partial<StatefulSet['spec']> = {}): Promise<StatefulSet> =>
  plane.client.create(StatefulSets, { metadata: { name, namespace }, spec: { replicas: 3, serviceName: name, selector: { matchLabels: { app: name } }, template: template(name), ...spec } })
const isRolledOut = (set: StatefulSet | undefined): boolean => set !== undefined && set.status.observedGeneration === set.metadata.generation && set.status.currentRevision === set.status.updateRevision
  && set.status.updatedReplicas === set.spec.replicas && set.status.availableReplicas === set.spec.replicas && set.status.replicas === set.spec.replicas

describe('a stateful set', () => {
  test('makes its pods in order', async () => {
    await makeSet('db')
    const { status } = await plane.until(StatefulSets, 'default/db', isRolledOut)
    expect(status).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3, currentReplicas: 3, updatedReplicas: 3, observedGeneration: 1, collisionCount: 0 })
    const pods = [...podsOf('db')].sort((a, b) => (BigInt(a.metadata.uid.length) === BigInt(b.metadata.uid.length) ? a.metadata.name.localeCompare(b.metadata.name) : 0))
    expect(names(pods)).toEqual(['db-0', 'db-1', 'db-2'])
    expect(pods[1]).toMatchObject({ metadata: { labels: { 'statefulset.kubernetes.io/pod-name': 'db-1', 'apps.kubernetes.io/pod-index': '1', 'controller-revision-hash': status.currentRevision } }, spec: { hostname: 'db-1', subdomain: 'db' } })
    await told('SuccessfulCreate', 'create Pod db-2 in StatefulSet db successful', 'statefulset-controller')
  })
  test('makes a deleted pod again, under its name', async () => {
    const [first] = podsOf('db')
    if (!first) throw new Error('no pod')
    await plane.client.delete(Pods, first.metadata)
    await plane.until(Pods, `default/${first.metadata.name}`, (pod) => pod !== undefined && pod.metadata.uid !== first.metadata.uid && isPodReady(pod))
  })
  test('updates its pods, and goes back', async () => {
    const before = await plane.until(StatefulSets, 'default/db', isRolledOut)
    await plane.client.patch(StatefulSets, before.metadata, { type: 'strategic', body: { spec: { template: { spec: { containers: [{ name: 'main', env: [{ name: 'VERSION', value: '2' }] }] } } } } })
    const after = await plane.until(StatefulSets, 'default/db', (set) => isRolledOut(set) && set?.metadata.generation === 2)
    expect(after.status.currentRevision).not.toBe(before.status.currentRevision)
    expect(new Set(podsOf('db').map(({ spec }) => spec.containers[0]?.env?.[0]?.value))).toEqual(new Set(['2']))
    await plane.client.patch(StatefulSets, before.metadata, { type: 'merge', body: { spec: { template: before.spec.template as never } } })
    const back = await plane.until(StatefulSets, 'default/db', (set) => isRolledOut(set) && set?.metadata.generation === 3)
    expect(back.status.currentRevision).toBe(before.status.currentRevision)
    expect((await plane.untilAll(ControllerRevisions, namespace, (all) => all.length === 2)).map(({ revision }) => revision).sort()).toEqual([2, 3])
  })
  test('is scaled through its scale', async () => {
    await makeSet('disk', { replicas: 2, podManagementPolicy: 'Parallel' })
    const set = await plane.until(StatefulSets, 'default/disk', isRolledOut)
    await plane.client.patch(StatefulSets, set.metadata, { type: 'merge', body: { spec: { replicas: 1 } } }, { subresource: 'scale' })
    await plane.until(Pods, 'default/disk-1', isGone)
    expect(names(podsOf('disk'))).toEqual(['disk-0'])
  })
  test('deleted in the foreground goes after its pods', async () => {
    const set = await plane.client.get(StatefulSets, { name: 'disk', namespace })
    await plane.client.delete(StatefulSets, set.metadata, { propagationPolicy: 'Foreground' })
    await plane.until(StatefulSets, 'default/disk', isGone)
    expect(podsOf('disk')).toEqual([])
  })
  test('makes the claims of its pods', async () => {
    const set = await makeSet('claims', { replicas: 1, volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } } as never] })
    await plane.until(PersistentVolumeClaims, 'default/data-claims-0', (claim) => claim?.metadata.labels?.['app'] === 'claims')
    await told('SuccessfulCreate', 'create Claim data-claims-0 Pod claims-0 in StatefulSet claims success', 'statefulset-controller')
    await plane.client.delete(StatefulSets, set.metadata, { propagationPolicy: 'Foreground' })
    await plane.until(StatefulSets, 'default/claims', isGone)
  })
  test('orphaned leaves its pods, and another one adopts them', async () => {
    const uids = podsOf('db').map(({ metadata }) => metadata.uid).sort()
    const set = await plane.client.get(StatefulSets, { name: 'db', namespace })
    await plane.client.delete(StatefulSets, set.metadata, { propagationPolicy: 'Orphan' })
    await plane.until(StatefulSets, 'default/db', isGone)
    await plane.untilAll(Pods, namespace, () => podsOf('db').length === 3 && podsOf('db').every(({ metadata }) => metadata.ownerReferences === undefined))
    await makeSet('db')
    await plane.until(StatefulSets, 'default/db', isRolledOut)
    expect(podsOf('db').map(({ metadata }) => metadata.uid).sort()).toEqual(uids)
  })
})

describe('a replication controller', () => {
  test('keeps its number of pods, through its scale', async () => {
    await plane.client.create(ReplicationControllers, { metadata: { name: 'old', namespace }, spec: { replicas: 1, template: template('old') } })
    const made = await plane.until(ReplicationControllers, 'default/old', (controller) => controller?.status.availableReplicas === 1)
    await plane.client.patch(ReplicationControllers, made.metadata, { type: 'merge', body: { spec: { replicas: 2 } } }, { subresource: 'scale' })
    const grown = await plane.until(ReplicationControllers, 'default/old', (controller) => controller?.status.availableReplicas === 2)
    expect(grown.status).toEqual({ replicas: 2, readyReplicas: 2, availableReplicas: 2, fullyLabeledReplicas: 2, observedGeneration: 2 })
    await plane.client.delete(ReplicationControllers, made.metadata, { propagationPolicy: 'Background' })
    await plane.untilAll(Pods, namespace, () => podsOf('old').length === 0)
  })
})

test('a disruption budget counts on its pods\' owner, and an eviction spends it', async () => {
  await plane.client.create(PodDisruptionBudgets, { metadata: { name: 'db', namespace }, spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'db' } } } })
  const { status } = await plane.until(PodDisruptionBudgets, 'default/db', (budget) => budget?.status.disruptionsAllowed === 1)
  expect(status).toMatchObject({ expectedPods: 3, currentHealthy: 3, desiredHealthy: 2, observedGeneration: 1, conditions: [{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods' }] })
  await plane.client.createSubresource(Pods, { name: 'db-0', namespace }, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'db-0', namespace } })
  await plane.until(PodDisruptionBudgets, 'default/db', (budget) => budget?.status.currentHealthy === 3 && budget.status.disruptionsAllowed === 1 && budget.status.disruptedPods === undefined)
  const resize = (replicas: number): Promise<unknown> => plane.client.patch(StatefulSets, { name: 'db', namespace }, { type: 'merge', body: { spec: { replicas } } }, { subresource: 'scale' })
  await resize(2)
  await plane.until(PodDisruptionBudgets, 'default/db', (budget) => budget?.status.expectedPods === 2 && budget.status.desiredHealthy === 1)
  await resize(3)
  await plane.until(PodDisruptionBudgets, 'default/db', (budget) => budget?.status.expectedPods === 3 && budget.status.currentHealthy === 3)
})

test('a quota counts what is there, and what is gone', async () => {
  const hard = { configmaps: '10', 'count/statefulsets.apps': '5', pods: '20' }
  const existing = plane.informers.of(Pods).lister.list(namespace).length
  await plane.client.create(ResourceQuotas, { metadata: { name: 'limits', namespace }, spec: { hard } })
  const before = await plane.until(ResourceQuotas, 'default/limits', (quota) => quota?.status.used !== undefined)
  expect(before.status).toMatchObject({ hard, used: { 'count/statefulsets.apps': '1', pods: String(existing) } })
  const number = Number(before.status.used?.['configmaps'])
  await plane.client.create(ConfigMaps, { metadata: { name: 'one', namespace } })
  await plane.until(ResourceQuotas, 'default/limits', (quota) => quota?.status.used?.['configmaps'] === String(number + 1))
  await plane.client.delete(ConfigMaps, { name: 'one', namespace })
  await plane.until(ResourceQuotas, 'default/limits', (quota) => quota?.status.used?.['configmaps'] === String(number))
})

test('a claim finds its volume, and leaves it behind', async () => {
  await plane.client.create(PersistentVolumes, { metadata: { name: 'disk' }, spec: { capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/srv/disk' }, storageClassName: 'by-hand' } })
  await plane.until(PersistentVolumes, 'disk', (volume) => volume?.status.phase === 'Available')
  await plane.client.create(PersistentVolumeClaims, { metadata: { name: 'mine', namespace }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'by-hand' } })
  const claim = await plane.until(PersistentVolumeClaims, 'default/mine', (each) => each?.status?.phase === 'Bound')
  expect(claim).toMatchObject({ spec: { volumeName: 'disk' }, status: { capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce'] } })
  expect((await plane.until(PersistentVolumes, 'disk', (volume) => volume?.status.phase === 'Bound')).spec.claimRef).toMatchObject({ name: 'mine', uid: claim.metadata.uid })
  await plane.client.delete(PersistentVolumeClaims, claim.metadata)
  await plane.until(PersistentVolumes, 'disk', (volume) => volume?.status.phase === 'Released')
  await plane.client.delete(PersistentVolumes, { name: 'disk' })
  await plane.until(PersistentVolumes, 'disk', isGone)
})

test('a namespace goes with everything of the new kinds in it', async () => {
  const own = 'crowded'
  await plane.client.create(Namespaces, { metadata: { name: own }, spec: {} })
  const at = { name: 'x', namespace: own }
  const podTemplate = template('x')
  await plane.client.create(StatefulSets, { metadata: at, spec: { replicas: 2, serviceName: 'x', podManagementPolicy: 'Parallel', selector: { matchLabels: { app: 'x' } }, template: podTemplate } })
  await plane.client.create(ReplicationControllers, { metadata: at, spec: { replicas: 1, template: template('y') } })
  await plane.client.create(CronJobs, { metadata: at, spec: { schedule: '@yearly', jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'host' }] } } } } } })
  await plane.client.create(PodDisruptionBudgets, { metadata: at, spec: { minAvailable: 1, selector: {} } })
  await plane.client.create(ResourceQuotas, { metadata: at, spec: { hard: { pods: '9' } } })
  await plane.client.create(PersistentVolumeClaims, { metadata: at, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } })
  await plane.client.create(HorizontalPodAutoscalers, { metadata: at, spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'x' }, maxReplicas: 3 } })
  await plane.untilAll(Pods, own, (pods) => pods.length === 3 && pods.every(isPodReady))
  await plane.client.delete(Namespaces, { name: own })
  await plane.until(Namespaces, own, isGone)
  expect(plane.informers.of(Pods).lister.list(own)).toEqual([])
})

test('endpoints made by hand are mirrored', async () => {
  await plane.client.create(Services, { metadata: { name: 'outside', namespace }, spec: { ports: [{ port: 80 }] } })
  await plane.client.create(Endpoints, { metadata: { name: 'outside', namespace }, subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80 }] }] })
  const mine = (slices: readonly KubeObject[]): readonly KubeObject[] => slices.filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'outside')
  const [slice] = mine(await plane.untilAll(EndpointSlices, namespace, (slices) => mine(slices).length === 1)) as readonly EndpointSlice[]
  expect(slice).toMatchObject({ addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true } }], ports: [{ name: '', port: 80, protocol: 'TCP' }] })
  await plane.client.delete(Endpoints, { name: 'outside', namespace })
  await plane.untilAll(EndpointSlices, namespace, (slices) => mine(slices).length === 0)
})

test('nobody was refused anything', () => {
  expect(plane.log.lines.filter((line) => /cannot (create|list|watch|update|patch|delete)/.test(line))).toEqual([])
})
