import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kind, ServiceAccounts } from '../../src/api/kinds.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import type { VirtualResource } from '../../src/apiserver/extension.ts'
import type { ConnectHandler, ConnectRequest } from '../../src/apiserver/streaming/connect-handler.ts'
import { admin, startTestServer, type TestServer } from './support.ts'

interface Review extends KubeObject { spec: { user: string }; status: { allowed: boolean } }
const Reviews = kind<Review>({ group: 'authorization.k8s.io', version: 'v1', kind: 'SubjectAccessReview', plural: 'subjectaccessreviews', namespaced: false, verbs: ['create'] })
const reviews: VirtualResource<Review> = { kind: Reviews, create: (review, { user }) => ({ ...review, status: { allowed: user.name === review.spec.user } }) }

interface Metrics extends KubeObject { usage: { cpu: string } }
const NodeMetrics = kind<Metrics>({ group: 'metrics.k8s.io', version: 'v1beta1', kind: 'NodeMetrics', plural: 'nodes', namespaced: false, verbs: ['get', 'list'] })
const measured = (name: string): Metrics => ({ kind: 'NodeMetrics', apiVersion: 'metrics.k8s.io/v1beta1', metadata: { name, uid: '', resourceVersion: '', creationTimestamp: '2026-01-01T00:00:00Z', labels: { name } }, usage: { cpu: '1' } })
const metrics: VirtualResource<Metrics> = { kind: NodeMetrics, get: ({ name }) => (name === 'node-1' ? measured(name) : undefined), list: () => ['node-1', 'node-2'].map(measured) }

const seen: ConnectRequest[] = []
const proxy: ConnectHandler = {
  resource: 'services', subresource: 'proxy', methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], needsParent: false, optionsKind: 'ServiceProxyOptions', options: ({ tail }) => ({ path: tail }),
  connect(request) {
    seen.push(request)
    request.exchange.respond(200, { 'content-type': 'text/plain' }, Buffer.from(`${request.exchange.method} ${request.tail}`))
    return Promise.resolve()
  },
}
const log: ConnectHandler = { resource: 'pods', subresource: 'log', methods: ['GET'], needsParent: true, connect: async ({ exchange }) => {
  const writer = exchange.stream(200, { 'content-type': 'text/plain' })
  for (const line of ['one\n', 'two\n']) writer.write(Buffer.from(line))
  writer.end()
} }

let api: TestServer
const admitted: string[] = []
beforeAll(async () => {
  api = await startTestServer({
    virtualResources: [reviews as unknown as VirtualResource, metrics as unknown as VirtualResource], connectHandlers: [proxy, log],
    subresources: [{ kind: ServiceAccounts, subresource: 'token', body: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', schema: 'AuthenticationTokenRequest' },
      create: (body, parent) => ({ ...body, status: { token: `for ${parent.metadata.name}` } }) }],
    paths: [{ path: '/openapi/v3', prefix: true, listed: true, handle: (exchange, { path }) => exchange.respond(200, { 'content-type': 'application/json' }, Buffer.from(JSON.stringify({ path }))) }],
    delegate: { serves: (group) => group === 'example.com', handle: (exchange, { path }) => { exchange.respond(200, {}, Buffer.from(`elsewhere: ${path}`)); return Promise.resolve() } },
    admission: [{ name: 'Test', handles: ({ operation }) => operation === 'CONNECT', validate: ({ subresource, object }) => { admitted.push(`${subresource} ${JSON.stringify(object)}`) } }],
  })
  await api.ask('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } } })
  await api.ask('POST', '/api/v1/namespaces/default/pods', { body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'host' }] } } })
})
afterAll(() => api[Symbol.asyncDispose]())

describe('reviews', () => {
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews'
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: 'admin' } }
  test('answer what they are sent', async () => expect(await api.ask('POST', path, { body, user: admin })).toMatchObject({ status: 201, body: { kind: 'SubjectAccessReview', status: { allowed: true } } }))
  test('are no tables: 406', async () => expect((await api.ask('POST', path, { body, headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } })).status).toBe(406))
  test('cannot be listed', async () => expect((await api.ask('GET', path)).status).toBe(405))
})

