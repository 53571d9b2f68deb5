import { describe, expect, test } from 'vitest'
import { clusterPolicyChain, endpointChain } from '../../agents/kube-proxy/chain-names.ts'
import { renderCleanup } from '../../agents/kube-proxy/cleanup.ts'
import { staleFlows } from '../../agents/kube-proxy/conntrack.ts'
import { isRemoval } from '../../agents/kube-proxy/iptables/iptables.ts'
import { quote } from '../../agents/kube-proxy/iptables/render.ts'
import { proxier, type Proxier } from '../../agents/kube-proxy/proxier.ts'
import { servicePortsOf } from '../../agents/kube-proxy/service-map.ts'
import type { EndpointSlice, Service } from '../../src/api/types.ts'
import { fakeIptables, type FakeIptables } from '../support/fake-iptables.ts'

const metadata = (name: string) => ({ name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' })
const service = (name: string, spec: Partial<Service['spec']> = {}): Service =>
  ({ metadata: metadata(name), spec: { type: 'ClusterIP', clusterIP: '10.96.0.20', ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec }, status: {} })

interface EndpointFacts { node?: string; ready?: boolean; serving?: boolean; terminating?: boolean }
const slice = (name: string, addresses: Record<string, EndpointFacts>, port = 8080, protocol = 'TCP'): EndpointSlice => ({
  metadata: { ...metadata(`${name}-abc`), labels: { 'kubernetes.io/service-name': name } }, addressType: 'IPv4', ports: [{ name: 'http', port, protocol }],
  endpoints: Object.entries(addresses).map(([address, { node = 'node-1', ready = true, ...rest }]) => ({ addresses: [address], nodeName: node, conditions: { ready, ...rest } })),
})

const newProxier = (iptables: FakeIptables): Proxier => proxier({ nodeName: 'node-1', podCIDR: '10.244.0.0/16', iptables, deleteFlows: async () => {}, marker: 'WHERRY-abc' })
const fromPod = { from: '10.244.0.9', to: '10.96.0.20', port: 80, protocol: 'tcp' } as const

test('chains are named as upstream names them', () => {
  // The values of upstream's own proxier_test.go.
  expect(clusterPolicyChain('ns1/svc1:p80', 'tcp')).toBe('KUBE-SVC-XPGD46QRK7WJZT7O')
  expect(endpointChain('ns1/svc1:p80', 'tcp', '10.180.0.1:80')).toBe('KUBE-SEP-SXIVWICOYRO3J4NJ')
})

describe('a packet', () => {
  const world = async (which: Service, ...slices: EndpointSlice[]): Promise<FakeIptables> => {
    const iptables = fakeIptables({ addresses: ['192.0.2.2'] })
    const tables = newProxier(iptables)
    tables.set('default/web', which, slices)
    await tables.sync()
    return iptables
  }

  test('from a pod to the cluster IP is delivered without masquerade', async () => {
    const iptables = await world(service('web'), slice('web', { '10.244.0.5': {} }))
    expect(iptables.trace(fromPod)).toEqual({ deliveredTo: '10.244.0.5:8080', masqueraded: false })
  })
  test('from the machine is masqueraded', async () => {
    const iptables = await world(service('web'), slice('web', { '10.244.0.5': {} }))
    expect(iptables.trace({ ...fromPod, from: '192.0.2.2', fromMachine: true })).toEqual({ deliveredTo: '10.244.0.5:8080', masqueraded: true })
  })
  test('from a pod to itself through the Service is masqueraded (hairpin)', async () => {
    const iptables = await world(service('web'), slice('web', { '10.244.0.9': {} }))
    expect(iptables.trace(fromPod)).toEqual({ deliveredTo: '10.244.0.9:8080', masqueraded: true })
  })
  test('is spread evenly over three endpoints', async () => {
    const iptables = await world(service('web'), slice('web', { '10.244.0.5': {}, '10.244.0.6': {}, '10.244.1.7': { node: 'node-2' } }))
    let seed = 7
    const random = (): number => { seed = (seed * 48_271) % 2_147_483_647; return seed / 2_147_483_647 }
    const hits: Record<string, number> = {}
    for (let request = 0; request < 6_000; request += 1) { const to = iptables.trace(fromPod, random).deliveredTo ?? ''; hits[to] = (hits[to] ?? 0) + 1 }
    expect(Object.keys(hits)).toHaveLength(3)
    for (const count of Object.values(hits)) expect(count / 6_000).toBeGreaterThan(0.3)
  })
  test('to a Service without endpoints is refused', async () => {
    const iptables = await world(service('web'))
    expect(iptables.trace(fromPod)).toEqual({ refused: true, masqueraded: false })
  })
  test('to a Service whose endpoints are not ready is refused', async () => {
    const iptables = await world(service('web'), slice('web', { '10.244.0.5': { ready: false, serving: false } }))
    expect(iptables.trace(fromPod).refused).toBe(true)
  })
  test('goes to terminating endpoints that still serve when no other is left', async () => {
    const iptables = await world(service('web'), slice('web', { '10.244.0.5': { ready: false, serving: true, terminating: true } }))
    expect(iptables.trace(fromPod).deliveredTo).toBe('10.244.0.5:8080')
  })
  test('to a node port is delivered and masqueraded', async () => {
    const iptables = await world(service('web', { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30_080 }] }), slice('web', { '10.244.1.5': { node: 'node-2' } }))
    expect(iptables.trace({ from: '192.0.2.9', to: '192.0.2.2', port: 30_080, protocol: 'tcp' })).toEqual({ deliveredTo: '10.244.1.5:8080', masqueraded: true })
  })
  test('to a node port with the Local policy keeps its source, and is dropped where no local endpoint is', async () => {
    const local = service('web', { type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ name: 'http', port: 80, nodePort: 30_080 }] })
    const outside = { from: '192.0.2.9', to: '192.0.2.2', port: 30_080, protocol: 'tcp' } as const
    const here = await world(local, slice('web', { '10.244.0.5': {}, '10.244.1.5': { node: 'node-2' } }))
    expect(here.trace(outside)).toEqual({ deliveredTo: '10.244.0.5:8080', masqueraded: false })
    const elsewhere = await world(local, slice('web', { '10.244.1.5': { node: 'node-2' } }))
    expect(elsewhere.trace(outside).dropped).toBe(true)
  })
  test('of UDP goes through a UDP chain', async () => {
    const iptables = await world(service('web', { ports: [{ name: 'http', port: 53, protocol: 'UDP' }] }), slice('web', { '10.244.0.5': {} }, 53, 'UDP'))
    expect(iptables.trace({ ...fromPod, port: 53, protocol: 'udp' }).deliveredTo).toBe('10.244.0.5:53')
    expect(iptables.trace({ ...fromPod, port: 53 }).deliveredTo).toBeUndefined()
  })
})

