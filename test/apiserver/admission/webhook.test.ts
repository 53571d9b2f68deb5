/** Expectations: the conformance descriptions "Admission webhook, ..." and the documentation page "Dynamic Admission Control". */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { configMap, configMaps } from '../support.ts'
import { allow, deny, jsonPatch, onConfigMaps, startWebhookFixture, type WebhookFixture } from './webhook-fixture.ts'

let on: WebhookFixture
beforeAll(async () => { on = await startWebhookFixture() })
afterAll(() => on[Symbol.asyncDispose]())
afterEach(() => on.clear())

const create = (name: string, more: JsonObject = {}, query = ''): ReturnType<WebhookFixture['api']['ask']> => on.api.ask('POST', `${configMaps}${query}`, { body: configMap(name, more) })
const addData = (key: string) => (): JsonObject => jsonPatch({ op: 'add', path: `/data/${key}`, value: 'yes' })
const dataOf = async (name: string): Promise<unknown> => (await on.api.ask('GET', `${configMaps}/${name}`)).body['data']
const paths = (): string[] => on.reviews.map(({ path }) => path)

describe('the review', () => {
  test('of a creation, word for word', async () => {
    await on.register('validating', { v: ['/v'] })
    await on.api.ask('POST', `${configMaps}?fieldManager=tester&fieldValidation=Strict`, { body: configMap('reviewed', { data: { a: '1' } }), user: { name: 'jane', uid: 'u-1', groups: ['dev'], extra: { scopes: ['a', 'b'] } } })
    const seen = on.hook.seen.at(-1)
    expect(seen).toMatchObject({ path: '/v?timeout=10s', body: { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' } })
    const [{ request } = { request: undefined }] = on.reviews
    expect(request?.uid).toMatch(/^[0-9a-f-]{36}$/)
    expect(request).toMatchObject({
      kind: { group: '', version: 'v1', kind: 'ConfigMap' }, resource: { group: '', version: 'v1', resource: 'configmaps' }, requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
      requestResource: { group: '', version: 'v1', resource: 'configmaps' }, name: 'reviewed', namespace: 'default', operation: 'CREATE', oldObject: null, dryRun: false,
      userInfo: { username: 'jane', uid: 'u-1', groups: ['dev'], extra: { scopes: ['a', 'b'] } },
      object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'reviewed', namespace: 'default' }, data: { a: '1' } },
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'tester', fieldValidation: 'Strict' },
    })
    expect(Object.keys(request ?? {})).not.toContain('subResource')
  })

  test('of an update and of a deletion', async () => {
    await create('changed', { data: { a: '1' } })
    await on.register('validating', { v: ['/v', { rules: [onConfigMaps('UPDATE', 'DELETE')] }] })
    await on.api.ask('PATCH', `${configMaps}/changed`, { body: { data: { a: '2' } }, headers: { 'content-type': 'application/merge-patch+json' } })
    await on.api.ask('DELETE', `${configMaps}/changed`, { body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' } })
    const [update, deletion] = on.reviews.map(({ request }) => request)
    expect(update?.options).toEqual({ kind: 'PatchOptions', apiVersion: 'meta.k8s.io/v1' })
    expect(update).toMatchObject({ operation: 'UPDATE', object: { kind: 'ConfigMap', data: { a: '2' } }, oldObject: { kind: 'ConfigMap', apiVersion: 'v1', data: { a: '1' } }, options: { kind: 'PatchOptions' } })
    expect(deletion).toMatchObject({ operation: 'DELETE', name: 'changed', object: null, oldObject: { kind: 'ConfigMap', data: { a: '2' } }, options: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', propagationPolicy: 'Background' } })
  })

  test('each object of a collection that is deleted is reviewed, and can be kept', async () => {
    await create('kept', { metadata: { name: 'kept', labels: { sweep: 'yes' } } })
    await create('swept', { metadata: { name: 'swept', labels: { sweep: 'yes' } } })
    await on.register('validating', { v: ['/v', { rules: [onConfigMaps('DELETE')] }] })
    on.handlers['/v'] = ({ oldObject }) => (oldObject?.metadata['name'] === 'kept' ? deny('it stays') : allow())
    const { status, body } = await on.api.ask('DELETE', `${configMaps}?labelSelector=sweep=yes`)
    expect([status, body.message]).toEqual([400, 'admission webhook "v.example.com" denied the request: it stays'])
    expect((await on.api.ask('GET', `${configMaps}/kept`)).status).toBe(200)
  })

  test('in v1beta1, where the webhook prefers that', async () => {
    await on.register('mutating', { m: ['/m', { admissionReviewVersions: ['v1beta1', 'v1'] }] })
    on.handlers['/m'] = () => ({ ...addData('added')(), patchType: null })
    await create('beta', { data: { zero: 'yes' } })
    expect(on.hook.seen.at(-1)?.body['apiVersion']).toBe('admission.k8s.io/v1beta1')
    expect(await dataOf('beta')).toEqual({ zero: 'yes', added: 'yes' })
  })
})

describe('denials', () => {
  test.each<[string, JsonObject, number, string, string | undefined]>([
    ['with a message', { allowed: false, status: { message: 'no' } }, 400, 'admission webhook "v.example.com" denied the request: no', undefined],
    ['with a reason', { allowed: false, status: { reason: 'Busy' } }, 400, 'admission webhook "v.example.com" denied the request: Busy', 'Busy'],
    ['without words', { allowed: false }, 400, 'admission webhook "v.example.com" denied the request without explanation', undefined],
    ['with a code', { allowed: false, status: { code: 403, message: 'no', reason: 'Forbidden' } }, 403, 'admission webhook "v.example.com" denied the request: no', 'Forbidden'],
    ['with a code that is none of refusals', { allowed: false, status: { code: 200, status: 'Success' } }, 400, 'admission webhook "v.example.com" denied the request without explanation', undefined],
  ])('%s', async (_name, response, code, message, reason) => {
    await on.register('validating', { v: ['/v'] })
    on.handlers['/v'] = () => response
    const { status, body } = await create('refused')
    expect([status, body.message, body.reason, body['status'], body['code']]).toEqual([code, message, reason, 'Failure', code])
    expect((await on.api.ask('GET', `${configMaps}/refused`)).status).toBe(404)
  })

  test('all validating webhooks are asked at the same time', async () => {
    let waiting = 0
    const { promise: both, resolve } = Promise.withResolvers<void>()
    const meet = async (): Promise<JsonObject> => {
      waiting += 1
      if (waiting === 2) resolve()
      await both
      return { allowed: true }
    }
    await on.register('validating', { a: ['/a'], b: ['/b'] })
    on.handlers = { '/a': meet, '/b': meet }
    expect((await create('together')).status).toBe(201)
  })

  test('warnings reach the client, of agreement and of refusal', async () => {
    await on.register('validating', { v: ['/v'] })
    on.handlers['/v'] = () => ({ allowed: false, warnings: ['this is "old"'] })
    expect((await create('warned')).headers['warning']).toBe('299 - "this is \\"old\\""')
  })
})

describe('mutation', () => {
  test('webhooks run by name of their configurations, each sees what the ones before did', async () => {
    await on.register('mutating', { second: ['/2'], first: ['/1'] })
    on.handlers = { '/1': addData('one'), '/2': ({ object }) => (object?.['data'] as JsonObject)['one'] === 'yes' ? addData('two')() : allow() }
    await create('ordered', { data: { zero: 'yes' } })
    expect(await dataOf('ordered')).toEqual({ zero: 'yes', one: 'yes', two: 'yes' })
    expect(paths()).toEqual(['/1', '/2'])
  })

  test('defaults are applied after mutation', async () => {
    await on.register('mutating', { m: ['/m', { rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] }] })
    on.handlers['/m'] = () => jsonPatch({ op: 'add', path: '/spec/initContainers', value: [{ name: 'webhook-added-init-container', image: 'host', resources: {} }] })
    await on.api.ask('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } } })
    const { status, body } = await on.api.ask('POST', '/api/v1/namespaces/default/pods', { body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'mutated' }, spec: { containers: [{ name: 'a', image: 'host' }] } } })
    expect([status, body['spec']]).toMatchObject([201, { initContainers: [{ name: 'webhook-added-init-container', terminationMessagePolicy: 'File' }] }])
  })

  test('a webhook that is willing is asked once more when a later one changed the object', async () => {
    await on.register('mutating', { a: ['/a', { reinvocationPolicy: 'IfNeeded' }], b: ['/b'], c: ['/c'] })
    on.handlers = { '/a': ({ object }) => ((object?.['data'] as JsonObject)['b'] ? addData('seen')() : allow()), '/b': addData('b') }
    await create('again', { data: { zero: 'yes' } })
    expect(paths()).toEqual(['/a', '/b', '/c', '/a'])
    expect(await dataOf('again')).toEqual({ zero: 'yes', b: 'yes', seen: 'yes' })
  })

  test('and is not where nothing was changed after it', async () => {
    await on.register('mutating', { a: ['/a'], b: ['/b', { reinvocationPolicy: 'IfNeeded' }] })
    on.handlers = { '/a': addData('a'), '/b': () => jsonPatch({ op: 'replace', path: '/data/a', value: 'yes' }) }
    await create('once', { data: { zero: 'yes' } })
    expect(paths()).toEqual(['/a', '/b'])
  })

  test('validation sees what mutation made, with its generated name', async () => {
    await on.register('mutating', { m: ['/m'] })
    await on.register('validating', { v: ['/v'] })
    on.handlers = { '/m': addData('m') }
    const { body } = await on.api.ask('POST', configMaps, { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' }, data: { zero: 'yes' } } })
    expect(on.reviews[0]?.request.object?.metadata).not.toHaveProperty('name')
    expect(on.reviews.map(({ path, request }) => [path, request.name, (request.object?.['data'] as JsonObject)['m']])).toEqual([['/m', undefined, undefined], ['/v', body.metadata['name'], 'yes']])
  })

  test.each<[string, JsonObject, number, RegExp]>([
    ['a patch without its type', { allowed: true, patch: Buffer.from('[]').toString('base64') }, 500, /failed calling webhook "m.example.com": received invalid webhook response: webhook returned response.patch but not response.patchType$/],
    ['a type without a patch', { allowed: true, patchType: 'JSONPatch' }, 500, /received invalid webhook response: webhook returned response.patchType but not response.patch$/],
    ['another type', { allowed: true, patchType: 'Merge', patch: Buffer.from('[{"op":"add","path":"/data/x","value":"1"}]').toString('base64') }, 500, /failed calling webhook "m.example.com": unsupported patch type "Merge"$/],
    ['no patch at all', { allowed: true, patchType: 'JSONPatch', patch: Buffer.from('{nonsense').toString('base64') }, 500, /failed calling webhook "m.example.com": received undecodable patch in webhook response: invalid character 'n'/],
    ['a patch that does not apply', jsonPatch({ op: 'remove', path: '/data/none' }), 500, /^Internal error occurred: the JSON patch of admission webhook "m.example.com" does not apply/],
    ['another uid', { allowed: true, uid: 'other' }, 500, /received invalid webhook response: expected response.uid="[0-9a-f-]{36}", got "other"$/],
    ['another namespace', jsonPatch({ op: 'replace', path: '/metadata/namespace', value: 'kube-system' }), 400, /^the namespace of the provided object does not match the namespace sent on the request$/],
    ['what is not valid', jsonPatch({ op: 'add', path: '/data/a b', value: '1' }), 422, /data\[a b\]: Invalid value/],
  ])('%s', async (_name, response, code, message) => {
    await on.register('mutating', { m: ['/m'] })
    on.handlers['/m'] = () => response
    const { status, body } = await create('spoilt', { data: { zero: 'yes' } })
    expect([status, body.message]).toEqual([code, expect.stringMatching(message)])
  })

  test('a validating webhook may not patch', async () => {
    await on.register('validating', { v: ['/v'] })
    on.handlers['/v'] = () => jsonPatch({ op: 'add', path: '/data/x', value: '1' })
    expect((await create('unpatched', { data: { zero: 'yes' } })).body.message).toBe('Internal error occurred: failed calling webhook "v.example.com": received invalid webhook response: validating webhook may not return response.patch')
  })
})

describe('who is asked', () => {
  const asked = async (more: JsonObject, request: () => Promise<unknown>): Promise<number> => {
    await on.register('validating', { v: ['/v', more] })
    await request()
    return on.reviews.length
  }
  const rules = (...resources: string[]): JsonObject => ({ rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources }] })
  const status = (): Promise<unknown> => on.api.ask('PATCH', '/api/v1/namespaces/default/status', { body: { metadata: { annotations: { a: String(Math.random()) } } }, headers: { 'content-type': 'application/merge-patch+json' } })

  test.each<[string, JsonObject, () => Promise<unknown>, number]>([
    ['every resource', rules('*'), () => create('q1'), 1],
    ['every resource, but no subresource', rules('*'), status, 0],
    ['every subresource', rules('*/*'), status, 1],
    ['one subresource of all', rules('*/status'), status, 1],
    ['all subresources of one', rules('namespaces/*'), status, 1],
    ['another subresource', rules('namespaces/finalize'), status, 0],
    ['namespaced resources only', { rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], scope: 'Namespaced' }] }, () => on.api.ask('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'scoped' } } }), 0],
    ['cluster-scoped ones only', { rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], scope: 'Cluster' }] }, () => create('q2'), 0],
    ['another group', { rules: [{ operations: ['*'], apiGroups: ['apps'], apiVersions: ['*'], resources: ['*'] }] }, () => create('q3'), 0],
    ['another version', { rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['v2'], resources: ['*'] }] }, () => create('q4'), 0],
    ['objects with a label', { objectSelector: { matchLabels: { a: 'b' } } }, () => create('q5'), 0],
    ['objects with this label', { objectSelector: { matchLabels: { a: 'b' } } }, () => create('q6', { metadata: { name: 'q6', labels: { a: 'b' } } }), 1],
    ['objects that had this label', { objectSelector: { matchLabels: { a: 'b' } } }, () => on.api.ask('PUT', `${configMaps}/q6`, { body: configMap('q6') }), 1],
    ['namespaces with a label', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } }, () => create('q7'), 0],
    ['this namespace', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } }, () => create('q8'), 1],
    ['a namespace with this label, created', { ...rules('namespaces'), namespaceSelector: { matchLabels: { hooked: 'yes' } } }, () => on.api.ask('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'labelled', labels: { hooked: 'yes' } } } }), 1],
    ['cluster-scoped objects are in no namespace', { ...rules('priorityclasses'), namespaceSelector: { matchLabels: { hooked: 'yes' } } }, () => on.api.ask('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', { body: { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'p' }, value: 1 } }), 1],
  ])('%s', async (_name, more, request, count) => expect(await asked(more, request)).toBe(count))

  test('with matchPolicy Equivalent, in the version that the rule names', async () => {
    const events = { rules: [{ operations: ['CREATE'], apiGroups: ['events.k8s.io'], apiVersions: ['v1'], resources: ['events'] }] }
    await on.register('mutating', { e: ['/e', events] })
    on.handlers['/e'] = () => jsonPatch({ op: 'add', path: '/note', value: 'rewritten' })
    const event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'seen' }, involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'R', message: 'original', source: { component: 'c' }, type: 'Normal', firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z' }
    const { body } = await on.api.ask('POST', '/api/v1/namespaces/default/events', { body: event })
    expect(body).toMatchObject({ kind: 'Event', apiVersion: 'v1', message: 'rewritten' })
    expect(on.reviews[0]?.request).toMatchObject({
      kind: { group: 'events.k8s.io', version: 'v1', kind: 'Event' }, resource: { group: 'events.k8s.io', version: 'v1', resource: 'events' },
      requestKind: { group: '', version: 'v1', kind: 'Event' }, requestResource: { group: '', version: 'v1', resource: 'events' }, object: { apiVersion: 'events.k8s.io/v1', note: 'original', regarding: { name: 'p' } },
    })
    await on.clear()
    await on.register('mutating', { e: ['/e', { ...events, matchPolicy: 'Exact' }] })
    await on.api.ask('POST', '/api/v1/namespaces/default/events', { body: { ...event, metadata: { name: 'unseen' } } })
    expect(on.reviews).toEqual([])
  })

  test('never about webhook configurations, nor to mutate nor to keep them', async () => {
    await on.register('mutating', { m: ['/m', rules('*')] })
    await on.register('validating', { v: ['/v', rules('*')] })
    on.handlers = { '/m': () => jsonPatch({ op: 'add', path: '/metadata/labels', value: { mutated: 'yes' } }), '/v': () => deny() }
    await on.register('validating', { other: ['/other'] })
    const other = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/other'
    expect((await on.api.ask('GET', other)).body.metadata).not.toHaveProperty('labels')
    expect((await on.api.ask('DELETE', other)).status).toBe(200)
    expect(on.reviews).toEqual([])
  })

  test('a configuration counts from the moment that it is answered, in its newest form', async () => {
    await on.register('validating', { v: ['/v'] })
    on.handlers['/v'] = () => deny('no')
    const at = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/v'
    const patch = (operations: string[]): Promise<unknown> => on.api.ask('PATCH', at, { body: [{ op: 'replace', path: '/webhooks/0/rules/0/operations', value: operations }], headers: { 'content-type': 'application/json-patch+json' } })
    expect((await create('now')).status).toBe(400)
    await patch(['UPDATE'])
    expect((await create('now')).status).toBe(201)
    await patch(['CREATE', 'UPDATE'])
    expect((await create('then')).status).toBe(400)
    expect((await on.api.ask('GET', at)).body.metadata['generation']).toBe(3)
  })
})

