/** Expectations: the conformance description "aggregator-supports-the-sample-apiserver", kube-aggregator's handler_proxy_test.go and remote_available_controller_test.go. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { otherTypes } from '../../../src/apiserver/aggregation/other-types.ts'
import { openapi } from '../../../src/apiserver/openapi/openapi.ts'
import { withRemoteDefinitions } from '../../../src/apiserver/openapi/remote-definitions.ts'
import { kindOf } from '../../../src/apiserver/resource-table.ts'
import { newCertificate, newCertificateAuthority, validFor } from '../../../src/client/pki.ts'
import { hasOracle, oracle } from '../../support/oracle.ts'
import { startTestServer, type TestServer } from '../support.ts'
import { type Behaviour, startWebhookServer, type WebhookServer } from '../webhook-server.ts'

const group = 'wardle.example.com'
const at = `/apis/${group}/v1alpha1`
const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices'
const resourceList = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${group}/v1alpha1`, resources: [
  { name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['create', 'get', 'list'], shortNames: ['fl'] }, { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get', 'update'] },
] }
const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

let sample: WebhookServer
let api: TestServer
const flunder = { type: 'object', properties: { spec: { $ref: '#/definitions/com.example.FlunderSpec' } }, 'x-kubernetes-group-version-kind': [{ group, version: 'v1alpha1', kind: 'Flunder' }] }
const documents: Record<string, JsonObject> = {
  [at]: resourceList,
  '/openapi/v3': { paths: { [at.slice(1)]: { serverRelativeURL: `/openapi/v3${at}?hash=ABC` }, 'apis/other/v1': { serverRelativeURL: '/openapi/v3/apis/other/v1?hash=D' } } },
  [`/openapi/v3${at}`]: { openapi: '3.0.0', paths: {}, components: {} },
  '/openapi/v2': { swagger: '2.0', definitions: { 'com.example.Flunder': flunder, 'com.example.FlunderSpec': { type: 'object' }, 'com.example.Unused': { type: 'string' } } },
}
const usual: Behaviour = ({ path }) => (documents[path.split('?')[0] ?? ''] ?? { kind: 'Flunder', apiVersion: `${group}/v1alpha1`, metadata: { name: 'one' } })

/** Waits for the condition that the server itself keeps. */
const available = async (name: string, wanted: (condition: JsonObject) => boolean): Promise<JsonObject> => {
  const stop = AbortSignal.timeout(20_000)
  for await (const { object } of api.watch(`${apiServices}?watch=true&fieldSelector=metadata.name=${name}`, stop)) {
    const [condition] = ((object['status'] as JsonObject)['conditions'] ?? []) as JsonObject[]
    if (condition && wanted(condition)) return condition
  }
  throw new Error(`${name} did not become so`)
}
const reasonIs = (reason: string) => (condition: JsonObject): boolean => condition['reason'] === reason
const register = (more: JsonObject = {}, version = 'v1alpha1'): ReturnType<TestServer['ask']> => api.ask('POST', apiServices, { body: {
  apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: `${version}.${group}` },
  spec: { group, version, groupPriorityMinimum: 2000, versionPriority: 200, service: { namespace: 'default', name: 'sample' }, caBundle: sample.caBundle, ...more },
} })
const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'sample' }, spec: { clusterIP: '10.96.7.7', ports: [{ port: 443, targetPort: 8443 }] } }
const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'sample-1', labels: { 'kubernetes.io/service-name': 'sample' } }, addressType: 'IPv4', endpoints: [{ addresses: ['10.244.0.9'] }], ports: [{ name: '', port: 8443 }] }
const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'

const onUpgrade = (request: IncomingMessage, socket: Duplex): void => {
  if (request.url?.includes('refuse')) {
    socket.write('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno')
    return
  }
  socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n')
  socket.pipe(socket)
}

beforeAll(async () => {
  const validity = validFor(1, new Date())
  const frontCa = await newCertificateAuthority({ commonName: 'front-proxy-ca', validity })
  const frontProxy = await newCertificate(frontCa, { subject: { commonName: 'front-proxy-client' }, usages: ['client auth'], validity })
  sample = await startWebhookServer(usual, { names: ['sample.default.svc'], addresses: [], clientCa: frontCa.certificate, onUpgrade })
  api = await startTestServer({ aggregation: { frontProxy, resolve: () => ({ host: '127.0.0.1', port: sample.port }) }, bootstrap: { advertise: { addresses: ['192.0.2.1'], port: 6443 }, serviceIP: '10.96.0.1' },
    paths: openapi({ kinds: () => [...api.server.resources.all()].map(kindOf), others: () => api.server.aggregation && otherTypes(api.server.aggregation) }) })
  while ((await api.ask('GET', '/readyz')).status !== 200) await new Promise((resolve) => { setImmediate(resolve) })
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  await sample[Symbol.asyncDispose]()
})

