/** One contract, three transports: whatever carries a request, the client is told the same. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { ConfigMaps, Deployments, type Kind, Namespaces, Pods } from '../../src/api/kinds.ts'
import type { StatusError } from '../../src/api/status.ts'
import type { ConfigMap } from '../../src/api/types.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { grpcTransport } from '../../src/client/grpc-transport.ts'
import { httpsTransport } from '../../src/client/https-transport.ts'
import type { Transport } from '../../src/client/transport.ts'
import { text } from '../../src/client/watch.ts'
import { admin } from '../apiserver/support.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { type ListeningServer, startListeningServer } from '../support/listening-server.ts'

const transports: Record<string, (server: ListeningServer) => Transport> = {
  'in memory': (server) => server.server.inMemoryTransport(admin),
  HTTPS: (server) => httpsTransport(server.access, systemClock),
  gRPC: (server) => grpcTransport(server.access, systemClock),
}

const never = new AbortController().signal
const object = (name: string, more: Partial<ConfigMap> = {}) => ({ metadata: { name, namespace: 'shop' }, ...more })
const at = (name: string) => ({ name, namespace: 'shop' })

/** What an attempt ends with, for comparison: the answer, or the server's Status. */
const outcome = async (attempt: Promise<unknown>): Promise<unknown> => {
  try {
    return await attempt
  } catch (error) {
    return (error as StatusError).status ?? error
  }
}

const watched = async (client: Client, kind: Kind, options: Parameters<Client['watch']>[1], count: number): Promise<string[]> => {
  const stop = new AbortController()
  const seen: string[] = []
  for await (const { type, object: { metadata } } of client.watch(kind, { ...options, signal: stop.signal })) {
    seen.push(`${type} ${metadata.name ?? ''}`.trim())
    if (seen.length === count) stop.abort()
  }
  return seen
}

type Case = (client: Client) => Promise<unknown>
const created = (client: Client, name: string, data?: Record<string, string>): Promise<ConfigMap> => client.create<ConfigMap>(ConfigMaps, object(name, data ? { data } : {}))

/** Each is played against a server of its own, whose clock stands still: uids apart, every byte must be the same. */
const cases: Record<string, Case> = {
  'create, get, list, delete': async (client) => {
    await created(client, 'a', { x: 'ü', long: 'x'.repeat(100_000) })
    return [await client.get(ConfigMaps, at('a')), await client.list(ConfigMaps, { namespace: 'shop' }), await client.delete(ConfigMaps, at('a'), { gracePeriodSeconds: 0, propagationPolicy: 'Background' })]
  },
  'update, and with a stale version': async (client) => {
    const old = await created(client, 'a')
    return [await client.update(ConfigMaps, { ...old, data: { x: '1' } }, { fieldManager: 'me' }), await outcome(client.update(ConfigMaps, { ...old, data: { x: '2' } }))]
  },
  'all kinds of patches': async (client) => {
    await created(client, 'a', { a: '1' })
    return [
      await client.patch(ConfigMaps, at('a'), { type: 'json', body: [{ op: 'replace', path: '/data/a', value: '2' }] }),
      await client.patch(ConfigMaps, at('a'), { type: 'merge', body: { data: { b: '3' } } }),
      await client.patch(ConfigMaps, at('a'), { type: 'strategic', body: { data: { b: null } } }, { dryRun: true }),
      await client.patch(ConfigMaps, at('a'), { type: 'apply', body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { a: '4' } }, force: true }, { fieldManager: 'applier' }),
      await outcome(client.patch(ConfigMaps, at('a'), { type: 'apply', body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { a: '5' } } }, { fieldManager: 'other' })),
    ]
  },
  'pages and selectors': async (client) => {
    for (const name of ['a', 'b', 'c']) await client.create<ConfigMap>(ConfigMaps, { ...object(name), metadata: { ...object(name).metadata, labels: { app: name === 'c' ? 'other' : 'this' } } })
    const first = await client.list(ConfigMaps, { namespace: 'shop', limit: 2 })
    return [first, await client.list(ConfigMaps, { limit: 2, ...(first.continueToken && { continueToken: first.continueToken }), namespace: 'shop' }), await client.list(ConfigMaps, { labelSelector: 'app in (this)', fieldSelector: 'metadata.name!=a' }),
      await client.list(ConfigMaps, { resourceVersion: '1', resourceVersionMatch: 'NotOlderThan' }), await client.deleteCollection(ConfigMaps, { namespace: 'shop', labelSelector: 'app=this' }), await client.list(ConfigMaps)]
  },
  'subresources': async (client) => {
    const pod = await client.create(Pods, { metadata: { name: 'p', namespace: 'shop' }, spec: { containers: [{ name: 'c', image: 'host' }] } } as never)
    return [pod, await client.createSubresource(Pods, at('p'), 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } }),
      await client.patch(Pods, at('p'), { type: 'merge', body: { status: { phase: 'Running' } } }, { subresource: 'status' }), await outcome(client.get(ConfigMaps, at('p'), { subresource: 'scale' })),
      await outcome(client.get(Deployments, at('p'), { subresource: 'scale' }))]
  },
  'refusals': async (client) => [
    await outcome(client.get(ConfigMaps, at('missing'))), await outcome(created(client, 'Not A Name')), await created(client, 'a').then(() => outcome(created(client, 'a'))),
    await outcome(created(client, 'big', { x: 'x'.repeat(3 * 1024 * 1024) })), await outcome(created(client, 'keys', Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`no key ${index}`, ''])))),
    await outcome(client.list(ConfigMaps, { labelSelector: '!!' })), await outcome(client.list(ConfigMaps, { limit: -1 })), await outcome(client.list(ConfigMaps, { continueToken: 'nonsense' })),
    await outcome(client.get({ ...ConfigMaps, plural: 'wonders' }, at('a'))), await outcome(client.delete(ConfigMaps, at('a'), { preconditions: { uid: 'other' } })),
    await outcome(client.get(ConfigMaps, { namespace: 'shop', name: '../secrets' })), await outcome(client.deleteCollection(Namespaces, {})),
  ],
  'names with letters that paths escape': async (client) => [await outcome(client.get(ConfigMaps, { namespace: 'shop', name: 'a b%2F?#ü' })), await outcome(client.get(ConfigMaps, { namespace: 'a/b', name: 'x' }))],
  'a namespace and its finalizers': async (client) => [await client.get(Namespaces, { name: 'shop' }), await outcome(client.update(Namespaces, await client.get(Namespaces, { name: 'shop' }), { subresource: 'finalize' }))],
  'a watch from the beginning': async (client) => {
    await created(client, 'a')
    await created(client, 'b', { x: 'x'.repeat(200_000) })
    return watched(client, ConfigMaps, { namespace: 'shop', sendInitialEvents: true, signal: never }, 3)
  },
  'a watch from a version on': async (client) => {
    const { resourceVersion } = await client.list(ConfigMaps)
    const first = await created(client, 'a')
    await client.update(ConfigMaps, { ...first, data: { x: '1' } })
    await client.delete(ConfigMaps, at('a'))
    return watched(client, ConfigMaps, { resourceVersion, signal: never }, 3)
  },
  'a watch whose version is not there yet': (client) => outcome(watched(client, ConfigMaps, { resourceVersion: '99999999', signal: never, timeoutSeconds: 1 }, 1)),
  'a watch with a selector that is none': (client) => outcome(watched(client, ConfigMaps, { labelSelector: '!!', signal: never }, 1)),
  'what is no resource': async (client) => {
    const { status, body } = await client.raw({ method: 'GET', path: '/readyz', headers: {} }, never)
    return [status, await text(body)]
  },
  'a table': async (client) => {
    await created(client, 'a')
    const { status, body } = await client.raw({ method: 'GET', path: '/api/v1/namespaces/shop/configmaps', headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } }, never)
    return [status, await text(body)]
  },
  'the lines of a watch, for who reads them': async (client) => {
    await created(client, 'a')
    const { status, body } = await client.raw({ method: 'GET', path: '/api/v1/configmaps?watch=true&resourceVersion=0&timeoutSeconds=1', headers: {} }, never)
    return [status, await text(body)]
  },
  'the status and the headers of a creation': async (client) => {
    const { status, headers, body } = await client.raw({ method: 'POST', path: '/api/v1/namespaces/shop/configmaps', headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify({ metadata: { name: 'a' }, wrong: 1 })) }, never)
    return [status, headers['warning'], await text(body)]
  },
}

