import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { unauthorized } from '../../src/api/status.ts'
import type { AdmissionPlugin } from '../../src/apiserver/admission/plugin.ts'
import { fakeClock, settle } from '../support/fake-clock.ts'
import { admin, configMap, configMaps, startTestServer, type TestServer } from './support.ts'
import { jsonLines } from '../../src/apiserver/watch-framing.ts'

describe('who may', () => {
  let api: TestServer
  const jane = { name: 'jane', groups: [] }
  beforeAll(async () => {
    api = await startTestServer({ authorizer: { authorize: ({ user }) => (user.name === 'jane' ? { verdict: 'no-opinion', reason: '' } : { verdict: 'allow', reason: '' }) } })
  })
  afterAll(() => api[Symbol.asyncDispose]())

  for (const [method, path, message] of [
    ['GET', '/api/v1/namespaces/default/pods', 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"'],
    ['DELETE', '/apis/apps/v1/namespaces/a/deployments/web', 'deployments.apps "web" is forbidden: User "jane" cannot delete resource "deployments" in API group "apps" in the namespace "a"'],
    ['GET', '/api/v1/nodes', 'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope'],
    ['PUT', '/api/v1/namespaces/a/pods/b/status', 'pods "b" is forbidden: User "jane" cannot update resource "pods/status" in API group "" in the namespace "a"'],
    ['GET', '/metrics', 'forbidden: User "jane" cannot get path "/metrics"'],
  ] as const) test(`${method} ${path}`, async () => expect((await api.ask(method, path, { user: jane })).body).toMatchObject({ kind: 'Status', code: 403, reason: 'Forbidden', message }))
})

test('without credentials: 401', async () => {
  await using api = await startTestServer({ authenticator: { authenticate: ({ headers }) => { if (headers['authorization']) throw unauthorized(); return undefined } } })
  for (const headers of [{}, { authorization: 'Bearer x' }]) {
    const answer = await new Promise<{ status: number; body: string }>((resolve) => {
      const answered = { status: 0, responded: false }
      void api.server.handle({ method: 'GET', rawPath: '/api/v1/pods', rawQuery: '', query: new URLSearchParams(), headers, peer: { address: '192.0.2.1' }, signal: new AbortController().signal, upgrade: undefined, watchFraming: jsonLines,
        get responded() { return answered.responded }, get status() { return answered.status }, body: () => Promise.resolve(new Uint8Array()), bodyStream: () => { throw new Error('no body') }, addHeader: () => undefined,
        respond: (status, _headers, body) => resolve({ status, body: Buffer.from(body).toString() }), stream: () => { throw new Error('no stream') }, breakOff: () => undefined })
    })
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([401, { kind: 'Status', reason: 'Unauthorized', message: 'Unauthorized' }])
  }
})

const plugin = (mutate: NonNullable<AdmissionPlugin['mutate']>): AdmissionPlugin => ({ name: 'Test', mutate })

test('what takes too long: 504, as soon as the client wants', async () => {
  const clock = fakeClock()
  await using api = await startTestServer({ clock, admission: [plugin(() => new Promise(() => undefined))] })
  const slow = api.ask('POST', configMaps, { body: configMap('a') })
  const impatient = api.ask('POST', `${configMaps}?timeout=5s`, { body: configMap('b') })
  await clock.advance(6000)
  expect((await impatient).body).toMatchObject({ code: 504, reason: 'Timeout' })
  await clock.advance(60_000)
  expect((await slow).status).toBe(504)
})

test('too much at a time: 429 with Retry-After; watches and masters are exempt', async () => {
  const { promise: blocked, resolve: release } = Promise.withResolvers<void>()
  await using api = await startTestServer({ inFlightLimits: { mutating: 1, readOnly: 1 }, admission: [plugin(() => blocked)] })
  const user = { name: 'jane', groups: [] }
  const first = api.ask('POST', configMaps, { body: configMap('a'), user })
  await settle()
  const refused = await api.ask('POST', configMaps, { body: configMap('b'), user })
  expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '1' }, body: { reason: 'TooManyRequests', message: 'Too many requests, please try again later.' } })
  expect((await api.ask('GET', configMaps, { user })).status).toBe(200)
  const second = api.ask('POST', configMaps, { body: configMap('c'), user: admin })
  release()
  expect([(await first).status, (await second).status]).toEqual([201, 201])
})

