import { describe, expect, test } from 'vitest'
import { Endpoints, EndpointSlices, Services } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import type { Endpoints as EndpointsObject, EndpointSlice, EndpointSubset, Service } from '../../../src/api/types.ts'
import { planMirroring } from '../../../src/controller-manager/endpoint-slice-mirroring/endpoint-slice-mirroring.ts'
import { metadata, service } from '../builders.ts'
import { stage } from '../stage.ts'

const byHand = (subsets: EndpointSubset[], over: Partial<KubeObject['metadata']> = {}): EndpointsObject => ({ metadata: metadata('db', over), subsets })
const subset: EndpointSubset = { addresses: [{ ip: '192.0.2.1', hostname: 'a' }], notReadyAddresses: [{ ip: '192.0.2.2' }], ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }] }

const played = (object: EndpointsObject | undefined, of: Service | undefined = service('db', { selector: undefined })) => {
  const at = stage()
  if (object) at.put(Endpoints, object)
  if (of) at.put(Services, of)
  return { at, plan: () => at.play(planMirroring('default/db', at.world)) }
}
const slice = (at: ReturnType<typeof stage>): EndpointSlice => { const [first] = at.all(EndpointSlices); if (!first) throw new Error('no slice'); return first }

test('endpoints become a slice, which says whose it is', () => {
  const { at, plan } = played(byHand([subset], { labels: { team: 'data' }, annotations: { note: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{}', 'endpoints.kubernetes.io/last-change-trigger-time': 'now' } }))
  expect(plan()).toEqual(['create endpointslices db-'])
  expect(slice(at)).toMatchObject({
    addressType: 'IPv4', ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }], endpoints: [{ addresses: ['192.0.2.1'], hostname: 'a', conditions: { ready: true } }, { addresses: ['192.0.2.2'], conditions: { ready: false } }],
    metadata: { labels: { team: 'data', 'kubernetes.io/service-name': 'db', 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' }, ownerReferences: [{ kind: 'Endpoints', name: 'db', controller: true }] },
  })
  expect(slice(at).metadata.annotations).toEqual({ note: 'x' })
  expect(plan()).toEqual([])
})

describe('no slice', () => {
  test.each<[string, EndpointsObject | undefined, Service | undefined]>([
    ['without endpoints', undefined, service('db', { selector: undefined })],
    ['without a Service', byHand([subset]), undefined],
    ['for a Service with a selector', byHand([subset]), service('db')],
    ['for endpoints that ask not to be mirrored', byHand([subset], { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }), service('db', { selector: undefined })],
    ['for the lock of a leader', byHand([subset], { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }), service('db', { selector: undefined })],
    ['for endpoints without addresses', byHand([]), service('db', { selector: undefined })],
  ])('%s', (_, object, of) => {
    const at = stage()
    if (object) at.put(Endpoints, object)
    if (of) at.put(Services, of)
    expect(planMirroring('default/db', at.world)).toEqual([])
  })
})

describe('changes', () => {
  test('of an address change the slice', () => {
    const { at, plan } = played(byHand([subset]))
    plan()
    at.put(Endpoints, { ...at.get(Endpoints, 'db'), subsets: [{ ...subset, notReadyAddresses: [], addresses: [{ ip: '192.0.2.1', hostname: 'a' }, { ip: '192.0.2.3' }] }] })
    expect(plan()).toEqual([`update endpointslices ${slice(at).metadata.name}`])
    expect(slice(at).endpoints?.map(({ addresses }) => addresses[0])).toEqual(['192.0.2.1', '192.0.2.3'])
  })
  test('of a label change the slice', () => {
    const { at, plan } = played(byHand([subset]))
    plan()
    const object = at.get(Endpoints, 'db')
    at.put(Endpoints, { ...object, metadata: { ...object.metadata, labels: { team: 'data' } } })
    expect(plan()).toHaveLength(1)
    expect(slice(at).metadata.labels?.['team']).toBe('data')
  })
  test('of the ports make another slice', () => {
    const { at, plan } = played(byHand([subset]))
    plan()
    at.put(Endpoints, { ...at.get(Endpoints, 'db'), subsets: [{ ...subset, ports: [{ port: 5433 }] }] })
    expect(plan()).toEqual(['create endpointslices db-', expect.stringContaining('delete endpointslices')])
  })
  test('the slice goes with the endpoints, and when the Service gets a selector', () => {
    const { at, plan } = played(byHand([subset]))
    plan()
    at.put(Services, service('db'))
    expect(plan()).toEqual([expect.stringContaining('delete endpointslices')])
    at.put(Services, service('db', { selector: undefined }))
    plan()
    at.remove(Endpoints, 'db')
    expect(plan()).toEqual([expect.stringContaining('delete endpointslices')])
  })
})

test('addresses of both families get a slice each, and more than a thousand are told of', () => {
  const { at, plan } = played(byHand([{ addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }] }]))
  plan()
  expect(at.all(EndpointSlices).map(({ addressType }) => addressType).sort()).toEqual(['IPv4', 'IPv6'])
  const many = played(byHand([{ addresses: Array.from({ length: 1003 }, (_, index) => ({ ip: `10.0.${index >> 8}.${index & 255}` })) }]))
  many.plan()
  expect(many.at.all(EndpointSlices).map(({ endpoints }) => endpoints?.length)).toEqual([1000])
  expect(many.at.told).toEqual(['Warning TooManyAddressesToMirror: A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 3 addresses were skipped'])
})
