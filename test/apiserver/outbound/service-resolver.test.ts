import { expect, test } from 'vitest'
import { EndpointSlices, Services } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import { serviceResolver } from '../../../src/apiserver/outbound/service-resolver.ts'
import type { Lookup } from '../../../src/apiserver/registry/strategy.ts'

const service = (spec: object): KubeObject => ({ metadata: { name: 'web', namespace: 'ns' }, spec }) as unknown as KubeObject
const slice = (ports: object[], endpoints: object[], more: object = {}): KubeObject =>
  ({ addressType: 'IPv4', metadata: { name: 'web-1', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'web' } }, ports, endpoints, ...more }) as unknown as KubeObject
const ports = [{ name: 'https', port: 443, targetPort: 8443 }]

const lookupOf = (services: KubeObject[], slices: KubeObject[]): Lookup => ({
  get: (kind, name) => (kind.plural === Services.plural ? services.find(({ metadata }) => metadata.name === name) : undefined) as never,
  list: (kind) => (kind.plural === EndpointSlices.plural ? slices : []) as never,
})

const resolve = (services: KubeObject[], slices: KubeObject[], port = 443): unknown => {
  try {
    return serviceResolver(lookupOf(services, slices), { next: () => 0.99, uuid: () => '' })({ namespace: 'ns', name: 'web', port })
  } catch (error) {
    return (error as Error).message
  }
}

test.each<[string, KubeObject[], KubeObject[], unknown]>([
  ['no service', [], [], 'service "web" not found'],
  ['no such port', [service({ type: 'ClusterIP', ports: [{ port: 80 }] })], [], 'no service port 443 found for service "web"'],
  ['no endpoints', [service({ ports })], [], 'no endpoints available for service "web"'],
  ['none that is ready', [service({ ports })], [slice([{ name: 'https', port: 8443 }], [{ addresses: ['10.0.0.1'], conditions: { ready: false } }])], 'no endpoints available for service "web"'],
  ['another port of the endpoints', [service({ ports })], [slice([{ name: 'http', port: 8080 }], [{ addresses: ['10.0.0.1'] }])], 'no endpoints available for service "web"'],
  ['one of the ready ones', [service({ ports })], [slice([{ name: 'https', port: 8443 }], [{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2'], conditions: { ready: true } }, { addresses: ['10.0.0.3'], conditions: { ready: false } }])], { host: '10.0.0.2', port: 8443 }],
  ['a headless service', [service({ clusterIP: 'None', ports: [{ port: 443 }] })], [slice([{ port: 8443 }], [{ addresses: ['10.0.0.1'] }])], { host: '10.0.0.1', port: 8443 }],
  ['names instead of addresses', [service({ ports })], [slice([{ name: 'https', port: 8443 }], [{ addresses: ['a.example'] }], { addressType: 'FQDN' })], 'no endpoints available for service "web"'],
  ['an external name', [service({ type: 'ExternalName', externalName: 'hooks.example' })], [], { host: 'hooks.example', port: 443 }],
  ['a type of the future', [service({ type: 'Other', ports })], [], 'unsupported service type "Other"'],
])('%s', (_name, services, slices, expected) => expect(resolve(services, slices)).toEqual(expected))
