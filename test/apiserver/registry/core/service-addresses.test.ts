/** Services' addresses as objects, through whole API servers on one store. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../../src/api/clock.ts'
import type { JsonObject } from '../../../../src/api/meta.ts'
import { defaultRegistryOptions, makeStrategies } from '../../../../src/apiserver/registry/registry.ts'
import { openMemoryStore } from '../../../../src/store/embedded/open.ts'
import type { Store } from '../../../../src/store/store.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { startTestServer, type TestServer } from '../../support.ts'

const services = '/api/v1/namespaces/default/services'
const addresses = '/apis/networking.k8s.io/v1/ipaddresses'
const service = (name: string, spec: object = {}): JsonObject => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } })
const patch = { 'content-type': 'application/merge-patch+json' }

interface Made { spec: { clusterIP: string; parentRef: JsonObject }; metadata: { name: string; labels: object } }
const ipOf = (body: unknown): string => (body as Made).spec.clusterIP
const namesOf = async (api: TestServer): Promise<string[]> => (await api.ask('GET', addresses)).body.items.map((item) => (item as unknown as Made).metadata.name).sort()

/** Until the answer is as wanted, or ten seconds have passed. */
const eventually = async <T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> => {
  for (const end = Date.now() + 30_000; ;) {
    const answer = await ask()
    if (wanted(answer) || Date.now() > end) return answer
    await new Promise((resolve) => { setImmediate(resolve) })
  }
}

describe('one server', () => {
  let api: TestServer
  beforeAll(async () => { api = await startTestServer() })
  afterAll(() => api[Symbol.asyncDispose]())

  test('a Service has an object for its address, and loses it with the address', async () => {
    const ip = ipOf((await api.ask('POST', services, { body: service('a') })).body)
    expect((await api.ask('GET', `${addresses}/${ip}`)).body).toMatchObject({
      metadata: { name: ip, labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } },
      spec: { parentRef: { group: '', resource: 'services', namespace: 'default', name: 'a' } },
    })
    await api.ask('PATCH', `${services}/a`, { headers: patch, body: { spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: null, clusterIPs: null } } })
    expect(await namesOf(api)).toEqual([])
    await api.ask('PATCH', `${services}/a`, { headers: patch, body: { spec: { type: 'ClusterIP', externalName: null, clusterIP: ip } } })
    expect(await namesOf(api)).toEqual([ip])
    await api.ask('DELETE', `${services}/a`)
    expect(await namesOf(api)).toEqual([])
  })

  test('an address that is somebody\'s own object is not given to a Service', async () => {
    const body = { apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name: '10.96.0.9' }, spec: { parentRef: { group: 'example.com', resource: 'gateways', name: 'g' } } }
    expect((await api.ask('POST', addresses, { body })).status).toBe(201)
    const refused = await api.ask('POST', services, { body: service('b', { clusterIP: '10.96.0.9' }) })
    expect([refused.status, refused.body.message]).toEqual([422, 'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.9"]: failed to allocate IP 10.96.0.9: provided IP is already allocated'])
    await api.ask('DELETE', `${addresses}/10.96.0.9`)
    expect((await api.ask('POST', services, { body: service('b', { clusterIP: '10.96.0.9' }) })).status).toBe(201)
    await api.ask('DELETE', `${services}/b`)
  })

  test('a dry run and a refused Service leave nothing', async () => {
    expect((await api.ask('POST', `${services}?dryRun=All`, { body: service('c') })).status).toBe(201)
    await api.ask('POST', services, { body: service('c') })
    const [ip] = await namesOf(api)
    expect((await api.ask('POST', services, { body: service('c') })).status).toBe(409)
    expect(await namesOf(api)).toEqual([ip])
    await api.ask('DELETE', `${services}/c`)
  })

  test('ranges that are ready are used, and those that are going are not', async () => {
    const range = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'more', finalizers: ['example.com/wait'] }, spec: { cidrs: ['10.200.0.0/28'] } }
    const ranges = '/apis/networking.k8s.io/v1/servicecidrs'
    await api.ask('POST', ranges, { body: range })
    expect(ipOf((await api.ask('POST', services, { body: service('d') })).body)).toMatch(/^10\.96\./)
    const conditions = [{ type: 'Ready', status: 'True', reason: '', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }]
    await api.ask('PATCH', `${ranges}/more/status`, { headers: patch, body: { status: { conditions } } })
    expect(ipOf((await api.ask('POST', services, { body: service('e') })).body)).toMatch(/^10\.200\.0\./)
    await api.ask('DELETE', `${ranges}/more`)
    expect(ipOf((await api.ask('POST', services, { body: service('f') })).body)).toMatch(/^10\.96\./)
  })
})