test('headless and ExternalName Services get no rules', () => {
  for (const spec of [{ clusterIP: 'None' }, { type: 'ExternalName', externalName: 'example.org' }]) expect(servicePortsOf(service('web', spec), [], 'node-1')).toEqual([])
})

describe('changes', () => {
  test('of one endpoint rewrite one Service, and nothing in proportion to the others', async () => {
    const iptables = fakeIptables()
    const tables = newProxier(iptables)
    for (let index = 0; index < 50; index += 1) tables.set(`default/s${index}`, service(`s${index}`, { clusterIP: `10.96.1.${index}` }), [slice(`s${index}`, { [`10.244.0.${index}`]: {} })])
    await tables.sync()
    iptables.restores.length = 0
    tables.set('default/s7', service('s7', { clusterIP: '10.96.1.7' }), [slice('s7', { '10.244.0.7': {}, '10.244.0.99': {} })])
    await tables.sync()
    expect(iptables.restores).toHaveLength(1)
    const lines = iptables.restores[0]?.trim().split('\n') ?? []
    expect(lines.length).toBeLessThan(14)
    expect(lines.some((line) => line.includes('KUBE-SERVICES'))).toBe(false)
    expect(iptables.trace({ ...fromPod, to: '10.96.1.7' }, () => 0.99).deliveredTo).toBe('10.244.0.99:8080')
  })

  test('end at the same rules as a fresh sync, after any sequence', async () => {
    const iptables = fakeIptables()
    const tables = newProxier(iptables)
    let seed = 42
    const random = (below: number): number => { seed = (seed * 48_271) % 2_147_483_647; return seed % below }
    const current = new Map<string, { service: Service | undefined; slices: EndpointSlice[] }>()
    for (let step = 0; step < 300; step += 1) {
      const name = `s${random(12)}`
      const gone = random(6) === 0
      const endpoints = Object.fromEntries(Array.from({ length: random(4) }, (_, index) => [`10.244.${random(2)}.${index + 1}`, { node: `node-${random(2) + 1}`, ready: random(4) > 0 }]))
      const entry = { service: gone ? undefined : service(name, { clusterIP: `10.96.1.${name.slice(1)}`, ...(random(2) && { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30_000 + Number(name.slice(1)) }] }) }), slices: [slice(name, endpoints)] }
      current.set(`default/${name}`, entry)
      tables.set(`default/${name}`, entry.service, entry.slices)
      if (random(20) === 0) iptables.failNext()
      await tables.sync().catch(() => tables.sync())
    }
    const fresh = fakeIptables()
    const again = newProxier(fresh)
    for (const [key, entry] of current) again.set(key, entry.service, entry.slices)
    await again.sync()
    const [is, shouldBe] = await Promise.all([iptables.save(), fresh.save()])
    const last = (saved: typeof is): string | undefined => saved.rules.get('nat')?.filter((line) => line.startsWith('-A KUBE-SERVICES')).at(-1)
    expect(is.rules.get('nat')?.toSorted()).toEqual(shouldBe.rules.get('nat')?.toSorted())
    expect(is.rules.get('filter')?.toSorted()).toEqual(shouldBe.rules.get('filter')?.toSorted())
    expect(last(is)).toContain('KUBE-NODEPORTS')
  })

  test('a flush by somebody else is repaired by a full sync', async () => {
    const iptables = fakeIptables()
    const tables = newProxier(iptables)
    tables.set('default/web', service('web'), [slice('web', { '10.244.0.5': {} })])
    await tables.sync()
    expect(await tables.intact()).toBe(true)
    iptables.flush('nat')
    expect(iptables.trace(fromPod).deliveredTo).toBeUndefined()
    expect(await tables.intact()).toBe(false)
    await tables.sync(true)
    expect(await tables.intact()).toBe(true)
    expect(iptables.trace(fromPod).deliveredTo).toBe('10.244.0.5:8080')
  })

  test('a refused restore is followed by a full one', async () => {
    const iptables = fakeIptables()
    const tables = newProxier(iptables)
    await tables.sync()
    tables.set('default/web', service('web'), [slice('web', { '10.244.0.5': {} })])
    iptables.failNext()
    await expect(tables.sync()).rejects.toThrow('iptables-restore')
    await tables.sync()
    expect(iptables.trace(fromPod).deliveredTo).toBe('10.244.0.5:8080')
  })
})

