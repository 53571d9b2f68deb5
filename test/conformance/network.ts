/** Services, endpoints and their addresses. Upstream: test/e2e/network. */
import { expect } from 'vitest'
import { type Kind, Endpoints, EndpointSlices, IPAddresses, Nodes, Pods, ServiceCIDRs, Services } from '../../src/api/kinds.ts'
import type { EndpointSlice, Pod, Service } from '../../src/api/types.ts'
import { until } from '../support/cluster.ts'
import { type Behaviour, refused, type World } from '../support/conformance.ts'
import { isReady } from '../support/live-client.ts'
import { nameServer } from '../support/perl-net.ts'
import { apiOperations } from './api-operations.ts'
import { askOnce, httpServer, programPod, sleeping } from './network-programs.ts'

const slicesOf = async ({ client }: World, namespace: string, service: string): Promise<EndpointSlice[]> => (await client.list(EndpointSlices, { namespace, labelSelector: `kubernetes.io/service-name=${service}` })).items
const service = (name: string, namespace: string, spec: object): Service => ({ metadata: { name, namespace }, spec }) as never
const running = async ({ client }: World, pod: Pod): Promise<Pod> => {
  const { metadata } = await client.create(Pods, pod)
  return until(`pod ${metadata.name} is ready`, async () => {
    const found = await client.get(Pods, { name: metadata.name, namespace: metadata.namespace ?? '' })
    if (isReady(found)) return found
    throw new Error(JSON.stringify(found.status))
  })
}
const exec = async ({ cluster }: World, namespace: string, pod: string, command: readonly string[]) => cluster.tryKubectl(['-n', namespace, 'exec', pod, '--', ...command])
const answers = (world: World, namespace: string, [protocol, address, port]: ['tcp' | 'udp', string, number], wanted: string): Promise<unknown> =>
  until(`${protocol} ${address}:${port} answers ${wanted}`, async () => (await exec(world, namespace, 'exec-pod', [...askOnce, protocol, '-', address, String(port)])).stdout === wanted)
const silent = (world: World, namespace: string, [protocol, address, port]: ['tcp' | 'udp', string, number]): Promise<unknown> =>
  until(`${protocol} ${address}:${port} is silent`, async () => /cannot connect|no answer|timeout/.test((await exec(world, namespace, 'exec-pod', [...askOnce, protocol, '-', address, String(port)])).stderr))