test('what breaks inside: 500 as a Status', async () => {
  await using api = await startTestServer({ admission: [plugin(() => { throw new TypeError('oops') })] })
  expect((await api.ask('POST', configMaps, { body: configMap('a') })).body).toMatchObject({ kind: 'Status', code: 500, reason: 'InternalError', message: 'Internal error occurred: oops' })
})

test('what breaks in the middle of a stream ends it, so that the client notices', async () => {
  await using api = await startTestServer({ connectHandlers: [{ resource: 'pods', subresource: 'log', methods: ['GET'], needsParent: false, connect: ({ exchange }) => {
    exchange.stream(200, {}).write(Buffer.from('half'))
    throw new Error('oops')
  } }] })
  await expect(api.ask('GET', '/api/v1/namespaces/default/pods/p/log')).rejects.toThrow('the server ended the response in the middle')
})

describe('what is no request of ours', () => {
  let api: TestServer
  beforeAll(async () => { api = await startTestServer() })
  afterAll(() => api[Symbol.asyncDispose]())
  for (const [method, path, status] of [
    ['GET', '/api/v1/none', 404], ['GET', '/apis/apps/v9/none', 404], ['GET', '/api/v9', 404], ['POST', '/version', 405], ['POST', `${configMaps}/a`, 405], ['PUT', configMaps, 405], ['PATCH', configMaps, 405], ['POST', '/api/v1/configmaps', 405],
    ['GET', '/api/v1/configmaps/a', 404], ['GET', `${configMaps}/a/none`, 404], ['GET', `${configMaps}/a/b/c`, 404], ['DELETE', '/api/v1/namespaces/default/pods/a/binding', 405], ['GET', '/api/v1/namespaces/default/pods/a/log', 404],
    ['GET', '/api/v1/namespaces/default/nodes/a', 404], ['GET', '/api/v1/namespaces/default/configmaps/..', 404], ['GET', '/api/v1/namespaces/default/configmaps/%2e%2e%2fsecrets', 404], ['GET', '/api/v1/%ff', 400],
  ] as const) test(`${method} ${path}: ${status}`, async () => {
    const answer = await api.ask(method, path, method === 'GET' || method === 'DELETE' ? {} : { body: {}, headers: method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {} })
    expect([answer.status, answer.body['kind']]).toEqual([status, 'Status'])
  })

  // Where no part of it answers at all: apimachinery's notfoundhandler, which is Go's http.NotFound.
  for (const path of ['/none', '/healthz/none', '/metrics/none', '/apis/none.example.com', '/apis/none.example.com/v1', '/apis/none.example.com/v1/nones', '/apis//v1/pods']) test(`GET ${path}: 404 in plain text`, async () => {
    const { status, headers, text } = await api.ask('GET', path)
    expect([status, headers['content-type'], headers['x-content-type-options'], text]).toEqual([404, 'text/plain; charset=utf-8', 'nosniff', '404 page not found\n'])
  })

  test('bodies beyond 3 MiB: 413', async () => expect((await api.ask('POST', configMaps, { body: configMap('big', { data: { big: 'x'.repeat(3 * 1024 * 1024) } }) })).body).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' }))
  test('large answers are compressed for those who want it', async () => {
    for (const name of ['z1', 'z2']) await api.ask('POST', configMaps, { body: configMap(name, { data: { big: 'x'.repeat(100_000) } }) })
    expect((await api.ask('GET', configMaps, { headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding']).toBe('gzip')
    expect((await api.ask('GET', `${configMaps}/z1`, { headers: { 'accept-encoding': 'gzip' } })).headers).not.toHaveProperty('content-encoding')
  })
})