describe('group versions of this server', () => {
  test('are registered as local, and available', async () => {
    const { body } = await api.ask('GET', `${apiServices}/v1.apps`)
    expect(body).toMatchObject({
      metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } }, spec: { group: 'apps', version: 'v1', groupPriorityMinimum: 17_800, versionPriority: 15 },
      status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available' }] },
    })
    expect((await api.ask('GET', `${apiServices}/v1.`)).body['spec']).toEqual({ version: 'v1', groupPriorityMinimum: 18_000, versionPriority: 1 })
    expect((await api.ask('GET', `${apiServices}/v1.apiregistration.k8s.io`)).status).toBe(404)
  })

  test.skipIf(!hasOracle)('stand in upstream\'s order', async () => {
    const expected = oracle<{ groups: { name: string }[] }>('discovery/apis.json')
    const { body } = await api.ask('GET', '/apis')
    const names = (body['groups'] as { name: string }[]).map(({ name }) => name)
    expect(names).toEqual(expected.groups.map(({ name }) => name).filter((name) => names.includes(name)))
  })
})

describe('a server behind', () => {
  test('becomes available as its Service, endpoints and discovery do, and is shown in discovery', async () => {
    expect((await register()).status).toBe(201)
    const name = `v1alpha1.${group}`
    expect(await available(name, reasonIs('ServiceNotFound'))).toMatchObject({ status: 'False', message: 'service/sample in "default" is not present' })
    const refused = await api.ask('GET', `${at}/namespaces/default/flunders`)
    expect([refused.status, refused.text]).toEqual([503, 'service unavailable\n'])
    await api.ask('POST', '/api/v1/namespaces/default/services', { body: { ...service, spec: { ...service.spec, ports: [{ port: 80 }] } } })
    expect(await available(name, reasonIs('ServicePortError'))).toMatchObject({ message: 'service/sample in "default" is not listening on port 443' })
    await api.ask('PATCH', '/api/v1/namespaces/default/services/sample', { body: { spec: { ports: service.spec.ports } }, headers: { 'content-type': 'application/merge-patch+json' } })
    expect(await available(name, reasonIs('EndpointsNotFound'))).toMatchObject({ message: 'cannot find endpointslices for service/sample in "default"' })
    sample.behave = (_request, response) => { response.writeHead(404).end(); return undefined }
    await api.ask('POST', slices, { body: { ...slice, endpoints: [] } })
    expect(await available(name, reasonIs('MissingEndpoints'))).toMatchObject({ message: 'endpointslices for service/sample in "default" have no addresses with port name ""' })
    await api.ask('PUT', `${slices}/sample-1`, { body: slice })
    const url = `https://127.0.0.1:${sample.port}${at}`
    expect(await available(name, reasonIs('FailedDiscoveryCheck'))).toMatchObject({ message: `failing or missing response from ${url}: bad status from ${url}: 404` })
    sample.behave = usual
    expect(await available(name, reasonIs('Passed'))).toMatchObject({ status: 'True', message: 'all checks passed' })
    expect(sample.seen.at(-1)).toMatchObject({ path: at, headers: { 'x-remote-user': 'system:kube-aggregator', 'x-remote-group': 'system:masters' }, clientName: 'front-proxy-client' })
  })

  test('is shown in discovery, both forms', async () => {
    const groups = (await api.ask('GET', '/apis')).body['groups'] as { name: string }[]
    expect(groups.at(-1)).toEqual({ name: group, versions: [{ groupVersion: `${group}/v1alpha1`, version: 'v1alpha1' }], preferredVersion: { groupVersion: `${group}/v1alpha1`, version: 'v1alpha1' } })
    expect((await api.ask('GET', `/apis/${group}`)).body).toMatchObject({ kind: 'APIGroup', apiVersion: 'v1', name: group })
    const aggregated = JSON.parse((await api.ask('GET', '/apis', { headers: { accept: aggregatedType } })).text) as { items: { metadata: { name: string }; versions: unknown[] }[] }
    expect(aggregated.items.find(({ metadata }) => metadata.name === group)?.versions).toEqual([{ version: 'v1alpha1', freshness: 'Current', resources: [
      { resource: 'flunders', responseKind: { group, version: 'v1alpha1', kind: 'Flunder' }, scope: 'Namespaced', singularResource: 'flunder', verbs: ['create', 'get', 'list'], shortNames: ['fl'],
        subresources: [{ subresource: 'status', responseKind: { group, version: 'v1alpha1', kind: 'Flunder' }, verbs: ['get', 'update'] }] },
    ] }])
    expect((await api.ask('GET', at)).body).toEqual(resourceList)
  })
})

