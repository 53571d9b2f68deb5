/** As upstream's `pkg/quota/v1/evaluator/core` and `component-helpers/resource` count. */
import { describe, expect, test } from 'vitest'
import { ConfigMaps, Deployments, PersistentVolumeClaims, Pods, ResourceClaims, Secrets, Services, type Kind } from '../../src/api/kinds.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { podLimits, podRequests } from '../../src/api/pod-resources.ts'
import { amountsAsList, inScopes, quotaResources, usageOf, usedBy } from '../../src/api/resource-usage.ts'
import type { Pod, ResourceQuota } from '../../src/api/types.ts'

const now = new Date('2026-01-01T00:01:00Z')
const container = (requests: object = {}, limits: object = {}, more: object = {}): object => ({ name: 'c', image: 'a', resources: { requests, limits }, ...more })
const pod = (spec: object, more: object = {}): Pod => ({ metadata: { name: 'p', namespace: 'n' }, status: {}, ...more, spec: { containers: [container()], ...spec } }) as unknown as Pod
const usage = (kind: Kind, object: object): Record<string, string> => amountsAsList(usageOf(kind, object as KubeObject, now))

describe('pods as a whole', () => {
  for (const [name, given, requests, limits] of [
    ['containers together', pod({ containers: [container({ cpu: '100m' }, { cpu: '1' }), container({ cpu: '200m', memory: '1Gi' })] }), { cpu: '300m', memory: '1Gi' }, { cpu: '1' }],
    ['an init container that needs more', pod({ containers: [container({ cpu: '1' })], initContainers: [container({ cpu: '3' }), container({ cpu: '2' })] }), { cpu: '3' }, {}],
    ['an init container beside sidecars', pod({ containers: [container({ cpu: '1' })], initContainers: [container({ cpu: '1' }, {}, { restartPolicy: 'Always' }), container({ cpu: '2' }), container({ cpu: '1' }, {}, { restartPolicy: 'Always' })] }), { cpu: '3' }, {}],
    ['overhead', pod({ containers: [container({ cpu: '1' }, { cpu: '2' })], overhead: { cpu: '500m', memory: '1Mi' } }), { cpu: '1500m', memory: '1Mi' }, { cpu: '2500m' }],
    ['what is said for the whole', pod({ containers: [container({ cpu: '1', 'example.com/gpu': '1' })], resources: { requests: { cpu: '5' }, limits: { cpu: '6' } } }), { cpu: '5', 'example.com/gpu': '1' }, { cpu: '6' }],
  ] as const) test(name, () => expect([amountsAsList(podRequests(given)), amountsAsList(podLimits(given))]).toEqual([requests, limits]))

  test('while a resize is under way the larger counts', () => {
    const resized = pod({ containers: [container({ cpu: '1' }, { cpu: '1' })] }, { status: { containerStatuses: [{ name: 'c', allocatedResources: { cpu: '2' }, resources: { requests: { cpu: '1500m' }, limits: { cpu: '3' } } }] } })
    expect([amountsAsList(podRequests(resized, { useStatus: true })), amountsAsList(podLimits(resized, { useStatus: true })), amountsAsList(podRequests(resized))]).toEqual([{ cpu: '2' }, { cpu: '3' }, { cpu: '1' }])
    const whole = { ...resized, spec: { ...resized.spec, resources: { requests: { cpu: '1' } } }, status: { resources: { requests: { cpu: '3' } }, allocatedResources: { cpu: '2' } } } as Pod
    expect(amountsAsList(podRequests(whole, { useStatus: true }))).toEqual({ cpu: '3' })
  })
  test('a resize that can never be done counts as what is held', () => {
    const stuck = pod({ containers: [container({ cpu: '99' })] }, { status: { conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }], containerStatuses: [{ name: 'c', allocatedResources: { cpu: '1' }, resources: { requests: { cpu: '1' } } }] } })
    expect(amountsAsList(podRequests(stuck, { useStatus: true }))).toEqual({ cpu: '1' })
  })
})

