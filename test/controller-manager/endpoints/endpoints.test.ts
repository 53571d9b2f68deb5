import { describe, expect, test } from 'vitest'
import { Endpoints, Pods, Services } from '../../../src/api/kinds.ts'
import type { Endpoints as EndpointsObject, Pod, Service } from '../../../src/api/types.ts'
import { planEndpoints } from '../../../src/controller-manager/endpoints/endpoints.ts'
import { metadata, secondsBefore, service, servingPod } from '../builders.ts'
import { inWords, objectOf, world } from '../fake-world.ts'

const plan = (web: Service | undefined, pods: readonly Pod[], current?: EndpointsObject) => planEndpoints('default/web', world([[Services, web ? [web] : []], [Pods, pods], [Endpoints, current ? [current] : []]]))
const subsets = (web: Service, pods: readonly Pod[]) => objectOf(plan(web, pods), 'create', Endpoints).subsets
const ips = (web: Service, pods: readonly Pod[]) => subsets(web, pods)?.map(({ addresses = [], notReadyAddresses = [], ports = [] }) => [addresses.map(({ ip }) => ip), notReadyAddresses.map(({ ip }) => ip), ports.map(({ port }) => port)])

describe('subsets', () => {
  const [a, b, down] = [servingPod('a', '10.0.0.1'), servingPod('b', '10.0.0.2'), servingPod('c', '10.0.0.3', { ready: false })]
  test.each<[string, Service, Pod[], unknown]>([
    ['ready and not ready addresses', service('web'), [b, down, a], [[['10.0.0.1', '10.0.0.2'], ['10.0.0.3'], [8080]]]],
    ['several ports at the same places share a subset', service('web', { ports: [{ name: 'a', port: 1 }, { name: 'b', port: 2 }] }), [a], [[['10.0.0.1'], [], [1, 2]]]],
    ['not ready, but to be published', service('web', { publishNotReadyAddresses: true }), [down], [[['10.0.0.3'], [], [8080]]]],
    ['headless without ports', service('web', { clusterIP: 'None', ports: [] }), [a], [[['10.0.0.1'], [], []]]],
    ['pods that are being deleted are out', service('web'), [servingPod('a', '10.0.0.1', { metadata: { deletionTimestamp: secondsBefore(1) } })], []],
    ['no pods', service('web'), [], []],
  ])('%s', (_, web, pods, expected) => expect(ips(web, pods)).toEqual(expected))
})

test('labels and ownership', () => {
  const created = objectOf(plan(service('web', { clusterIP: 'None' }, { labels: { team: 'a' } }), []), 'create', Endpoints)
  expect(created.metadata).toMatchObject({ name: 'web', labels: { team: 'a', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller', 'service.kubernetes.io/headless': '' } })
})

test('more than a thousand addresses are cut off, ready ones kept', () => {
  const pods = Array.from({ length: 1200 }, (_, index) => servingPod(`p${index}`, `10.1.${index >> 8}.${index & 255}`, { ready: index >= 300 }))
  const created = objectOf(plan(service('web'), pods), 'create', Endpoints)
  expect(created.metadata.annotations).toEqual({ 'endpoints.kubernetes.io/over-capacity': 'truncated' })
  expect(created.subsets?.map(({ addresses = [], notReadyAddresses = [] }) => [addresses.length, notReadyAddresses.length])).toEqual([[900, 100]])
})

describe('what is there already', () => {
  const web = service('web')
  const a = servingPod('a', '10.0.0.1')
  const stored = (): EndpointsObject => { const made = objectOf(plan(web, [a]), 'create', Endpoints); return { ...made, metadata: { ...metadata('web'), ...made.metadata } } }
  test('the same: nothing is done', () => expect(plan(web, [a], stored())).toEqual([]))
  test('another pod: an update', () => expect(inWords(plan(web, [a, servingPod('b', '10.0.0.2')], stored()))).toEqual(['update endpoints web']))
  test('the service is gone: so are its endpoints', () => expect(inWords(plan(undefined, [], stored()))).toEqual(['delete endpoints web']))
  test('endpoints that somebody else made stay', () => expect(plan(undefined, [], { ...stored(), metadata: metadata('web') })).toEqual([]))
})