test.each([['the first sync', true], ['an increment', false]])('what comes to be wanted while the rules are being written is written next: %s', async (_, first) => {
  const iptables = fakeIptables()
  let meanwhile = (): void => {}
  const tables = newProxier({ ...iptables, restore: async (text) => { const then = meanwhile; meanwhile = () => {}; await iptables.restore(text); then() } })
  if (!first) await tables.sync()
  tables.set('default/web', service('web'), [])
  meanwhile = () => tables.set('default/web', service('web'), [slice('web', { '10.244.0.5': {} })])
  await tables.sync()
  await tables.sync()
  expect(iptables.trace(fromPod)).toEqual({ deliveredTo: '10.244.0.5:8080', masqueraded: false })
})

test('clean-up removes everything of ours and nothing else', async () => {
  const save = ['*nat', ':PREROUTING ACCEPT [0:0]', ':KUBE-SERVICES - [0:0]', ':KUBE-SVC-XPGD46QRK7WJZT7O - [0:0]', ':DOCKER - [0:0]', ':WHERRY-abc - [0:0]',
    '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES', '-A PREROUTING -j DOCKER', 'COMMIT', ''].join('\n')
  const text = renderCleanup(save, 'WHERRY-abc')
  expect(text).toContain('-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES')
  expect(text).toContain('-X KUBE-SVC-XPGD46QRK7WJZT7O')
  expect(text).toContain('-X WHERRY-abc')
  expect(text).not.toContain('DOCKER')
})

test('words that restore would read otherwise are quoted, and a line break cannot be written', () => {
  expect(quote('default/web:http cluster IP')).toBe('"default/web:http cluster IP"')
  expect(quote('a"b\\c')).toBe('"a\\"b\\\\c"')
  expect(() => quote('x\n-A INPUT -j DROP')).toThrow('control characters')
})

test.each([
  [' EVENT: -4 -t nat -D KUBE-SVC-ABC -j X', true], [' EVENT: -4 -t nat -X KUBE-SVC-ABC', true], [' EVENT: -4 -t nat -D PREROUTING -j KUBE-SERVICES', true],
  [' EVENT: -4 -t nat -D DOCKER -j X', false], [' EVENT: -4 -t nat -A KUBE-SERVICES -j Y', false], ['NEWGEN: GENID=6 PID=11 NAME=iptables', false],
])('monitor: %s takes something of ours away: %s', (line, expected) => expect(isRemoval(line)).toBe(expected))

test('UDP flows of endpoints that are gone are forgotten', () => {
  const udp = (addresses: string[], nodePort?: number) => servicePortsOf(service('dns', { ...(nodePort && { type: 'NodePort' }), ports: [{ name: 'http', port: 53, protocol: 'UDP', ...(nodePort && { nodePort }) }] }), [slice('dns', Object.fromEntries(addresses.map((address) => [address, {}])), 53, 'UDP')], 'node-1')
  expect(staleFlows(udp(['10.244.0.5', '10.244.0.6']), udp(['10.244.0.6']))).toEqual([{ originalAddress: '10.96.0.20', replySource: '10.244.0.5' }])
  expect(staleFlows(udp([]), udp(['10.244.0.6']))).toEqual([{ originalAddress: '10.96.0.20', port: 53 }])
  // Upstream's "Conntrack should be able to preserve UDP traffic when server pod cycles for a NodePort service".
  expect(staleFlows(udp(['10.244.0.5'], 30_053), udp([], 30_053))).toEqual([{ originalAddress: '10.96.0.20', replySource: '10.244.0.5' }, { port: 30_053, replySource: '10.244.0.5' }])
  expect(staleFlows(udp([], 30_053), udp(['10.244.0.6'], 30_053))).toEqual([{ originalAddress: '10.96.0.20', port: 53 }, { port: 30_053 }])
})
