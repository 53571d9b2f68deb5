import { Agent, get } from 'node:https'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { Leases, Namespaces, ServiceAccounts } from '../../src/api/kinds.ts'
import { systemRandom } from '../../src/api/random.ts'
import { createClient } from '../../src/client/client.ts'
import { type KeyedCertificate, newCertificate, newCertificateAuthority, validFor } from '../../src/client/pki.ts'
import { controllerManager } from '../../src/controller-manager/controller-manager.ts'
import { discoverKinds } from '../../src/controller-manager/discovered-kinds.ts'
import { admin, startTestServer } from '../apiserver/support.ts'
import { logs } from '../support/logs.ts'

const freePort = (): Promise<number> => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const address = server.address()
    server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
  })
})

const fetched = (port: number, path: string, credentials?: KeyedCertificate): Promise<{ status: number; text: string }> => new Promise((resolve, reject) => {
  get({ host: '127.0.0.1', port, path, agent: new Agent({ rejectUnauthorized: false, ...(credentials && { cert: credentials.certificate, key: credentials.key }) }) }, (response) => {
    let text = ''
    response.on('data', (chunk: Buffer) => { text += chunk.toString() })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
  }).on('error', reject)
})

const eventually = async <T>(work: () => Promise<T>): Promise<T> => {
  const deadline = systemClock.monotonic() + 10_000
  for (;;) {
    try { return await work() } catch (error) {
      if (systemClock.monotonic() > deadline) throw error
      await new Promise<void>((resolve) => { setImmediate(resolve) })
    }
  }
}

test('leads, serves its health, does its work, and gives the lease back', async () => {
  await using server = await startTestServer({ bootstrap: { advertise: { addresses: ['192.0.2.1'], port: 6443 }, serviceIP: '10.96.0.1' } })
  const client = createClient(server.server.inMemoryTransport(admin))
  await eventually(() => client.get(Namespaces, { name: 'kube-system' }))
  const port = await freePort()
  const validity = validFor(1, systemClock.now())
  const [ca, strange] = await Promise.all([newCertificateAuthority({ commonName: 'ca', validity }), newCertificateAuthority({ commonName: 'strange', validity })])
  const serving = await newCertificate(ca, { subject: { commonName: 'kube-controller-manager', ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity })
  const [monitor, stranger] = await Promise.all([ca, strange].map((authority) => newCertificate(authority, { subject: { commonName: 'monitor' }, usages: ['client auth'], validity })))
  const stop = new AbortController()
  const manager = controllerManager({ client, clock: systemClock, random: systemRandom, log: logs(), options: { leaderElection: { identity: 'me' }, health: { host: '127.0.0.1', port, tls: { ...serving, clientCertificateAuthority: ca.certificate } } } })
  const running = manager.run(stop.signal)
  await eventually(() => client.get(ServiceAccounts, { name: 'default', namespace: 'default' }))
  expect((await client.get(Leases, { name: 'kube-controller-manager', namespace: 'kube-system' })).spec.holderIdentity).toBe('me')
  expect(await eventually(() => fetched(port, '/healthz'))).toEqual({ status: 200, text: 'ok' })
  expect((await fetched(port, '/metrics')).status).toBe(401)
  expect((await fetched(port, '/metrics', stranger)).status).toBe(401)
  expect((await fetched(port, '/metrics', monitor)).text).toContain('leader_election_master_status{name="kube-controller-manager"} 1')
  expect((await fetched(port, '/nowhere')).status).toBe(404)
  stop.abort()
  await running
  expect((await client.get(Leases, { name: 'kube-controller-manager', namespace: 'kube-system' })).spec.holderIdentity).toBeFalsy()
  await expect(fetched(port, '/healthz')).rejects.toThrow('ECONNREFUSED')
})

test('a port that is taken ends it, with the reason', async () => {
  await using server = await startTestServer()
  const port = await freePort()
  const other = createServer().listen(port, '127.0.0.1')
  const manager = controllerManager({ client: createClient(server.server.inMemoryTransport(admin)), clock: systemClock, random: systemRandom, log: logs(), options: { health: { host: '127.0.0.1', port } } })
  await expect(manager.run(new AbortController().signal)).rejects.toThrow('EADDRINUSE')
  other.close()
})

test('discovery tells every kind that can be listed, watched and deleted, each once', async () => {
  await using server = await startTestServer()
  const kinds = await discoverKinds(createClient(server.server.inMemoryTransport(admin)), new AbortController().signal)
  const names = kinds.map(({ group, version, plural, kind, namespaced }) => `${group}/${version} ${plural} ${kind} ${namespaced}`)
  expect(names).toEqual(expect.arrayContaining(['/v1 pods Pod true', '/v1 nodes Node false', 'apps/v1 deployments Deployment true', 'discovery.k8s.io/v1 endpointslices EndpointSlice true']))
  expect(new Set(kinds.map(({ group, plural }) => `${plural}.${group}`)).size).toBe(kinds.length)
})
