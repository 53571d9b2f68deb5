import { describe, expect, test } from 'vitest'
import { EndpointSlices, Nodes, Pods, Services } from '../../../src/api/kinds.ts'
import type { EndpointSlice, Node, Pod, Service } from '../../../src/api/types.ts'
import { planEndpointSlices } from '../../../src/controller-manager/endpoint-slice/endpoint-slice.ts'
import { metadata, node, pod, secondsBefore, service, servingPod } from '../builders.ts'
import { inWords, objectOf, world } from '../fake-world.ts'

const nodes = [node('node-1', { metadata: { labels: { 'topology.kubernetes.io/zone': 'east' } } })]
const plan = (web: Service, pods: readonly Pod[], slices: readonly EndpointSlice[] = [], on: readonly Node[] = nodes) =>
  planEndpointSlices('default/web', world([[Services, [web]], [Pods, pods], [Nodes, on], [EndpointSlices, slices]]))
const created = (web: Service, pods: readonly Pod[]): EndpointSlice => objectOf(plan(web, pods), 'create', EndpointSlices)
/** As the server stored what the plan created. */
const stored = (web: Service, pods: readonly Pod[]): EndpointSlice => { const slice = created(web, pods); return { ...slice, metadata: { ...metadata('web-abcde'), ...slice.metadata } } }
const conditionsOf = (web: Service, each: Pod): unknown => created(web, [each]).endpoints?.[0]?.conditions

test('a slice carries what clients look for', () => {
  const web = service('web', {}, { labels: { team: 'a' } })
  const slice = created(web, [servingPod('web-1', '10.244.0.5', { metadata: { uid: 'u1' } })])
  expect(slice).toEqual({
    metadata: {
      generateName: 'web-', namespace: 'default',
      labels: { team: 'a', 'kubernetes.io/service-name': 'web', 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: web.metadata.uid, controller: true, blockOwnerDeletion: true }],
    },
    addressType: 'IPv4', ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.244.0.5'], conditions: { ready: true, serving: true, terminating: false }, nodeName: 'node-1', zone: 'east', targetRef: { kind: 'Pod', namespace: 'default', name: 'web-1', uid: 'u1' } }],
  })
})

describe('conditions', () => {
  const going = { deletionTimestamp: secondsBefore(1) }
  test.each([
    ['ready', service('web'), servingPod('a', '10.0.0.1'), { ready: true, serving: true, terminating: false }],
    ['not ready', service('web'), servingPod('a', '10.0.0.1', { ready: false }), { ready: false, serving: false, terminating: false }],
    ['ready and terminating', service('web'), servingPod('a', '10.0.0.1', { metadata: going }), { ready: false, serving: true, terminating: true }],
    ['not ready and terminating', service('web'), servingPod('a', '10.0.0.1', { ready: false, metadata: going }), { ready: false, serving: false, terminating: true }],
    ['not ready, but to be published', service('web', { publishNotReadyAddresses: true }), servingPod('a', '10.0.0.1', { ready: false }), { ready: true, serving: false, terminating: false }],
  ])('%s', (_, web, each, expected) => expect(conditionsOf(web, each)).toEqual(expected))
})

describe('which pods', () => {
  test.each([
    ['without an address', pod('a', { ready: true })],
    ['finished', servingPod('a', '10.0.0.1', { status: { phase: 'Succeeded' } })],
    ['with other labels', servingPod('a', '10.0.0.1', { metadata: { labels: { app: 'other' } } })],
    ['on a node that is gone', servingPod('a', '10.0.0.1', { spec: { nodeName: 'gone' } })],
    ['of another namespace', servingPod('a', '10.0.0.1', { metadata: { namespace: 'other' } })],
  ])('%s: an empty slice', (_, each) => expect(created(service('web'), [each])).toMatchObject({ endpoints: [], ports: [] }))

  test('a hostname within the service', () => {
    expect(created(service('web'), [servingPod('a', '10.0.0.1', { spec: { hostname: 'db-0', subdomain: 'web' } })]).endpoints?.[0]?.hostname).toBe('db-0')
    expect(created(service('web'), [servingPod('a', '10.0.0.1', { spec: { hostname: 'db-0', subdomain: 'other' } })]).endpoints?.[0]?.hostname).toBeUndefined()
  })
})

test('pods with different numbers for a named port get slices of their own', () => {
  const named = (name: string, ip: string, containerPort: number): Pod => servingPod(name, ip, { spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort, protocol: 'TCP' }] }] } })
  const actions = plan(service('web', { ports: [{ port: 80, targetPort: 'http', protocol: 'TCP' }] }), [named('a', '10.0.0.1', 8080), named('b', '10.0.0.2', 9090)])
  expect(actions.map((action) => action.do === 'create' && (action.object as unknown as EndpointSlice).ports?.[0]?.port)).toEqual([8080, 9090])
})

describe('what is there already', () => {
  const web = service('web')
  const a = servingPod('a', '10.0.0.1')
  test('the same: nothing is done', () => expect(plan(web, [a], [stored(web, [a])])).toEqual([]))
  test('a pod no longer ready: one update', () => expect(inWords(plan(web, [{ ...a, status: { ...a.status, conditions: [{ type: 'Ready', status: 'False' }] } }], [stored(web, [a])]))).toEqual(['update endpointslices web-abcde']))
  test('the last pod gone: an empty slice instead', () => expect(inWords(plan(web, [], [stored(web, [a])]))).toEqual(['create endpointslices web-', 'delete endpointslices web-abcde']))
  test('an empty slice stays', () => expect(plan(web, [], [stored(web, [])])).toEqual([]))
  test('the service has new labels', () => {
    const relabelled = { ...web, metadata: { ...web.metadata, labels: { team: 'b' } } }
    expect(objectOf(plan(relabelled, [a], [stored(web, [a])]), 'update', EndpointSlices).metadata.labels).toMatchObject({ team: 'b' })
  })
  test('a slice of a service of that name that was before is replaced', () => {
    const before = stored(service('web'), [a])
    expect(inWords(plan(web, [a], [before]))).toEqual(['create endpointslices web-', 'delete endpointslices web-abcde'])
  })
  test('a slice of an address type that the service has no more', () => expect(inWords(plan(web, [a], [stored(web, [a]), { ...stored(web, [a]), addressType: 'IPv6' }]))).toEqual(['delete endpointslices web-abcde']))
  test('slices of other makers are left alone', () => {
    const foreign = stored(web, [a])
    expect(inWords(plan(web, [a], [{ ...foreign, metadata: { ...foreign.metadata, labels: { 'kubernetes.io/service-name': 'web' } } }]))).toEqual(['create endpointslices web-'])
  })
})

test.each([['no selector', { selector: {} }], ['an external name', { type: 'ExternalName' }]])('%s: nothing', (_, spec) => expect(plan(service('web', spec), [servingPod('a', '10.0.0.1')])).toEqual([]))
test('headless services are labelled', () => expect(created(service('web', { clusterIP: 'None' }), []).metadata.labels).toHaveProperty(['service.kubernetes.io/headless'], ''))
