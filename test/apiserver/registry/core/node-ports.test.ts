/** Node ports over several API servers on one store. Expectations: upstream's `pkg/registry/core/service/portallocator`, whose allocations and repair go through the store. */
import { expect, test } from 'vitest'
import { systemClock } from '../../../../src/api/clock.ts'
import { defaultRegistryOptions, makeStrategies } from '../../../../src/apiserver/registry/registry.ts'
import { nodePorts, nodePortPrefix } from '../../../../src/apiserver/storage/node-ports.ts'
import { openMemoryStore } from '../../../../src/store/embedded/open.ts'
import { prefixEnd, type Store } from '../../../../src/store/store.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { startTestServer, type Answer, type TestServer } from '../../support.ts'

/** The same store for one more server, which does not close it. */
const lent = (store: Store): Store => new Proxy(store, { get(target, key) {
  if (key === Symbol.asyncDispose) return async () => undefined
  const value: unknown = Reflect.get(target, key, target)
  return typeof value === 'function' ? (value as () => unknown).bind(target) : value
} })

const services = '/api/v1/namespaces/default/services'
const service = (name: string, nodePort?: number, port = 80): object => ({ metadata: { name }, spec: { type: 'NodePort', selector: { app: name }, ports: [{ port, ...(nodePort !== undefined && { nodePort }) }] } })
const portOf = ({ body }: Answer): number => (body['spec'] as unknown as { ports: { nodePort: number }[] }).ports[0]?.nodePort ?? 0
const registered = async (store: Store): Promise<number[]> => (await store.range(nodePortPrefix, prefixEnd(nodePortPrefix))).items.map(({ key }) => Number(key.slice(nodePortPrefix.length))).sort()

const two = async (range = { first: 30_000, last: 32_767 }): Promise<{ store: Store; servers: readonly [TestServer, TestServer]; [Symbol.asyncDispose](): Promise<void> }> => {
  const store = await openMemoryStore({ clock: systemClock })
  const strategies = () => makeStrategies({ ...defaultRegistryOptions, nodePortRange: range })
  const servers = [await startTestServer({ store: lent(store), strategies: strategies() }), await startTestServer({ store: lent(store), strategies: strategies() })] as const
  return { store, servers, async [Symbol.asyncDispose]() { for (const each of servers) await each[Symbol.asyncDispose](); await store[Symbol.asyncDispose]() } }
}

test('two servers that fill a range at the same time give no port twice, and none away', async () => {
  await using cluster = await two({ first: 30_000, last: 30_019 })
  const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => cluster.servers[index % 2 as 0 | 1].ask('POST', services, { body: service(`s${index}`) })))
  const given = answers.filter(({ status }) => status === 201).map(portOf)
  expect([given.length, new Set(given).size]).toEqual([20, 20])
  expect(new Set(answers.filter(({ status }) => status !== 201).map(({ body }) => body.message))).toEqual(new Set(['Internal error occurred: failed to allocate a nodePort: range is full']))
  expect(await registered(cluster.store)).toEqual([...given].sort())
})

test('the same port asked of both at once: one has it, the other is told', async () => {
  await using cluster = await two()
  for (let round = 0; round < 5; round += 1) {
    const answers = await Promise.all(cluster.servers.map((each, index) => each.ask('POST', services, { body: service(`r${round}-${index}`, 31_000 + round) })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422])
    expect(answers.find(({ status }) => status === 422)?.body.message).toMatch(/spec\.ports\[0\]\.nodePort: Invalid value: 3100\d: provided port is already allocated/)
  }
})

test('what is given up is free, on the other server too: by an update, a deletion, a refused creation, and not by a dry run', async () => {
  await using cluster = await two()
  const [first, second] = cluster.servers
  expect((await first.ask('POST', `${services}?dryRun=All`, { body: service('dry', 31_500) })).status).toBe(201)
  expect(await registered(cluster.store)).toEqual([])
  expect((await first.ask('POST', services, { body: service('a', 31_500) })).status).toBe(201)
  expect((await first.ask('POST', services, { body: service('a', 31_501) })).status).toBe(409)
  expect(await registered(cluster.store)).toEqual([31_500])
  expect((await first.ask('PATCH', `${services}/a`, { body: { spec: { type: 'ClusterIP' } }, headers: { 'content-type': 'application/merge-patch+json' } })).status).toBe(200)
  expect(await registered(cluster.store)).toEqual([])
  expect((await second.ask('POST', services, { body: service('b', 31_500) })).status).toBe(201)
  await second.ask('DELETE', `${services}/b`)
  expect(await registered(cluster.store)).toEqual([])
  expect((await first.ask('POST', services, { body: service('c', 31_500) })).status).toBe(201)
})

test('at the start what nobody has goes after a minute, and what is missing comes', async () => {
  const clock = fakeClock()
  const store = await openMemoryStore({ clock })
  const before = await startTestServer({ store: lent(store), clock })
  const port = portOf(await before.ask('POST', services, { body: service('a') }))
  await store.delete(`${nodePortPrefix}${port}`)
  await nodePorts({ store, clock }).take(31_999, { metadata: { uid: 'gone', namespace: 'default', name: 'gone', creationTimestamp: '' } as never })
  await before[Symbol.asyncDispose]()
  await using api = await startTestServer({ store, clock, bootstrap: { advertise: { addresses: ['192.0.2.10'], port: 6443 }, serviceIP: '10.96.0.1' } })
  expect(api).toBeDefined()
  const until = async (wanted: number[]): Promise<void> => {
    for (const deadline = Date.now() + 30_000; (await registered(store)).join() !== wanted.join() && Date.now() < deadline;) await new Promise((resolve) => { setTimeout(resolve, 10) })
    expect(await registered(store)).toEqual(wanted)
  }
  await until([port, 31_999].sort())
  await clock.advance(61_000)
  await until([port])
})