const withoutUids = (value: unknown): string => JSON.stringify(value).replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID').replaceAll(/"continue(Token)?":"[^"]+"/g, '"continue":"TOKEN"')
  .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')

const played = async (transport: string, one: Case): Promise<string> => {
  await using server = await startListeningServer()
  await server.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'shop' } } })
  const line = transports[transport]?.(server) ?? expect.unreachable()
  try {
    return withoutUids(await one(createClient(line, { userAgent: 'tester' })))
  } finally {
    if ('close' in line) (line as { close(): void }).close()
  }
}

describe.each(Object.entries(cases))('%s', (_, one) => {
  let expected: string
  beforeAll(async () => { expected = await played('HTTPS', one) })
  test.each(['in memory', 'gRPC'])('%s is as HTTPS', async (transport) => {
    expect(expected).not.toContain('ConnectionError')
    expect(await played(transport, one)).toBe(expected)
  })
})

describe('the line itself', () => {
  let server: ListeningServer
  beforeAll(async () => {
    server = await startListeningServer()
    await server.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'shop' } } })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test.each(['HTTPS', 'gRPC'])('%s: what nobody waits for any more rejects with the reason, and others go on', async (name) => {
    const client = createClient(transports[name]?.(server) ?? expect.unreachable())
    const stop = new AbortController()
    const asked = client.get(Namespaces, { name: 'shop' }, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    expect((await client.get(Namespaces, { name: 'shop' })).metadata.name).toBe('shop')
  })
  test.each(['HTTPS', 'gRPC'])('%s: a new token is told from the next call on', async (name) => {
    const clock = fakeClock()
    const token = { data: 'user:one' }
    const { clientCertificate: _certificate, clientKey: _key, ...access } = server.access
    const transport = (name === 'gRPC' ? grpcTransport : httpsTransport)({ ...access, token }, clock)
    const client = createClient(transport)
    const manager = async (): Promise<unknown> => (await client.create({ ...ConfigMaps, plural: 'wonders' }, object('x')).catch((error: StatusError) => error.code))
    expect(await manager()).toBe(404)
    token.data = 'nobody'
    await clock.advance(61_000)
    expect(await manager()).toBe(401)
    token.data = 'user:two'
    expect(await manager()).toBe(404)
    transport.close()
  })
})