describe('match conditions', () => {
  const condition = (expression: string, more: JsonObject = {}): JsonObject => ({ matchConditions: [{ name: 'c', expression }], ...more })
  test.each<[string, JsonObject, JsonObject, number, number]>([
    ['that hold', condition("object.metadata.name != 'skip-me'"), {}, 201, 1],
    ['that do not', condition("object.metadata.name == 'other'"), {}, 201, 0],
    ['about the request', condition("request.operation == 'CREATE' && request.userInfo.username == 'admin' && request.resource.resource == 'configmaps' && oldObject == null"), {}, 201, 1],
    ['about what its sender may do', condition("authorizer.group('').resource('secrets').check('get').allowed()"), {}, 201, 1],
    ['all of them', { matchConditions: [{ name: 'a', expression: 'true' }, { name: 'b', expression: 'false' }] }, {}, 201, 0],
    ['that come to an error', condition("object.data.missing == 'x'"), { data: { a: 'b' } }, 403, 0],
    ['that come to an error which is to be ignored', condition("object.data.missing == 'x'", { failurePolicy: 'Ignore' }), { data: { a: 'b' } }, 201, 0],
  ])('%s', async (name, more, object, code, count) => {
    await on.register('validating', { v: ['/v', more] })
    const { status } = await create(`condition-${name.replaceAll(' ', '-')}`, object)
    expect([status, on.reviews.length]).toEqual([code, count])
  })

  test('a name is skipped, others are mutated', async () => {
    await on.register('mutating', { m: ['/m', condition("object.metadata.name != 'skip-me'")] })
    on.handlers['/m'] = addData('mutated')
    await create('skip-me', { data: { a: 'b' } })
    await create('not-me', { data: { a: 'b' } })
    expect([await dataOf('skip-me'), await dataOf('not-me')]).toEqual([{ a: 'b' }, { a: 'b', mutated: 'yes' }])
  })

  test.each(['mutating', 'validating'] as const)('that do not compile are refused, %s', async (type) => {
    const error = await on.register(type, { v: ['/v', condition("... [] bad expression")] }).then(() => '', (thrown: Error) => thrown.message)
    expect(error).toContain('webhooks[0].matchConditions[0].expression: Invalid value: \\"... [] bad expression\\": compilation failed')
    const bool = await on.register(type, { v: ['/v', condition("'a'")] }).then(() => '', (thrown: Error) => thrown.message)
    expect(bool).toContain('must evaluate to bool')
  })
})