describe('what objects use', () => {
  const whole = { 'count/pods': '1', pods: '1' }
  const ending = (phase: string, metadata: object = {}): object => pod({ containers: [container({ cpu: '1' })] }, { metadata: { name: 'p', ...metadata }, status: { phase } })
  for (const [name, kind, object, expected] of [
    ['a pod that asks for nothing', Pods, pod({}), whole],
    ['a pod', Pods, pod({ containers: [container({ cpu: '1', memory: '1Gi', 'ephemeral-storage': '1Gi', 'hugepages-2Mi': '2Mi', 'example.com/gpu': '2' }, { cpu: '2', 'example.com/gpu': '2' })] }), { ...whole, cpu: '1', 'requests.cpu': '1', memory: '1Gi', 'requests.memory': '1Gi',
      'ephemeral-storage': '1Gi', 'requests.ephemeral-storage': '1Gi', 'hugepages-2Mi': '2Mi', 'requests.hugepages-2Mi': '2Mi', 'requests.example.com/gpu': '2', 'limits.cpu': '2' }],
    ['a pod that has ended', Pods, ending('Succeeded'), { 'count/pods': '1' }],
    ['a pod that is going', Pods, ending('Running', { deletionTimestamp: '2026-01-01T00:00:50Z', deletionGracePeriodSeconds: 30 }), { ...whole, cpu: '1', 'requests.cpu': '1' }],
    ['a pod that should be gone', Pods, ending('Running', { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 }), { 'count/pods': '1' }],
    ['a service', Services, { metadata: {}, spec: { type: 'ClusterIP', ports: [{}] } }, { 'count/services': '1', services: '1', 'services.nodeports': '0', 'services.loadbalancers': '0' }],
    ['a service with node ports', Services, { metadata: {}, spec: { type: 'NodePort', ports: [{}, {}] } }, { 'count/services': '1', services: '1', 'services.nodeports': '2', 'services.loadbalancers': '0' }],
    ['a load balancer with few', Services, { metadata: {}, spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{}, { nodePort: 30000 }] } }, { 'count/services': '1', services: '1', 'services.nodeports': '1', 'services.loadbalancers': '1' }],
    ['a claim', PersistentVolumeClaims, { metadata: {}, spec: { storageClassName: 'gold', resources: { requests: { storage: '1Gi' } } }, status: {} }, { 'count/persistentvolumeclaims': '1', persistentvolumeclaims: '1', 'requests.storage': '1Gi',
      'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1', 'gold.storageclass.storage.k8s.io/requests.storage': '1Gi' }],
    ['a claim that shrinks', PersistentVolumeClaims, { metadata: {}, spec: { resources: { requests: { storage: '1Gi' } } }, status: { allocatedResources: { storage: '2Gi' } } }, { 'count/persistentvolumeclaims': '1', persistentvolumeclaims: '1', 'requests.storage': '2Gi' }],
    ['a secret', Secrets, { metadata: {} }, { 'count/secrets': '1', secrets: '1' }],
    ['a claim of devices', ResourceClaims, { metadata: {}, spec: { devices: { requests: [
      { name: 'a', exactly: { deviceClassName: 'gpu', count: 2 } }, { name: 'b', exactly: { deviceClassName: 'gpu' } }, { name: 'c', exactly: { deviceClassName: 'nic', allocationMode: 'All' } },
      { name: 'd', firstAvailable: [{ name: 'x', deviceClassName: 'gpu', count: 4 }, { name: 'y', deviceClassName: 'gpu', count: 1 }, { name: 'z', deviceClassName: 'tpu', count: 8 }] }] } } },
    { 'count/resourceclaims.resource.k8s.io': '1', 'gpu.deviceclass.resource.k8s.io/devices': '7', 'nic.deviceclass.resource.k8s.io/devices': '32', 'tpu.deviceclass.resource.k8s.io/devices': '8' }],
    ['a deployment', Deployments, { metadata: {}, spec: {} }, { 'count/deployments.apps': '1' }],
  ] as const) test(name, () => expect(usage(kind, object)).toEqual(expected))
})

test('which names are about which kind', () => {
  const names = ['pods', 'count/pods', 'requests.cpu', 'limits.example.com/gpu', 'requests.example.com/gpu', 'configmaps', 'count/deployments.apps', 'requests.storage', 'gold.storageclass.storage.k8s.io/requests.storage', 'services.nodeports']
  expect(Object.fromEntries([Pods, ConfigMaps, Deployments, PersistentVolumeClaims, Services].map((kind) => [kind.plural, quotaResources(kind, names)]))).toEqual({
    pods: ['pods', 'count/pods', 'requests.cpu', 'requests.example.com/gpu'], configmaps: ['configmaps'], deployments: ['count/deployments.apps'],
    persistentvolumeclaims: ['requests.storage', 'gold.storageclass.storage.k8s.io/requests.storage'], services: ['services.nodeports'] })
})

test('all objects of a kind together, of those in scope', () => {
  const quota = { spec: { hard: { pods: '9', 'requests.cpu': '9', secrets: '1', 'requests.memory': '1Gi' }, scopes: ['NotBestEffort'] } } as unknown as ResourceQuota
  const pods = [pod({ containers: [container({ cpu: '1' })] }), pod({}), pod({ containers: [container({ cpu: '250m' })] })]
  expect(amountsAsList(usedBy(Pods, pods, quota, now))).toEqual({ pods: '2', 'requests.cpu': '1250m', 'requests.memory': '0' })
  // Scopes are about pods: nothing else is in them.
  expect(inScopes(Secrets, { metadata: {} } as KubeObject, quota)).toBe(false)
})

test('claims in the scope of a class of volume attributes', () => {
  const quota = (operator: string, ...values: string[]): ResourceQuota => ({ spec: { scopeSelector: { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator, values }] } } }) as unknown as ResourceQuota
  const claim = { metadata: {}, spec: { volumeAttributesClassName: 'fast' }, status: { currentVolumeAttributesClassName: 'slow' } } as unknown as KubeObject
  expect([quota('Exists'), quota('In', 'slow'), quota('In', 'other'), quota('DoesNotExist')].map((each) => inScopes(PersistentVolumeClaims, claim, each))).toEqual([true, true, false, false])
})