describe('computed objects', () => {
  const path = '/apis/metrics.k8s.io/v1beta1/nodes'
  test('are listed and selected', async () => {
    expect((await api.ask('GET', path)).body).toMatchObject({ kind: 'NodeMetricsList', items: [{ metadata: { name: 'node-1' } }, { usage: { cpu: '1' } }] })
    expect((await api.ask('GET', `${path}?labelSelector=name%3Dnode-2`)).body.items).toHaveLength(1)
  })
  test('are read, or not found', async () => {
    expect((await api.ask('GET', `${path}/node-1`)).body).toMatchObject({ kind: 'NodeMetrics', metadata: { name: 'node-1' } })
    expect((await api.ask('GET', `${path}/node-9`)).body.message).toBe('nodes.metrics.k8s.io "node-9" not found')
  })
  test('are discovered', async () => expect((await api.ask('GET', '/apis/metrics.k8s.io/v1beta1')).body['resources']).toMatchObject([{ name: 'nodes', kind: 'NodeMetrics', verbs: ['get', 'list'] }]))
})

test('a token is made for a service account that exists', async () => {
  const path = '/api/v1/namespaces/default/serviceaccounts'
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } }
  expect(await api.ask('POST', `${path}/robot/token`, { body })).toMatchObject({ status: 201, body: { kind: 'TokenRequest', status: { token: 'for robot' } } })
  expect((await api.ask('POST', `${path}/nobody/token`, { body })).status).toBe(404)
})

describe('conversations', () => {
  test('get the rest of the path, and admission sees them', async () => {
    expect((await api.ask('PUT', '/api/v1/namespaces/default/services/https:web:443/proxy/a/b%2Fc?x=1', { body: {} })).text).toBe('PUT /a/b%2Fc')
    expect(seen.at(-1)).toMatchObject({ info: { name: 'https:web:443', namespace: 'default' }, user: admin, parent: undefined })
    expect(admitted).toContain('proxy {"path":"/a/b%2Fc"}')
  })
  test('are discovered', async () => {
    const { body } = await api.ask('GET', '/api/v1')
    expect(body['resources']).toContainEqual({ name: 'services/proxy', singularName: '', namespaced: true, kind: 'ServiceProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] })
  })
  test('stream', async () => expect((await api.ask('GET', '/api/v1/namespaces/default/pods/p/log')).text).toBe('one\ntwo\n'))
  test('need their parent where they say so', async () => expect((await api.ask('GET', '/api/v1/namespaces/default/pods/none/log')).body.message).toBe('pods "none" not found'))
  test('refuse other methods', async () => expect((await api.ask('POST', '/api/v1/namespaces/default/pods/p/log', { body: {} })).status).toBe(405))
})

test('other paths', async () => {
  expect((await api.ask('GET', '/openapi/v3/apis/apps/v1')).body).toEqual({ path: '/openapi/v3/apis/apps/v1' })
  expect((await api.ask('GET', '/')).body['paths']).toContain('/openapi/v3')
})

test('a group version that another server serves is handed over', async () => {
  expect((await api.ask('GET', '/apis/example.com/v1/things')).text).toBe('elsewhere: /apis/example.com/v1/things')
  expect((await api.ask('GET', '/apis/example.com/v1')).text).toBe('elsewhere: /apis/example.com/v1')
})

test('a kind can come and go while the server runs', async () => {
  const Things = kind({ group: 'things.example', version: 'v1', kind: 'Thing', plural: 'things', schema: 'ConfigMap' })
  const path = '/apis/things.example/v1/namespaces/default/things'
  expect((await api.ask('GET', path)).status).toBe(404)
  await api.server.addKind({ kind: Things })
  expect((await api.ask('POST', path, { body: { apiVersion: 'things.example/v1', kind: 'Thing', metadata: { name: 't' } } })).status).toBe(201)
  expect((await api.ask('GET', '/apis')).text).toContain('things.example/v1')
  api.server.removeKind(Things)
  expect((await api.ask('GET', path)).status).toBe(404)
  await api.server.addKind({ kind: Things })
  expect((await api.ask('GET', path)).body.items).toHaveLength(1)
})
