import { createSocket } from 'node:dgram'
import { decode, encode } from 'dns-packet'
import { describe, expect, test } from 'vitest'
import { answerCache } from '../../agents/dns/cache.ts'
import { forward, upstreamsOf } from '../../agents/dns/forward.ts'
import { respond, type Responder } from '../../agents/dns/respond.ts'
import { serveDns } from '../../agents/dns/server.ts'
import { answerQuestion, type ClusterView } from '../../agents/dns/zone.ts'
import { systemClock } from '../../src/api/clock.ts'
import type { EndpointSlice, Service } from '../../src/api/types.ts'

const metadata = (name: string) => ({ name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' })
const service = (name: string, spec: Service['spec']): Service => ({ metadata: metadata(name), spec, status: {} })
const slice = (name: string, endpoints: EndpointSlice['endpoints']): EndpointSlice =>
  ({ metadata: { ...metadata(`${name}-1`), labels: { 'kubernetes.io/service-name': name } }, addressType: 'IPv4', ports: [{ name: 'http', port: 8080, protocol: 'TCP' }], endpoints })

const services = [
  service('web', { clusterIP: '10.96.0.20', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }),
  service('db', { clusterIP: 'None', ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] }),
  service('idle', { clusterIP: 'None' }),
  service('outside', { type: 'ExternalName', externalName: 'example.org' }),
]
const slices = [slice('db', [
  { addresses: ['10.244.0.5'], hostname: 'db-0', conditions: { ready: true } }, { addresses: ['10.244.0.6'], conditions: { ready: true } }, { addresses: ['10.244.0.7'], conditions: { ready: false } },
])]
const view: ClusterView = {
  hasNamespace: (name) => name === 'default',
  service: (namespace, name) => services.find(({ metadata: at }) => at.namespace === namespace && at.name === name),
  slices: (_, name) => slices.filter(({ metadata: at }) => at.labels?.['kubernetes.io/service-name'] === name),
  serviceByAddress: (address) => services.find(({ spec }) => spec.clusterIP === address),
  slicesByAddress: (address) => slices.filter(({ endpoints }) => endpoints?.some(({ addresses }) => addresses.includes(address))),
}
const options = { domain: 'cluster.local', ttlSeconds: 5 }
const ask = (name: string, type: string): unknown => {
  const answer = answerQuestion({ name, type }, view, options)
  if (!answer) return 'not ours'
  if (!answer.exists) return 'NXDOMAIN'
  return answer.answers.map(({ data }) => (typeof data === 'string' ? data : `${data.port} ${data.target}`))
}

describe('the DNS specification 1.1.0', () => {
  test.each<[string, string, string, unknown]>([
    ['2.3.1 A of a ClusterIP Service', 'web.default.svc.cluster.local', 'A', ['10.96.0.20']],
    ['names are compared without case', 'Web.Default.SVC.cluster.local.', 'A', ['10.96.0.20']],
    ['2.3.1 AAAA of an IPv4 Service: it exists, without such a record', 'web.default.svc.cluster.local', 'AAAA', []],
    ['2.3.2 SRV of a named port', '_http._tcp.web.default.svc.cluster.local', 'SRV', ['80 web.default.svc.cluster.local']],
    ['2.3.2 no SRV for a port that there is not', '_ftp._tcp.web.default.svc.cluster.local', 'SRV', 'NXDOMAIN'],
    ['2.3.3 PTR of a cluster IP', '20.0.96.10.in-addr.arpa', 'PTR', ['web.default.svc.cluster.local']],
    ['2.4.1 A of a headless Service: its ready endpoints', 'db.default.svc.cluster.local', 'A', ['10.244.0.5', '10.244.0.6']],
    ['2.4.1 A of an endpoint by its hostname', 'db-0.db.default.svc.cluster.local', 'A', ['10.244.0.5']],
    ['2.4.1 A of an endpoint without one, by its address', '10-244-0-6.db.default.svc.cluster.local', 'A', ['10.244.0.6']],
    ['an endpoint that is not ready has no name', '10-244-0-7.db.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['2.4.2 SRV of a headless Service', '_http._tcp.db.default.svc.cluster.local', 'SRV', ['8080 db-0.db.default.svc.cluster.local', '8080 10-244-0-6.db.default.svc.cluster.local']],
    ['2.4.3 PTR of an endpoint with a hostname', '5.0.244.10.in-addr.arpa', 'PTR', ['db-0.db.default.svc.cluster.local']],
    ['2.4.1 a headless Service without ready endpoints', 'idle.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['2.5 ExternalName', 'outside.default.svc.cluster.local', 'A', ['example.org']],
    ['2.1 the version', 'dns-version.cluster.local', 'TXT', ['1.1.0']],
    ['a pod by its address', '10-244-0-6.default.pod.cluster.local', 'A', ['10.244.0.6']],
    ['a Service that there is not', 'nope.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['a namespace that there is not', 'web.nowhere.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['a namespace exists', 'default.svc.cluster.local', 'A', []],
    ['the world', 'example.org', 'A', 'not ours'],
    ['another domain with the same end', 'notcluster.local', 'A', 'not ours'],
    ['PTR of the world', '8.8.8.8.in-addr.arpa', 'PTR', 'not ours'],
  ])('%s', (_, name, type, expected) => expect(ask(name, type)).toEqual(expected))
})

const responder = (more: Partial<Responder> = {}): Responder =>
  ({ ...options, view, cache: answerCache(systemClock), forward: async () => { throw new Error('nobody') }, answered: () => {}, ...more })
const rcodeOf = (answer: Buffer | undefined): string | undefined => answer && ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP'][(answer[3] ?? 0) & 15]
const query = (name: string, type: 'A' | 'SRV' = 'A', id = 7): Buffer => encode({ type: 'query', id, flags: 256, questions: [{ name, type }] })

test('NXDOMAIN carries the SOA, so that resolvers keep it', async () => {
  const bytes = await respond(query('nope.default.svc.cluster.local'), 'udp', responder()) ?? Buffer.alloc(0)
  const answer = decode(bytes)
  expect([rcodeOf(bytes), answer.flag_aa, answer.authorities?.map(({ type }) => type)]).toEqual(['NXDOMAIN', true, ['SOA']])
})

test.each<[string, Buffer, string | undefined]>([
  ['a response', encode({ type: 'response', id: 7 }), undefined],
  ['a few bytes', Buffer.from([1, 2, 3]), undefined],
  ['a header that promises a question', Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), 'FORMERR'],
  ['a name that points at itself', Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1]), 'FORMERR'],
])('malformed: %s', async (_, packet, expected) => {
  const answer = await respond(packet, 'udp', responder())
  expect(rcodeOf(answer)).toBe(expected)
})

test('what upstream cannot answer is SERVFAIL; what it answers is kept, under each query\'s own id', async () => {
  expect(rcodeOf(await respond(query('example.org'), 'udp', responder()))).toBe('SERVFAIL')
  let asked = 0
  const kept = responder({ forward: async (packet) => {
    asked += 1
    return encode({ type: 'response', id: packet.readUInt16BE(0), flags: 384, questions: [{ name: 'example.org', type: 'A' }], answers: [{ type: 'A', name: 'example.org', ttl: 60, data: '192.0.2.80' }] })
  } })
  for (const id of [7, 8]) {
    const answer = decode(await respond(query('example.org', 'A', id), 'udp', kept) ?? Buffer.alloc(0))
    expect([answer.id, answer.answers?.map((each) => 'data' in each && each.data)]).toEqual([id, ['192.0.2.80']])
  }
  expect(asked).toBe(1)
})

test('nobody waits twice in a row for an upstream that does not answer', async () => {
  let asked = 0
  const deaf = responder({ forward: async () => { asked += 1; throw new Error('nobody') } })
  const answers = [await respond(query('example.org', 'A', 7), 'udp', deaf), await respond(query('example.org', 'A', 8), 'udp', deaf)]
  expect(answers.map((each) => [rcodeOf(each), each?.readUInt16BE(0)])).toEqual([['SERVFAIL', 7], ['SERVFAIL', 8]])
  expect(asked).toBe(1)
})

test('addresses that nobody asked for are left out before an answer is truncated', async () => {
  const some = responder({ view: { ...view, slices: () => [slice('db', Array.from({ length: 4 }, (_, index) => ({ addresses: [`10.244.1.${index}`] })))] } })
  const answer = decode(await respond(query('db.default.svc.cluster.local', 'SRV'), 'udp', some) ?? Buffer.alloc(0))
  expect([answer.flag_tc, answer.answers?.length, answer.additionals?.length]).toEqual([false, 4, 0])
})

test('an answer that does not fit into a UDP packet is truncated, and whole over TCP', async () => {
  const many = responder({ view: { ...view, slices: () => [slice('db', Array.from({ length: 60 }, (_, index) => ({ addresses: [`10.244.1.${index}`] })))] } })
  const udp = decode(await respond(query('db.default.svc.cluster.local'), 'udp', many) ?? Buffer.alloc(0))
  expect([udp.flag_tc, udp.answers?.length]).toEqual([true, 0])
  expect(decode(await respond(query('db.default.svc.cluster.local'), 'tcp', many) ?? Buffer.alloc(0)).answers).toHaveLength(60)
})

test('over real sockets, UDP and TCP', async () => {
  const ended = new AbortController()
  let port = 0
  const bound = new Promise<void>((resolve) => {
    void serveDns({ address: '127.0.0.1', port: 0, respond: (packet, protocol) => respond(packet, protocol, responder()) }, ended.signal, (actual) => { port = actual; resolve() })
  })
  await bound
  const upstream = [{ address: '127.0.0.1', port }]
  for (const protocol of ['udp', 'tcp'] as const) {
    const answer = decode(await forward(query('web.default.svc.cluster.local'), upstream, protocol))
    expect(answer.answers?.map((each) => 'data' in each && each.data)).toEqual(['10.96.0.20'])
  }
  ended.abort()
  const socket = createSocket('udp4')
  await expect.poll(() => new Promise((resolve) => { const probe = createSocket('udp4'); probe.once('error', () => resolve('taken')); probe.bind(port, '127.0.0.1', () => { probe.close(); resolve('free') }) })).toBe('free')
  socket.close()
})

test('name servers that would lead back are left out', () =>
  expect(upstreamsOf('# x\nnameserver 10.96.0.10\nnameserver 192.0.2.53\noptions ndots:5\n', ['10.96.0.10'])).toEqual([{ address: '192.0.2.53', port: 53 }]))