const apiServer = (behaviour: Behaviour): void => {
  behaviour('[sig-network] API Server should provide secure master service [Conformance]', async ({ client }) => {
    const found = await client.get(Services, { name: 'kubernetes', namespace: 'default' })
    expect(found.spec).toMatchObject({ type: 'ClusterIP', ports: [{ name: 'https', protocol: 'TCP', port: 443 }] })
  })
  behaviour('[sig-network] API Server should have Endpoints and EndpointSlices pointing to API Server [Conformance]', async (world) => {
    const { client } = world
    expect((await client.get(Services, { name: 'kubernetes', namespace: 'default' })).spec.clusterIPs?.length).toBeGreaterThan(0)
    const { subsets = [] } = await client.get(Endpoints, { name: 'kubernetes', namespace: 'default' })
    expect(subsets.length).toBeGreaterThan(0)
    const slices = await slicesOf(world, 'default', 'kubernetes')
    expect(slices.flatMap(({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses)).sort()).toEqual(subsets.flatMap(({ addresses }) => (addresses ?? []).map(({ ip }) => ip)).sort())
    expect(slices.flatMap(({ ports }) => (ports ?? []).map(({ port }) => port))).toEqual(subsets.flatMap(({ ports }) => (ports ?? []).map(({ port }) => port)))
  })
  behaviour('[sig-network] ServiceCIDR and IPAddress API should support ServiceCIDR API operations [Conformance]', async ({ client, ask, watch }) => {
    const { metadata } = await client.get(ServiceCIDRs, { name: 'kubernetes' })
    expect((await ask('GET', '/apis/networking.k8s.io/v1/servicecidrs/kubernetes/status')).body).toMatchObject({ apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { uid: metadata.uid } })
    expect((await client.list(ServiceCIDRs)).items.map((each) => each.metadata.name)).toContain('kubernetes')
    using watched = watch(ServiceCIDRs, {})
    await watched.first('the default range', ({ object }) => object.metadata.name === 'kubernetes')
  })
  behaviour('[sig-network] ServiceCIDR and IPAddress API should support IPAddress API operations [Conformance]', async ({ client, updated, watch, gone }) => {
    const parentRef = { group: 'mygroup', resource: 'myresources', namespace: 'foo', name: 'bar' }
    const create = (name: string, type: string) => client.create(IPAddresses, { metadata: { name, labels: { type } }, spec: { parentRef } })
    const created = await create('255.255.255.255', 'broadcast')
    await create('fe80::42:1dff:fe84:f9e2', 'link-local')
    const at = { name: '255.255.255.255' }
    const patched = await client.patch(IPAddresses, at, { type: 'merge', body: { metadata: { annotations: { patched: 'true' } } } })
    expect(patched.metadata.annotations).toEqual({ patched: 'true' })
    expect(BigInt(patched.metadata.resourceVersion ?? '')).toBeGreaterThan(BigInt(created.metadata.resourceVersion ?? ''))
    expect((await updated(IPAddresses, at, ({ metadata }) => { metadata.annotations = { ...metadata.annotations, updated: 'true' } })).metadata.annotations).toEqual({ patched: 'true', updated: 'true' })
    expect((await client.get(IPAddresses, at)).spec.parentRef).toEqual(parentRef)
    expect((await client.list(IPAddresses, { labelSelector: 'type=broadcast' })).items).toHaveLength(1)
    using watched = watch(IPAddresses, { labelSelector: 'type=broadcast' })
    await watched.first('the address', ({ type }) => type === 'ADDED')
    await client.delete(IPAddresses, at)
    await gone(IPAddresses, at)
    await client.deleteCollection(IPAddresses, { labelSelector: 'type=link-local' })
    expect((await client.list(IPAddresses, { labelSelector: 'type=link-local' })).items).toEqual([])
  })
}

const twoPods = async (world: World, namespace: string): Promise<[Pod, Pod]> => {
  const { client } = world
  const container = (...ports: [string, number][]) => ({ ports: ports.map(([name, containerPort]) => ({ name, containerPort })) })
  await client.create(Pods, programPod('pod1', namespace, sleeping, { labels: { pod1: 'on', shared12: 'on' }, container: container(['example-name', 3000]) }))
  await client.create(Pods, programPod('pod2', namespace, sleeping, { labels: { pod2: 'on', shared12: 'on' }, container: container(['example-name', 3001], ['other-port', 3002]) }))
  const withAddress = (name: string) => until(`${name} has an address`, async () => { const pod = await client.get(Pods, { name, namespace }); return pod.status.podIP ? pod : undefined })
  const publish = { publishNotReadyAddresses: true }
  await client.create(Services, service('example-int-port', namespace, { selector: { pod1: 'on' }, ...publish, ports: [{ name: 'example', port: 80, targetPort: 3000, protocol: 'TCP' }] }))
  await client.create(Services, service('example-named-port', namespace, { selector: { shared12: 'on' }, ...publish, ports: [{ name: 'http', port: 80, targetPort: 'example-name', protocol: 'TCP' }] }))
  await client.create(Services, service('example-no-match', namespace, { selector: { pod3: 'on' }, ...publish, ports: [{ name: 'example-no-match', port: 80, targetPort: 8080, protocol: 'TCP' }] }))
  return [await withAddress('pod1'), await withAddress('pod2')]
}

interface Target { ip: string; port: number; name: string | undefined; uid: string | undefined }
const byPort = (targets: Target[]): Target[] => targets.sort((a, b) => a.port - b.port)
const inSlices = (slices: readonly EndpointSlice[]): Target[] => byPort(slices.flatMap(({ endpoints, ports }) => (endpoints ?? []).flatMap(({ addresses, targetRef }) =>
  (ports ?? []).map(({ port, name }) => ({ ip: addresses[0] ?? '', port: port ?? 0, name, uid: targetRef?.kind === 'Pod' ? targetRef.uid : undefined })))))
const inSubsets = async ({ client }: World, namespace: string, name: string): Promise<Target[]> => byPort(((await client.get(Endpoints, { name, namespace })).subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
  [...addresses, ...notReadyAddresses].flatMap(({ ip, targetRef }) => ports.map(({ port, name: portName }) => ({ ip, port, name: portName, uid: targetRef?.kind === 'Pod' ? targetRef.uid : undefined })))))
const target = ({ status, metadata }: Pod, port: number, name: string): Target => ({ ip: status.podIP ?? '', port, name, uid: metadata.uid })

const agree = (what: string, found: () => Promise<Target[]>, wanted: Target[]): Promise<unknown> => until(`${what}: ${JSON.stringify(wanted)}`, async () => {
  const all = await found()
  if (JSON.stringify(all) === JSON.stringify(wanted)) return true
  throw new Error(JSON.stringify(all))
})

const emptySelector = async (world: World, namespace: string, kind: Kind): Promise<void> => {
  const { client, gone } = world
  const at = { name: 'example-empty-selector', namespace }
  await client.create(Services, service(at.name, namespace, { selector: { 'does-not-match-anything': 'endpoints-and-endpoint-slices-should-still-be-created' }, ports: [{ name: 'example', port: 80, protocol: 'TCP' }] }))
  if (kind.plural === Endpoints.plural) await until('its Endpoints', () => client.get(Endpoints, at).catch(() => undefined))
  else {
    const [slice] = await until('its slice', async () => { const found = await slicesOf(world, namespace, at.name); return found.length > 0 && found })
    expect(slice?.metadata.labels?.['endpointslice.kubernetes.io/managed-by']).toBe('endpointslice-controller.k8s.io')
    expect(slice?.endpoints ?? []).toEqual([])
  }
  await client.delete(Services, at)
  if (kind.plural === Endpoints.plural) await gone(Endpoints, at)
  else await until('its slices are gone', async () => (await slicesOf(world, namespace, at.name)).length === 0, 90)
}

const controllers = (behaviour: Behaviour): void => {
  behaviour('[sig-network] EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods [Conformance]', (world, namespace) => emptySelector(world, namespace, Endpoints))
  behaviour('[sig-network] EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods [Conformance]', (world, namespace) => emptySelector(world, namespace, EndpointSlices))
  behaviour('[sig-network] EndpointsController should create Endpoints for Pods matching a Service [Conformance]', async (world, namespace) => {
    const [pod1, pod2] = await twoPods(world, namespace)
    await agree('one pod', () => inSubsets(world, namespace, 'example-int-port'), [target(pod1, 3000, 'example')])
    await agree('a named port', () => inSubsets(world, namespace, 'example-named-port'), [target(pod1, 3000, 'http'), target(pod2, 3001, 'http')])
    expect((await world.client.get(Endpoints, { name: 'example-named-port', namespace })).subsets).toHaveLength(2)
  })
  behaviour('[sig-network] EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service [Conformance]', async (world, namespace) => {
    const { client } = world
    const [pod1, pod2] = await twoPods(world, namespace)
    const both = [target(pod1, 3000, 'http'), target(pod2, 3001, 'http')]
    const named = async (): Promise<Target[]> => inSlices(await slicesOf(world, namespace, 'example-named-port'))
    await agree('one pod', async () => inSlices(await slicesOf(world, namespace, 'example-int-port')), [target(pod1, 3000, 'example')])
    await agree('a named port', named, both)
    await agree('as Endpoints', () => inSubsets(world, namespace, 'example-named-port'), both)
    const none = await until('a slice of no pods', async () => { const found = await slicesOf(world, namespace, 'example-no-match'); return found.length === 1 && found })
    expect([none[0]?.endpoints ?? [], none[0]?.ports ?? []]).toEqual([[], []])
    for (const { metadata } of await slicesOf(world, namespace, 'example-named-port')) await client.delete(EndpointSlices, { name: metadata.name, namespace })
    await agree('made again', named, both)
  })
  behaviour('[sig-network] EndpointSlice should support creating EndpointSlice API operations [Conformance]', (world, namespace) => apiOperations(world, namespace, {
    kind: EndpointSlices, template: { addressType: 'IPv4', endpoints: [{ addresses: ['1.2.3.4', '5.6.7.8'] }] } as never,
  }))
  behaviour('[sig-network] EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete [Conformance]', async (world, namespace) => {
    const { client } = world
    const name = 'example-custom-endpoints'
    const mirrored = async (): Promise<[string[], number | undefined][]> => (await slicesOf(world, namespace, name)).map(({ endpoints, ports }) => [(endpoints ?? []).flatMap(({ addresses }) => addresses), ports?.[0]?.port])
    await client.create(Services, service(name, namespace, { ports: [{ name: 'example', port: 80, protocol: 'TCP' }] }))
    const endpoints = (ip: string) => ({ metadata: { name, namespace }, subsets: [{ ports: [{ port: 80 }], addresses: [{ ip }] }] }) as never
    await client.create(Endpoints, endpoints('10.1.2.3'))
    await until('it is mirrored', async () => JSON.stringify(await mirrored()) === '[[["10.1.2.3"],80]]', 60)
    // Without a resourceVersion: whatever was there is replaced.
    await client.update(Endpoints, endpoints('10.2.3.4'))
    await until('its update is mirrored', async () => JSON.stringify(await mirrored()) === '[[["10.2.3.4"],80]]', 60)
    await client.delete(Endpoints, { name, namespace })
    await until('its end is mirrored', async () => (await mirrored()).length === 0, 60)
  })
  behaviour('[sig-network] Endpoints should test the lifecycle of an Endpoint [Conformance]', async ({ client, watch }, namespace) => {
    const selection = { namespace, labelSelector: 'test-endpoint-static=true' }
    const at = { name: 'testservice', namespace }
    using watched = watch(Endpoints, { ...selection, resourceVersion: (await client.list(Endpoints, { labelSelector: selection.labelSelector })).resourceVersion })
    const created = await client.create(Endpoints, { metadata: { ...at, labels: { 'test-endpoint-static': 'true' } }, subsets: [{ addresses: [{ ip: '10.0.0.24' }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }] } as never)
    await watched.first('it is added', ({ type }) => type === 'ADDED')
    const found = (await client.list(Endpoints, { labelSelector: selection.labelSelector })).items.find(({ metadata }) => metadata.namespace === namespace)
    if (!found) throw new Error('the list of all namespaces lacks it')
    await client.update(Endpoints, { ...found, metadata: { ...found.metadata, labels: { ...found.metadata.labels, 'test-service': 'updated' } } })
    await watched.first('it is updated', ({ type, object }) => type === 'MODIFIED' && object.metadata.labels?.['test-service'] === 'updated')
    const patched = await client.patch(Endpoints, at, { type: 'strategic', body: { metadata: { labels: { 'test-service': 'patched' } }, subsets: [{ addresses: [{ ip: '10.0.0.25' }], ports: [{ name: 'http-test', port: 8080 }] }] } })
    expect(BigInt(patched.metadata.resourceVersion ?? '')).toBeGreaterThan(BigInt(created.metadata.resourceVersion ?? ''))
    await watched.first('it is patched', ({ type, object }) => type === 'MODIFIED' && object.metadata.labels?.['test-service'] === 'patched')
    expect((await client.get(Endpoints, at)).subsets).toEqual([{ addresses: [{ ip: '10.0.0.25' }], ports: [{ name: 'http-test', port: 8080, protocol: 'TCP' }] }])
    await client.deleteCollection(Endpoints, selection)
    await watched.first('it is deleted', ({ type, object }) => type === 'DELETED' && object.metadata.labels?.['test-service'] === 'patched')
    expect(await refused(client.get(Endpoints, at))).toMatchObject({ code: 404 })
  })
}

const services = (behaviour: Behaviour): void => {
  behaviour('[sig-network] Services should complete a service status lifecycle [Conformance]', async ({ client, ask, watch, updated }, namespace) => {
    const at = { name: 'test-service', namespace }
    const labelSelector = `test-service-static=${namespace}`
    using watched = watch(Services, { namespace, labelSelector, resourceVersion: (await client.list(Services, { labelSelector })).resourceVersion })
    await client.create(Services, { metadata: { ...at, labels: { 'test-service-static': namespace } }, spec: { type: 'LoadBalancer', loadBalancerClass: 'example.com/internal-vip', ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 80 }] } } as never)
    await watched.first('it is added', ({ type }) => type === 'ADDED')
    expect((await ask('GET', `/api/v1/namespaces/${namespace}/services/${at.name}/status`)).body).toMatchObject({ kind: 'Service', metadata: { name: at.name } })
    const patched = await client.patch(Services, at, { type: 'merge', body: { metadata: { annotations: { patchedstatus: 'true' } }, status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } } } }, { subresource: 'status' })
    expect(patched).toMatchObject({ metadata: { annotations: { patchedstatus: 'true' } }, status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } } })
    await watched.first('its status is patched', ({ type, object }) => type === 'MODIFIED' && object.metadata.annotations?.['patchedstatus'] === 'true' && object.status.loadBalancer?.ingress?.[0]?.ip === '203.0.113.1')
    const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test' }
    const written = await updated(Services, at, ({ status }) => { status.conditions = [...(status.conditions ?? []), { ...condition, lastTransitionTime: null } as never] }, { subresource: 'status' })
    expect(written.status.conditions).toMatchObject([condition])
    await watched.first('its status is updated', ({ type, object }) => type === 'MODIFIED' && (object.status.conditions ?? []).some(({ type: name, reason }) => name === 'StatusUpdate' && reason === 'E2E'))
    await client.patch(Services, at, { type: 'strategic', body: { metadata: { labels: { 'test-service': 'patched' } } } })
    await watched.first('it is patched', ({ type, object }) => type === 'MODIFIED' && object.metadata.labels?.['test-service'] === 'patched' && object.status.loadBalancer?.ingress !== undefined)
    await client.delete(Services, at)
    await watched.first('it is deleted', ({ type }) => type === 'DELETED')
  })
  behaviour('[sig-network] Services should delete a collection of services [Conformance]', async ({ client }, namespace) => {
    for (const [name, label, type] of [['e2e-svc-a', 'delete', 'ClusterIP'], ['e2e-svc-b', 'delete', 'NodePort'], ['e2e-svc-c', 'keep', 'ClusterIP']] as const) {
      await client.create(Services, { metadata: { name, namespace, labels: { 'e2e-service': label } }, spec: { type, ports: [{ name: 'http', protocol: 'TCP', port: 8001 }] } } as never)
    }
    expect((await client.list(Services, { namespace })).items).toHaveLength(3)
    await client.deleteCollection(Services, { namespace, labelSelector: 'e2e-service=delete' })
    expect((await client.list(Services, { namespace })).items.map(({ metadata }) => metadata.name)).toEqual(['e2e-svc-c'])
  })
  behaviour('[sig-network] Services should serve endpoints on same port and different protocols [Conformance]', async (world, namespace) => {
    const { client, updated } = world
    const at = { name: 'multiprotocol-test', namespace }
    const ports = [{ name: 'tcp-port', protocol: 'TCP', port: 80, targetPort: 80 }, { name: 'udp-port', protocol: 'UDP', port: 80, targetPort: 80 }]
    const { spec } = await client.create(Services, service(at.name, namespace, { selector: { app: 'pod1' }, ports }))
    await running(world, programPod('pod1', namespace, [...nameServer, '80'], { container: { ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }] } }))
    await running(world, programPod('exec-pod', namespace, sleeping))
    const [tcp, udp]: ['tcp' | 'udp', string, number][] = [['tcp', spec.clusterIP ?? '', 80], ['udp', spec.clusterIP ?? '', 80]]
    if (!tcp || !udp) throw new Error('no address')
    const only = async (...protocols: string[]): Promise<void> => { await updated(Services, at, (object) => { object.spec.ports = ports.filter(({ protocol }) => protocols.includes(protocol)) as never }) }
    await answers(world, namespace, tcp, 'pod1')
    await answers(world, namespace, udp, 'pod1')
    await only('TCP')
    await silent(world, namespace, udp)
    await answers(world, namespace, tcp, 'pod1')
    await only('UDP')
    await silent(world, namespace, tcp)
    await answers(world, namespace, udp, 'pod1')
  })
  const selectorless = async (world: World, namespace: string, ports: object[]): Promise<string> => {
    await running(world, programPod('exec-pod', namespace, sleeping))
    return (await world.client.create(Services, service('example-custom-endpoints', namespace, { ports }))).spec.clusterIP ?? ''
  }
  const slice = (world: World, namespace: string, pod: Pod, name: string, port: number) => world.client.create(EndpointSlices, { addressType: 'IPv4', ports: [{ name, port, protocol: 'TCP' }], endpoints: [{ addresses: [pod.status.podIP ?? ''] }],
    metadata: { name: `e2e-custom-slice-${port}`, namespace, labels: { 'kubernetes.io/service-name': 'example-custom-endpoints', 'endpointslice.kubernetes.io/managed-by': `e2e-test${namespace}` } } } as never)
  behaviour('[sig-network] EndpointSlice should support a Service with multiple ports specified in multiple EndpointSlices [Conformance]', async (world, namespace) => {
    const address = await selectorless(world, namespace, [{ name: 'port80', port: 80, protocol: 'TCP' }, { name: 'port81', port: 81, protocol: 'TCP' }])
    const pod = await running(world, programPod('server', namespace, [], { spec: { containers: [3000, 3001].map((port) => ({ name: `port-${port}`, image: 'host', command: [...nameServer, String(port)] })) } }))
    await slice(world, namespace, pod, 'port80', 3000)
    await slice(world, namespace, pod, 'port81', 3001)
    await answers(world, namespace, ['tcp', address, 80], 'server')
    await answers(world, namespace, ['tcp', address, 81], 'server')
  })
  behaviour('[sig-network] EndpointSlice should support a Service with multiple endpoint IPs specified in multiple EndpointSlices [Conformance]', async (world, namespace) => {
    const address = await selectorless(world, namespace, [{ name: 'example', port: 80, protocol: 'TCP' }])
    for (const [name, port] of [['server-1', 3000], ['server-2', 3001]] as const) await slice(world, namespace, await running(world, programPod(name, namespace, [...nameServer, String(port)])), 'example', port)
    await answers(world, namespace, ['tcp', address, 80], 'server-1')
    await answers(world, namespace, ['tcp', address, 80], 'server-2')
  })
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
const proxied = async (world: World, namespace: string, methods: readonly string[], path: (method: string) => string): Promise<string[]> => {
  await world.client.create(Services, service('test-service', namespace, { selector: { app: 'agnhost' }, ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }] }))
  await running(world, programPod('agnhost', namespace, [...httpServer, '80', '--json'], { container: { readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 1 } } }))
  const paths = ['pods/agnhost', 'services/test-service'].map((object) => `/api/v1/namespaces/${namespace}/${object}/proxy`)
  for (const prefix of paths) {
    for (const method of methods) {
      await until(`${method} ${prefix}`, async () => {
        const answer = await world.ask(method as Method, prefix + path(method))
        if (answer.status === 200 && (method === 'HEAD' || (answer.body['Method'] === method && answer.body['Body'] === 'foo'))) return true
        throw new Error(`${answer.status} ${answer.text}`)
      }, 60)
    }
  }
  return paths
}