describe('types of a server behind', () => {
  const get = async (path: string): Promise<JsonObject> => JSON.parse((await api.ask('GET', path)).text) as JsonObject
  test('stand in OpenAPI v3, and are asked of it', async () => {
    const paths = (await get('/openapi/v3'))['paths'] as JsonObject
    expect([paths[at.slice(1)], paths['apis/other/v1']]).toEqual([{ serverRelativeURL: `/openapi/v3${at}?hash=ABC` }, undefined])
    expect(Object.keys(paths)).toContain('apis/apps/v1')
    expect(await get(`/openapi/v3${at}?hash=ABC`)).toEqual(documents[`/openapi/v3${at}`])
    expect(sample.seen.at(-1)).toMatchObject({ path: `/openapi/v3${at}?hash=ABC`, headers: { 'x-remote-user': 'admin' } })
  })

  test('stand in OpenAPI v2, with what they refer to', async () => {
    const definitions = (await get('/openapi/v2'))['definitions'] as JsonObject
    expect(definitions['com.example.Flunder']).toEqual(flunder)
    expect(Object.keys(definitions)).toEqual(expect.arrayContaining(['com.example.FlunderSpec', 'io.k8s.api.core.v1.Pod']))
    expect(definitions).not.toHaveProperty(['com.example.Unused'])
  })

  test('whose names mean something else here get others', () => {
    const own = { Spec: { type: 'string' }, Same: { type: 'number' } }
    const remote = { Kind: { properties: { spec: { $ref: '#/definitions/Spec' }, same: { $ref: '#/definitions/Same' } } }, Spec: { type: 'object' }, Same: { type: 'number' } }
    expect(withRemoteDefinitions(own, [remote])).toEqual({ ...own, Kind: { properties: { spec: { $ref: '#/definitions/Spec_v2' }, same: { $ref: '#/definitions/Same' } } }, Spec_v2: { type: 'object' } })
  })
})

describe('requests', () => {
  beforeEach(() => { sample.seen.length = 0; sample.behave = usual })

  test('are passed on as the user\'s, whatever he says of himself', async () => {
    const user = { name: 'jane', uid: 'u-1', groups: ['dev', 'system:authenticated'], extra: { 'example.com/Scope%': ['a', 'b'] } }
    const plain = await api.ask('POST', `${at}/namespaces/default/flunders?dryRun=All`, { user, body: { kind: 'Flunder' },
      headers: { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters', 'x-remote-extra-x': 'y', authorization: 'Bearer secret', 'x-custom': 'kept' } })
    expect([plain.status, plain.body['kind']]).toEqual([200, 'Flunder'])
    const [seen] = sample.seen
    expect(seen).toMatchObject({ method: 'POST', path: `${at}/namespaces/default/flunders?dryRun=All`, body: { kind: 'Flunder' }, clientName: 'front-proxy-client' })
    expect(seen?.headers).toMatchObject({ 'x-remote-user': 'jane', 'x-remote-uid': 'u-1', 'x-remote-group': 'dev, system:authenticated', 'x-remote-extra-example.com%2fscope%25': 'a, b', 'x-custom': 'kept' })
    expect(seen?.headers).not.toHaveProperty('authorization')
    expect(seen?.headers).not.toHaveProperty('x-remote-extra-x')
  })

  test('answers are passed back as they are', async () => {
    sample.behave = (_request, response) => { response.writeHead(409, { 'content-type': 'application/json', 'x-own': 'yes' }).end('{"kind":"Status"}'); return undefined }
    const { status, headers, text } = await api.ask('GET', `${at}/namespaces/default/flunders/one`)
    expect([status, headers['x-own'], text]).toEqual([409, 'yes', '{"kind":"Status"}'])
  })

  test('redirects are refused (S14)', async () => {
    sample.behave = (_request, response) => { response.writeHead(302, { location: 'https://169.254.169.254/' }).end(); return undefined }
    const { status, headers, text } = await api.ask('GET', `${at}/namespaces/default/flunders/one`)
    expect([status, headers['location'], text]).toEqual([502, undefined, 'the backend attempted to redirect this request, which is not permitted\n'])
  })

  test('a server that others\' authorities vouch for is not believed', async () => {
    const other = await newCertificateAuthority({ commonName: 'other', validity: validFor(1, new Date()) })
    const patch = (caBundle: string): Promise<unknown> => api.ask('PATCH', `${apiServices}/v1alpha1.${group}`, { body: { spec: { caBundle } }, headers: { 'content-type': 'application/merge-patch+json' } })
    await patch(Buffer.from(other.certificate).toString('base64'))
    const { status, text } = await api.ask('GET', `${at}/namespaces/default/flunders/one`)
    expect([status, text]).toEqual([503, 'error trying to reach service: tls: failed to verify certificate: x509: certificate signed by unknown authority\n'])
    await patch(sample.caBundle)
  })

  test('deletion of the APIService ends it', async () => {
    await api.ask('DELETE', `${apiServices}/v1alpha1.${group}`)
    expect((await api.ask('GET', at)).status).toBe(404)
    expect((await api.ask('GET', `/apis/${group}`)).status).toBe(404)
  })
})