/** The same store for one more server, which does not close it. */
const lent = (store: Store): Store => new Proxy(store, { get(target, key) {
  if (key === Symbol.asyncDispose) return async () => undefined
  const value: unknown = Reflect.get(target, key, target)
  return typeof value === 'function' ? (value as () => unknown).bind(target) : value
} })

/** Two servers on one store, as on one etcd; the store ends with the second. */
const twoServers = async (serviceCIDR: string): Promise<{ first: TestServer; second: TestServer }> => {
  const store = await openMemoryStore({ clock: systemClock })
  const shared = lent(store)
  const strategies = () => makeStrategies({ ...defaultRegistryOptions, serviceCIDR })
  return { first: await startTestServer({ store: shared, strategies: strategies() }), second: await startTestServer({ store, strategies: strategies() }) }
}

test('two servers that fill a range at the same time give no address twice, and none away', async () => {
  const { first, second } = await twoServers('10.0.0.0/27')
  try {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? first : second).ask('POST', services, { body: service(`s${index}`) })))
    const given = answers.filter(({ status }) => status === 201).map(({ body }) => ipOf(body))
    expect(given).toHaveLength(30)
    expect(new Set(given).size).toBe(30)
    expect(new Set(answers.filter(({ status }) => status !== 201).map(({ body }) => body.message))).toEqual(new Set(['Internal error occurred: failed to allocate a serviceIP: range is full']))
    expect(await namesOf(second)).toEqual([...given].sort())
  } finally {
    await first[Symbol.asyncDispose]()
    await second[Symbol.asyncDispose]()
  }
})

test('at the start what is left over goes after a minute, and what is missing comes; later, what somebody deletes comes back', async () => {
  const clock = fakeClock()
  const store = await openMemoryStore({ clock })
  const before = await startTestServer({ store: lent(store), clock })
  const ip = ipOf((await before.ask('POST', services, { body: service('a') })).body)
  await before.ask('DELETE', `${addresses}/${ip}`)
  const left = { apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name: '10.96.0.77', labels: { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } }, spec: { parentRef: { resource: 'services', namespace: 'default', name: 'gone' } } }
  const own = { ...left, metadata: { name: '10.96.0.78' } }
  for (const body of [left, own]) expect((await before.ask('POST', addresses, { body })).status).toBe(201)
  await before[Symbol.asyncDispose]()

  await using api = await startTestServer({ store, clock, bootstrap: { advertise: { addresses: ['192.0.2.10'], port: 6443 }, serviceIP: '10.96.0.1' } })
  const wanted = ['10.96.0.1', '10.96.0.77', '10.96.0.78', ip].sort()
  expect(await eventually(() => namesOf(api), (names) => names.join() === wanted.join())).toEqual(wanted)
  await clock.advance(61_000)
  const kept = ['10.96.0.1', '10.96.0.78', ip].sort()
  expect(await eventually(() => namesOf(api), (names) => names.join() === kept.join())).toEqual(kept)
  await api.ask('DELETE', `${addresses}/${ip}`)
  expect(await eventually(() => namesOf(api), (names) => names.join() === kept.join())).toEqual(kept)

  // What a request that failed half-way has left.
  await api.ask('POST', addresses, { body: { ...left, metadata: { ...left.metadata, name: '10.96.0.79' } } })
  expect(await namesOf(api)).toContain('10.96.0.79')
  const swept = async (): Promise<string[]> => {
    await clock.advance(61_000)
    return namesOf(api)
  }
  expect(await eventually(swept, (names) => names.join() === kept.join())).toEqual(kept)
})
