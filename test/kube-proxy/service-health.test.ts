import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { serviceHealthOf, type ServiceHealthServers, serviceHealthServers } from '../../agents/kube-proxy/service-health.ts'
import type { EndpointSlice, Service } from '../../src/api/types.ts'

const metadata = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' }
const service = (spec: Partial<Service['spec']> = {}): Service => ({ metadata, spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_123, ...spec }, status: {} })
const slice = (addresses: Record<string, { nodeName: string; ready?: boolean }>, addressType: 'IPv4' | 'IPv6' = 'IPv4'): EndpointSlice => ({
  metadata, addressType, endpoints: Object.entries(addresses).map(([address, { nodeName, ready }]) => ({ addresses: [address], nodeName, conditions: ready === undefined ? {} : { ready } })),
})

describe('asked after are the ready endpoints of this node', () => {
  for (const [name, which, slices, expected] of [
    ['each address once, ready or not known', service(), [slice({ '10.0.0.1': { nodeName: 'here', ready: true }, '10.0.0.2': { nodeName: 'here' } }), slice({ '10.0.0.1': { nodeName: 'here' } })], 2],
    ['not those that are not ready or elsewhere', service(), [slice({ '10.0.0.1': { nodeName: 'here', ready: false }, '10.0.0.2': { nodeName: 'there', ready: true } })], 0],
    ['not those of the other family', service(), [slice({ 'fd00::1': { nodeName: 'here' } }, 'IPv6')], 0],
    ['nobody asks after a node port', service({ type: 'NodePort' }), [], undefined],
    ['nor after one that is for the whole cluster', service({ externalTrafficPolicy: 'Cluster' }), [], undefined],
    ['nor after one that has gone', undefined, [], undefined],
  ] as const) test(name, () => expect(serviceHealthOf(which, slices, 'here')).toEqual(expected === undefined ? undefined : { namespace: 'shop', name: 'web', port: 30_123, localEndpoints: expected }))
})

describe('a load balancer', () => {
  let servers: ServiceHealthServers | undefined
  afterEach(() => servers?.close())
  const warnings: string[] = []
  const log = { info() {}, debug() {}, error() {}, warn(message: string) { warnings.push(message) } }
  const freePort = async (): Promise<number> => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => { server.close(resolve) })
    return port
  }
  const ask = async (port: number): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}/`)
    return [response.status, response.headers.get('content-type'), response.headers.get('x-load-balancing-endpoint-weight'), await response.json()]
  }
  const state = (localEndpoints: number, serviceProxyHealthy = true): object => ({ service: { namespace: 'shop', name: 'web' }, localEndpoints, serviceProxyHealthy })

  test('is told how many there are, until the Service goes', async () => {
    let healthy = true
    servers = serviceHealthServers({ isHealthy: () => healthy, log, address: '127.0.0.1' })
    const port = await freePort()
    const health = { namespace: 'shop', name: 'web', port, localEndpoints: 2 }
    servers.set('shop/web', health)
    expect(await ask(port)).toEqual([200, 'application/json', '2', state(2)])
    servers.set('shop/web', { ...health, localEndpoints: 0 })
    expect(await ask(port)).toEqual([503, 'application/json', '0', state(0)])
    healthy = false
    servers.set('shop/web', health)
    expect(await ask(port)).toEqual([503, 'application/json', '2', state(2, false)])
    healthy = true
    const other = await freePort()
    servers.set('shop/web', { ...health, port: other })
    expect(await ask(other)).toEqual([200, 'application/json', '2', state(2)])
    await expect(ask(port)).rejects.toThrow()
    servers.set('shop/web', undefined)
    await expect(ask(other)).rejects.toThrow()
  })

  test('a port that somebody else has is said, and tried again when the Service changes', async () => {
    servers = serviceHealthServers({ isHealthy: () => true, log, address: '127.0.0.1' })
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const health = { namespace: 'shop', name: 'web', port, localEndpoints: 1 }
    servers.set('shop/web', health)
    await expect.poll(() => warnings).toEqual([`cannot answer health checks of Service shop/web on port ${port}`])
    await new Promise((resolve) => { taken.close(resolve) })
    servers.set('shop/web', health)
    expect(await ask(port)).toEqual([200, 'application/json', '1', state(1)])
  })
})
