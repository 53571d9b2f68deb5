/** What is told of requests: fields and stages as upstream's reference of audit.k8s.io/v1 Event and its task page describe them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import type { AuditTrail } from '../../../src/apiserver/audit/trail.ts'
import { ExchangeOverLine } from '../../../src/apiserver/listener/exchange-over-line.ts'
import type { Line } from '../../../src/apiserver/listener/line.ts'
import { parsePolicy } from '../../../src/apiserver/audit/policy-file.ts'
import { builtInAdmission } from '../../../src/apiserver/admission/built-in.ts'
import { alwaysAllow } from '../../../src/apiserver/authorization/authorizer.ts'
import { configMap, configMaps, startTestServer, type TestServer, type TestServerOptions } from '../support.ts'
import { jsonLines } from '../../../src/apiserver/watch-framing.ts'

interface Event extends JsonObject {
  stage: string
  auditID: string
  verb: string
  responseStatus: JsonObject
  objectRef: JsonObject
  annotations: Record<string, string>
}

const jane = { name: 'jane', groups: ['system:authenticated'], uid: '7', extra: { team: ['a'] } }
const rules = `
- {level: None, nonResourceURLs: ["/readyz*"]}
- {level: Metadata, resources: [{group: "", resources: [secrets, serviceaccounts/token]}, {group: authentication.k8s.io}]}
- {level: Request, resources: [{group: "", resources: [services]}]}
- {level: Metadata, namespaces: [quiet], omitStages: [RequestReceived]}
- {level: RequestResponse, omitManagedFields: true, resources: [{group: apps}]}
- {level: RequestResponse, resources: [{group: ""}]}
- {level: Metadata}
`
const policyOf = (text: string): ReturnType<typeof parsePolicy> => parsePolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:${text}`, 'audit.yaml')

const until = async (condition: () => boolean): Promise<void> => {
  const deadline = performance.now() + 30_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it never came to that')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const startAudited = async (more: TestServerOptions = {}, text = rules): Promise<{ api: TestServer; lines: string[]; events(): Event[] }> => {
  const lines: string[] = []
  const api = await startTestServer({ ...more, audit: { policy: policyOf(text), sink: { write: (line) => { lines.push(line) }, close: () => Promise.resolve() } } })
  const events = (): Event[] => lines.map((line) => JSON.parse(line) as Event)
  return { lines, events, api: { ...api, [Symbol.asyncDispose]: api[Symbol.asyncDispose], async ask(...asked) {
    const answer = await api.ask(...asked)
    // The last event follows the answer.
    const { 'audit-id': id } = answer.headers
    if (asked[1] !== '/readyz') await until(() => events().some(({ auditID, stage }) => auditID === id && (stage === 'ResponseComplete' || stage === 'Panic')))
    return answer
  } } }
}

let audited: Awaited<ReturnType<typeof startAudited>>
let api: TestServer
beforeAll(async () => {
  audited = await startAudited({
    authorizer: { authorize: ({ verb, resource, user }) => (user.name === 'jane' && (resource === 'nodes' || (verb === 'impersonate' && resource === 'groups')) ? { verdict: 'no-opinion', reason: 'not this one' } : { verdict: 'allow', reason: 'as the test says' }) },
  })
  api = audited.api
})
afterAll(() => api[Symbol.asyncDispose]())
beforeEach(() => { audited.lines.length = 0 })
const last = (): Event => audited.events().at(-1) as Event

describe('events', () => {
  test('of a creation: both stages, every field, in the order of the reference', async () => {
    const answer = await api.ask('POST', `${configMaps}?fieldManager=x`, { user: jane, body: configMap('one', { data: { a: 'b' } }), headers: { 'user-agent': 'kubectl/v1.36', 'audit-id': 'mine', 'x-forwarded-for': '192.0.2.7, nonsense', authorization: 'Bearer hidden' } })
    expect(answer).toMatchObject({ status: 201, headers: { 'audit-id': 'mine' } })
    const [received, complete, ...others] = audited.events()
    expect(others).toEqual([])
    const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/) as string
    const common = {
      kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'RequestResponse', auditID: 'mine', requestURI: `${configMaps}?fieldManager=x`, verb: 'create',
      user: { username: 'jane', uid: '7', groups: ['system:authenticated'], extra: { team: ['a'] } }, sourceIPs: ['192.0.2.7'], userAgent: 'kubectl/v1.36', requestReceivedTimestamp: timestamp, stageTimestamp: timestamp,
    }
    expect(received).toEqual({ ...common, stage: 'RequestReceived', objectRef: { resource: 'configmaps', namespace: 'default', apiVersion: 'v1' } })
    expect(received?.['stageTimestamp']).toBe(received?.['requestReceivedTimestamp'])
    expect(complete).toEqual({
      ...common, stage: 'ResponseComplete', objectRef: { resource: 'configmaps', namespace: 'default', name: 'one', apiVersion: 'v1' }, responseStatus: { metadata: {}, code: 201 },
      requestObject: expect.objectContaining({ kind: 'ConfigMap', data: { a: 'b' } }) as JsonObject, responseObject: answer.body,
      annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': 'as the test says' },
    })
    expect(Object.keys(complete ?? {})).toEqual(['kind', 'apiVersion', 'level', 'auditID', 'stage', 'requestURI', 'verb', 'user', 'sourceIPs', 'userAgent', 'objectRef', 'responseStatus', 'requestObject', 'responseObject', 'requestReceivedTimestamp', 'stageTimestamp', 'annotations'])
    expect(audited.lines.join('')).not.toContain('hidden')
  })

  test('of a request without an ID: a new one, which the answer has too', async () => {
    const { headers } = await api.ask('GET', '/version')
    expect(last()).toMatchObject({ auditID: headers['audit-id'], level: 'Metadata', verb: 'get', requestURI: '/version' })
    expect(last()).not.toHaveProperty('objectRef')
    expect(headers['audit-id']).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('of reads: one object, lists', async () => {
    const one = await api.ask('GET', `${configMaps}/one`)
    expect(last()).toMatchObject({ verb: 'get', objectRef: { name: 'one' }, responseObject: one.body, responseStatus: { code: 200 } })
    expect(last()).not.toHaveProperty('requestObject')
    await api.ask('GET', configMaps, { headers: { accept: 'application/yaml' } })
    expect(last()).toMatchObject({ verb: 'list', responseObject: { kind: 'ConfigMapList' } })
  })

  test('of patches and updates', async () => {
    await api.ask('PATCH', `${configMaps}/one`, { body: '{\n  "data": { "a": "c" }\n}', headers: { 'content-type': 'application/merge-patch+json' } })
    expect(last()).toMatchObject({ verb: 'patch', requestObject: { data: { a: 'c' } }, responseObject: { data: { a: 'c' } } })
    await api.ask('PATCH', `${configMaps}/one?fieldManager=me`, { body: 'apiVersion: v1\nkind: ConfigMap\ndata: {z: x}\n', headers: { 'content-type': 'application/apply-patch+yaml' } })
    expect(last()).toMatchObject({ verb: 'patch', requestObject: { data: { z: 'x' } }, responseStatus: { code: 200 } })
    await api.ask('PUT', `${configMaps}/one`, { body: configMap('one', { data: { e: 'f' } }) })
    expect(last()).toMatchObject({ verb: 'update', requestObject: { data: { e: 'f' } } })
  })

  test('of deletions: the options as they were sent, and the Status', async () => {
    await api.ask('DELETE', `${configMaps}/one`, { body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' } })
    expect(last()).toMatchObject({ verb: 'delete', requestObject: { propagationPolicy: 'Background' }, responseStatus: { metadata: {}, status: 'Success', code: 200, details: { name: 'one' } } })
  })

  test('of watches: also when they begin', async () => {
    const stop = new AbortController()
    const watching = api.watch(`${configMaps}?watch=true`, stop.signal)
    const first = watching.next().catch(() => undefined)
    await until(() => audited.lines.length === 2)
    stop.abort()
    await first
    await until(() => audited.lines.length === 3)
    expect(audited.events().map(({ stage, verb }) => [stage, verb])).toEqual([['RequestReceived', 'watch'], ['ResponseStarted', 'watch'], ['ResponseComplete', 'watch']])
    expect(last().responseStatus).toEqual({ metadata: {}, code: 200 })
  })

  test('of what fails', async () => {
    await api.ask('GET', `${configMaps}/none`)
    expect(last()).toMatchObject({ stage: 'ResponseComplete', responseStatus: { metadata: {}, status: 'Failure', reason: 'NotFound', code: 404, message: 'configmaps "none" not found', details: { name: 'none', kind: 'configmaps' } }, responseObject: { kind: 'Status', code: 404 } })
  })

  test('of what is forbidden', async () => {
    await api.ask('GET', '/api/v1/nodes', { user: jane })
    expect(last()).toMatchObject({ responseStatus: { status: 'Failure', reason: 'Forbidden', code: 403 }, annotations: { 'authorization.k8s.io/decision': 'forbid', 'authorization.k8s.io/reason': 'not this one' } })
  })

  test('of impersonation: who asks and who acts; and of what is not granted', async () => {
    await api.ask('GET', configMaps, { user: jane, headers: { 'impersonate-user': 'root' } })
    expect(last()).toMatchObject({ user: { username: 'jane' }, impersonatedUser: { username: 'root', groups: ['system:authenticated'] } })
    await api.ask('GET', configMaps, { user: jane, headers: { 'impersonate-user': 'root', 'impersonate-group': 'masters' } })
    expect(last()).toMatchObject({ user: { username: 'jane' }, responseStatus: { code: 403 } })
    expect(last()).not.toHaveProperty('impersonatedUser')
  })

  test('omitted stages', async () => {
    await api.ask('GET', '/api/v1/namespaces/quiet/configmaps')
    expect(audited.events().map(({ stage }) => stage)).toEqual(['ResponseComplete'])
  })

  test('nothing at level None, but the ID', async () => {
    expect((await api.ask('GET', '/readyz')).headers['audit-id']).toBeDefined()
    expect(audited.lines).toEqual([])
  })
})

describe('bodies', () => {
  test('only at the levels that ask for them: a Secret, a token and a review stay out', async () => {
    await api.ask('POST', '/api/v1/namespaces/default/secrets', { body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { password: 'planted-password' } } })
    expect(last()).toMatchObject({ level: 'Metadata', objectRef: { resource: 'secrets', name: 's' }, responseStatus: { code: 201 } })
    await api.ask('GET', '/api/v1/namespaces/default/secrets')
    await api.ask('PATCH', '/api/v1/namespaces/default/secrets/s', { body: { stringData: { password: 'planted-password' } }, headers: { 'content-type': 'application/merge-patch+json', authorization: 'Bearer planted-password' } })
    await api.ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'planted-password' } } })
    expect(audited.lines.length).toBe(8)
    expect(audited.lines.join('')).not.toMatch(/planted|cGxhbnRlZ|requestObject|responseObject/)
  })

  test('Request: what is asked, with defaults, not what is answered', async () => {
    await api.ask('POST', '/api/v1/namespaces/default/services', { body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } } })
    expect(last()).toMatchObject({ level: 'Request', requestObject: { spec: { ports: [{ port: 80, protocol: 'TCP' }] } } })
    expect(last()).not.toHaveProperty('responseObject')
  })

  test('omitManagedFields', async () => {
    const deployments = '/apis/apps/v1/namespaces/default/deployments'
    const spec = { selector: { matchLabels: { app: 'a' } }, template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'main', image: 'host' }] } } }
    const answer = await api.ask('POST', deployments, { body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, spec } })
    expect(answer.body.metadata).toHaveProperty('managedFields')
    expect(last()).toMatchObject({ responseObject: { kind: 'Deployment', metadata: { name: 'a' } } })
    for (const accept of ['application/json', 'application/json;as=Table;v=v1;g=meta.k8s.io']) await api.ask('GET', deployments, { headers: { accept } })
    expect(last()).toMatchObject({ responseObject: { kind: 'Table' } })
    expect(audited.lines.join('')).not.toContain('managedFields')
  })
})

test('what breaks inside: Panic', async () => {
  const broken = await startAudited({ admission: [{ name: 'Test', mutate: () => { throw new TypeError('oops') } }] })
  await broken.api.ask('POST', configMaps, { body: configMap('a') })
  expect(broken.events().map(({ stage }) => stage)).toEqual(['RequestReceived', 'Panic'])
  expect(broken.events().at(-1)).toMatchObject({ responseStatus: { status: 'Failure', reason: 'InternalError', code: 500, message: "APIServer panic'd: oops" } })
  await broken.api[Symbol.asyncDispose]()
})

test('what the world breaks is no panic', async () => {
  const broken = await startAudited({ admission: [{ name: 'Test', mutate: () => { throw new Error('connect ECONNREFUSED') } }] })
  await broken.api.ask('POST', configMaps, { body: configMap('a') })
  expect(broken.events().at(-1)).toMatchObject({ stage: 'ResponseComplete', responseStatus: { status: 'Failure', reason: 'InternalError', code: 500 } })
  await broken.api[Symbol.asyncDispose]()
})

test('conversations begin with 101', () => {
  const codes: number[] = []
  const socket = { socket: 'of the client' } as unknown as ReturnType<NonNullable<Line['upgrade']>['take']>
  const exchange = new ExchangeOverLine({ method: 'GET', target: '/', headers: {}, peer: { address: '' }, upgrade: { protocol: 'websocket', take: () => socket } } as unknown as Line)
  exchange.audit = { started: (code: number) => { codes.push(code) } } as unknown as AuditTrail
  expect([exchange.upgrade?.protocol, codes]).toEqual(['websocket', []])
  expect([exchange.upgrade?.take(), codes]).toEqual([socket, [101]])
})

test('tokens in addresses are not told', async () => {
  const { api: server, events, lines } = await startAudited()
  await server.ask('GET', `${configMaps}?limit=5&access_token=planted&token=planted`)
  expect(events().at(-1)?.['requestURI']).toBe(`${configMaps}?limit=5&access_token=REDACTED&token=REDACTED`)
  expect(lines.join('')).not.toContain('planted')
  await server[Symbol.asyncDispose]()
})

test('who is not known: how they tried, and nothing of what they sent', async () => {
  const strict = await startAudited()
  const ask = (headers: Record<string, string>): Promise<void> => strict.api.server.handle({
    method: 'GET', rawPath: '/api/v1/pods', rawQuery: '', query: new URLSearchParams(), headers, peer: { address: '192.0.2.1' }, signal: new AbortController().signal, upgrade: undefined, watchFraming: jsonLines, responded: false, status: 0,
    body: () => Promise.resolve(new Uint8Array()), bodyStream: () => { throw new Error('no body') }, addHeader: () => undefined, respond: () => undefined, stream: () => { throw new Error('no stream') }, breakOff: () => undefined,
  })
  await ask({})
  await ask({ authorization: 'Bearer planted' })
  expect(strict.events().map(({ stage, responseStatus: { code, message } }) => [stage, code, message])).toEqual([
    ['ResponseStarted', 401, 'Authentication failed, no credentials provided'], ['ResponseStarted', 401, 'Authentication failed, attempted: bearer']])
  expect(strict.events()[0]).toMatchObject({ user: {}, sourceIPs: ['192.0.2.1'] })
  expect(strict.lines.join('')).not.toContain('planted')
  await strict.api[Symbol.asyncDispose]()
})

test('a ValidatingAdmissionPolicy annotates: what failed (Audit), and what it wants told', async () => {
  const policies = await startAudited({
    admission: (parts) => builtInAdmission({ ...parts, authorizer: alwaysAllow, organizationsOf: () => Promise.resolve([]) }),
    bootstrap: { advertise: { addresses: ['192.0.2.1'], port: 6443 }, serviceIP: '10.96.0.1' },
  })
  const base = '/apis/admissionregistration.k8s.io/v1'
  const apiVersion = 'admissionregistration.k8s.io/v1'
  const ask = async (path: string, body: JsonObject): Promise<void> => { expect((await policies.api.ask('POST', path, { body })).status).toBe(201) }
  await until(() => policies.api.server.lookup.get({ group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false } as never, 'default') !== undefined)
  await ask(`${base}/validatingadmissionpolicies`, { apiVersion, kind: 'ValidatingAdmissionPolicy', metadata: { name: 'few' }, spec: {
    matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }] },
    validations: [{ expression: "object.metadata.name != 'bad'", message: 'a bad name' }], auditAnnotations: [{ key: 'name', valueExpression: "'name ' + object.metadata.name" }],
  } })
  await ask(`${base}/validatingadmissionpolicybindings`, { apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: 'few' }, spec: { policyName: 'few', validationActions: ['Audit'] } })
  await ask(configMaps, configMap('bad'))
  const event = policies.events().findLast(({ verb, stage, objectRef }) => verb === 'create' && stage === 'ResponseComplete' && objectRef['name'] === 'bad')
  expect(event?.annotations['few/name']).toBe('name bad')
  expect(JSON.parse(event?.annotations['validation.policy.admission.k8s.io/validation_failure'] ?? '')).toEqual([
    { message: 'a bad name', policy: 'few', binding: 'few', expressionIndex: 0, validationActions: ['Audit'] }])
  await policies.api[Symbol.asyncDispose]()
})