describe('webhooks that fail', () => {
  const slow = { timeoutSeconds: 1 }
  test('failurePolicy Fail: 500 with the URL and the deadline', async () => {
    await on.register('validating', { v: ['/slow', slow] })
    on.handlers['/slow'] = () => undefined
    const { status, body } = await create('late')
    expect([status, body.reason, body.message]).toEqual([500, 'InternalError', 'Internal error occurred: failed calling webhook "v.example.com": failed to call webhook: Post "https://hook.default.svc:443/slow?timeout=1s": context deadline exceeded'])
  })

  test('failurePolicy Ignore: the request passes, in both kinds', async () => {
    await on.register('mutating', { m: ['/slow', { ...slow, failurePolicy: 'Ignore' }] })
    await on.register('validating', { v: ['/broken', { failurePolicy: 'Ignore', clientConfig: { service: { namespace: 'default', name: 'hook' } } }] })
    on.handlers['/slow'] = () => undefined
    expect((await create('passed')).status).toBe(201)
  })

  test('without authorities that vouch for it nothing passes', async () => {
    await on.register('mutating', { m: ['/m', { clientConfig: { service: { namespace: 'default', name: 'hook', path: '/m' } } }] })
    const { status, body } = await create('closed')
    expect([status, body.message]).toEqual([500, 'Internal error occurred: failed calling webhook "m.example.com": failed to call webhook: Post "https://hook.default.svc:443/m?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority'])
    expect(on.reviews).toEqual([])
  })

  test('no longer than the request itself', async () => {
    await on.register('validating', { v: ['/slow', { timeoutSeconds: 30 }] })
    on.handlers['/slow'] = () => undefined
    const { body } = await create('hurried', {}, '?timeout=900ms')
    expect(body.message).toBe('Internal error occurred: failed calling webhook "v.example.com": failed to call webhook: Post "https://hook.default.svc:443/slow?timeout=1s": context deadline exceeded')
  })

  test('redirects and error texts do not come back', async () => {
    await on.register('validating', { v: ['/v'] })
    const { behave } = on.hook
    on.hook.behave = (_request, response) => { response.writeHead(302, { location: 'https://127.0.0.1:1/metadata' }).end('planted'); return undefined }
    const { text, body } = await create('redirected')
    on.hook.behave = behave
    expect(body.message).toBe('Internal error occurred: failed calling webhook "v.example.com": failed to call webhook: the server responded with the status code 302 but did not return more information')
    expect(text).not.toContain('planted')
  })
})