const proxies = (behaviour: Behaviour): void => {
  behaviour('[sig-network] Proxy version v1 A set of valid responses are returned for both pod and service ProxyWithPath [Conformance]', async (world, namespace) => {
    await proxied(world, namespace, ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'], (method) => `/some/path/with/${method}`)
  })
  behaviour('[sig-network] Proxy version v1 A set of valid responses are returned for both pod and service Proxy [Conformance]', async (world, namespace) => {
    const paths = await proxied(world, namespace, ['DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT'], (method) => `?method=${method}`)
    for (const path of paths) for (const method of ['GET', 'HEAD']) expect((await world.ask(method as Method, `${path}?method=${method}`)).status).toBe(301)
  })
  behaviour('[sig-network] HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol [LinuxOnly] [Conformance]', async (world, namespace) => {
    const [node] = (await world.client.list(Nodes)).items
    const hostIP = node?.status.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? ''
    const hostPort = 54323
    const spec = { nodeName: node?.metadata.name ?? '' }
    for (const [name, ip, protocol] of [['pod1', '127.0.0.1', 'TCP'], ['pod2', hostIP, 'TCP'], ['pod3', hostIP, 'UDP']] as const) {
      await running(world, programPod(name, namespace, [...nameServer, '8080'], { spec, container: { ports: [{ hostPort, containerPort: 8080, protocol, hostIP: ip }] } }))
    }
    await running(world, programPod('exec-pod', namespace, sleeping, { spec: { ...spec, hostNetwork: true } }))
    await until('pod1 answers on the loopback address, asked from the node\'s', async () => (await exec(world, namespace, 'exec-pod', [...askOnce, 'tcp', hostIP, '127.0.0.1', String(hostPort)])).stdout === 'pod1')
    await answers(world, namespace, ['tcp', '127.0.0.1', hostPort], 'pod1')
    await answers(world, namespace, ['tcp', hostIP, hostPort], 'pod2')
    await answers(world, namespace, ['udp', hostIP, hostPort], 'pod3')
  })
}

export const network = (behaviour: Behaviour): void => { for (const part of [apiServer, controllers, services, proxies]) part(behaviour) }