describe('dry run', () => {
  const update = (sideEffects: string): Promise<unknown> => on.api.ask('PATCH', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/v', { body: [{ op: 'replace', path: '/webhooks/0/sideEffects', value: sideEffects }], headers: { 'content-type': 'application/json-patch+json' } })
  test('is told to webhooks without side effects', async () => {
    await on.register('validating', { v: ['/v'] })
    expect((await create('dry', {}, '?dryRun=All')).status).toBe(201)
    expect(on.reviews[0]?.request).toMatchObject({ dryRun: true, options: { dryRun: ['All'] } })
  })

  test('is refused where there may be some', async () => {
    await on.register('validating', { v: ['/v', { sideEffects: 'NoneOnDryRun' }] })
    expect((await create('dry', {}, '?dryRun=All')).status).toBe(201)
    expect(await update('Some')).toMatchObject({ status: 422 })
    // As an older server stored it.
    const { body } = await on.api.ask('GET', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/v')
    const [webhook] = body['webhooks'] as JsonObject[]
    const stored = { ...body, webhooks: [{ ...webhook, sideEffects: 'Some' }] }
    const key = '/registry/admissionregistration.k8s.io/validatingwebhookconfigurations/v'
    await on.api.store.put(key, Buffer.from(JSON.stringify(stored)))
    await on.api.ask('GET', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/v')
    const answer = await create('wet', {}, '?dryRun=All')
    expect([answer.status, answer.body.message]).toEqual([400, 'admission webhook "v.example.com" does not support dry run'])
    expect((await create('wet')).status).toBe(201)
  })
})
