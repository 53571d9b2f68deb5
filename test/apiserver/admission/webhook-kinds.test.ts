/** Webhooks and what is not a plain object of a built-in kind: custom resources, subresources, connections, server-side apply. Expectations: the conformance descriptions "Admission webhook, ..."; S16 of the security list. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { ServiceAccounts } from '../../../src/api/kinds.ts'
import { alwaysAllow } from '../../../src/apiserver/authorization/authorizer.ts'
import { accessReviews } from '../../../src/apiserver/authorization/reviews.ts'
import { deny, jsonPatch, startWebhookFixture, type WebhookFixture } from './webhook-fixture.ts'
import { crd, establish } from '../crd/support.ts'

let on: WebhookFixture
const exec = { connected: 0 }
beforeAll(async () => {
  on = await startWebhookFixture({
    virtualResources: () => accessReviews(alwaysAllow), subresources: [{ kind: ServiceAccounts, subresource: 'token', body: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', schema: 'AuthenticationTokenRequest' }, create: () => ({}) }],
    connectHandlers: [{ resource: 'pods', subresource: 'attach', methods: ['GET', 'POST'], needsParent: true,
    options: ({ exchange }) => ({ apiVersion: 'v1', kind: 'PodAttachOptions', container: exchange.query.get('container') ?? '', stdin: exchange.query.get('stdin') === 'true' }),
    connect: ({ exchange }) => { exec.connected += 1; exchange.respond(200, {}, new Uint8Array()); return Promise.resolve() } }] })
  await on.api.ask('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } } })
  await on.api.ask('POST', pods, { body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { containers: [{ name: 'a', image: 'host' }] } } })
})
afterAll(() => on[Symbol.asyncDispose]())
afterEach(() => on.clear())

const pods = '/api/v1/namespaces/default/pods'
const rule = (apiGroup: string, resource: string, ...operations: string[]): JsonObject => ({ rules: [{ operations, apiGroups: [apiGroup], apiVersions: ['*'], resources: [resource] }] })
const patchType = (name: string): Record<string, string> => ({ 'content-type': `application/${name}` })

describe('custom resources', () => {
  const group = 'stable.example.com'
  const at = (version: string): string => `/apis/${group}/${version}/namespaces/default/crontabs`
  const schema = { type: 'object', properties: { data: { type: 'object', properties: { a: { type: 'string' }, 'mutation-start': { type: 'string' }, 'mutation-stage-1': { type: 'string' } } } } }
  const versions = (storage: string): JsonObject[] => ['v1', 'v2'].map((name) => ({ name, served: true, storage: name === storage, schema: { openAPIV3Schema: schema } }))
  const crontab = (name: string, data: JsonObject, version = 'v1'): JsonObject => ({ apiVersion: `${group}/${version}`, kind: 'CronTab', metadata: { name }, data })

  beforeAll(() => establish(on.api, crd({ versions: versions('v1') as never })))

  test('creation, update and deletion can be denied', async () => {
    await on.api.ask('POST', at('v1'), { body: crontab('kept', { a: 'b' }) })
    await on.register('validating', { v: ['/v', rule(group, 'crontabs', 'CREATE', 'UPDATE', 'DELETE')] })
    on.handlers['/v'] = () => deny('no crontabs')
    const message = 'admission webhook "v.example.com" denied the request: no crontabs'
    expect((await on.api.ask('POST', at('v1'), { body: crontab('denied', {}) })).body.message).toBe(message)
    expect((await on.api.ask('PATCH', `${at('v1')}/kept`, { body: { data: { a: 'c' } }, headers: patchType('merge-patch+json') })).body.message).toBe(message)
    expect((await on.api.ask('DELETE', `${at('v1')}/kept`)).body.message).toBe(message)
    expect(on.reviews.map(({ request: { operation, kind, object, oldObject } }) => [operation, kind, object?.['data'], oldObject?.['data']])).toEqual([
      ['CREATE', { group, version: 'v1', kind: 'CronTab' }, {}, undefined], ['UPDATE', { group, version: 'v1', kind: 'CronTab' }, { a: 'c' }, { a: 'b' }], ['DELETE', { group, version: 'v1', kind: 'CronTab' }, undefined, { a: 'b' }],
    ])
  })

  test('are mutated, and pruned after that', async () => {
    await on.register('mutating', { one: ['/1', rule(group, 'crontabs', 'CREATE')], two: ['/2', rule(group, 'crontabs', 'CREATE')] })
    on.handlers = { '/1': () => jsonPatch({ op: 'add', path: '/data/mutation-stage-1', value: 'yes' }), '/2': () => jsonPatch({ op: 'add', path: '/data/mutation-stage-2', value: 'yes' }) }
    const { status, body } = await on.api.ask('POST', at('v1'), { body: crontab('mutated', { 'mutation-start': 'yes' }) })
    expect([status, body['data']]).toEqual([201, { 'mutation-start': 'yes', 'mutation-stage-1': 'yes' }])
  })

  test('are mutated also when another version is stored now', async () => {
    await on.api.ask('POST', at('v1'), { body: crontab('moved', { a: 'b' }) })
    const definition = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/crontabs.${group}`
    expect((await on.api.ask('PATCH', definition, { body: { spec: { versions: versions('v2') } }, headers: patchType('merge-patch+json') })).status).toBe(200)
    await on.register('mutating', { m: ['/m', rule(group, 'crontabs', 'UPDATE')] })
    on.handlers['/m'] = () => jsonPatch({ op: 'add', path: '/data/mutation-stage-1', value: 'yes' })
    const { status, body } = await on.api.ask('PATCH', `${at('v1')}/moved`, { body: { data: { 'mutation-start': 'yes' } }, headers: patchType('merge-patch+json') })
    expect([status, body['apiVersion'], body['data']]).toEqual([200, `${group}/v1`, { a: 'b', 'mutation-start': 'yes', 'mutation-stage-1': 'yes' }])
    expect((await on.api.ask('GET', `${at('v2')}/moved`)).body).toMatchObject({ apiVersion: `${group}/v2`, data: { 'mutation-stage-1': 'yes' } })
  })

  test('are shown in the version that a webhook names', async () => {
    await on.register('mutating', { m: ['/m', { rules: [{ operations: ['CREATE'], apiGroups: [group], apiVersions: ['v2'], resources: ['crontabs'] }] }] })
    on.handlers['/m'] = () => jsonPatch({ op: 'add', path: '/data/mutation-stage-1', value: 'yes' })
    const { body } = await on.api.ask('POST', at('v1'), { body: crontab('equivalent', { a: 'b' }) })
    expect(body).toMatchObject({ apiVersion: `${group}/v1`, data: { a: 'b', 'mutation-stage-1': 'yes' } })
    expect(on.reviews[0]?.request).toMatchObject({ kind: { group, version: 'v2', kind: 'CronTab' }, requestKind: { group, version: 'v1', kind: 'CronTab' }, object: { apiVersion: `${group}/v2` } })
  })

  test('their definitions can be denied', async () => {
    await on.register('validating', { v: ['/v', rule('apiextensions.k8s.io', 'customresourcedefinitions', 'CREATE')] })
    on.handlers['/v'] = () => deny('no definitions')
    const { status, body } = await on.api.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: crd({ group: 'other.example.com' }) })
    expect([status, body.message]).toEqual([400, 'admission webhook "v.example.com" denied the request: no definitions'])
  })
})

describe('every way to write passes the same webhook (S16)', () => {
  const deploy = '/apis/apps/v1/namespaces/default/deployments'
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'host' }] } } } }
  beforeAll(async () => { await on.api.ask('POST', deploy, { body: deployment }) })

  test.each<[string, JsonObject, () => ReturnType<WebhookFixture['api']['ask']>, JsonObject]>([
    ['PUT', rule('', 'pods', 'UPDATE'), async () => on.api.ask('PUT', `${pods}/web`, { body: (await on.api.ask('GET', `${pods}/web`)).body }), { operation: 'UPDATE', kind: { kind: 'Pod' } }],
    ['server-side apply of a new object', rule('', 'configmaps', 'CREATE'), () => on.api.ask('PATCH', '/api/v1/namespaces/default/configmaps/applied?fieldManager=t', { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' } }, headers: patchType('apply-patch+yaml') }),
      { operation: 'CREATE', kind: { kind: 'ConfigMap' }, options: { kind: 'PatchOptions' } }],
    ['a dry run', rule('', 'configmaps', 'CREATE'), () => on.api.ask('POST', '/api/v1/namespaces/default/configmaps?dryRun=All', { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'dry' } } }), { operation: 'CREATE', dryRun: true }],
    ['the status', rule('', 'pods/status', 'UPDATE'), () => on.api.ask('PATCH', `${pods}/web/status`, { body: { status: { message: 'x' } }, headers: patchType('merge-patch+json') }), { operation: 'UPDATE', subResource: 'status', kind: { kind: 'Pod' } }],
    ['ephemeral containers', rule('', 'pods/ephemeralcontainers', 'UPDATE'), () => on.api.ask('PATCH', `${pods}/web/ephemeralcontainers`, { body: { spec: { ephemeralContainers: [{ name: 'd', image: 'host' }] } }, headers: patchType('strategic-merge-patch+json') }),
      { operation: 'UPDATE', subResource: 'ephemeralcontainers', kind: { kind: 'Pod' } }],
    ['the scale', rule('apps', 'deployments/scale', 'UPDATE'), () => on.api.ask('PATCH', `${deploy}/web/scale`, { body: { spec: { replicas: 3 } }, headers: patchType('merge-patch+json') }),
      { operation: 'UPDATE', subResource: 'scale', kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, resource: { group: 'apps', version: 'v1', resource: 'deployments' }, object: { apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 3 } }, oldObject: { kind: 'Scale', spec: { replicas: 1 } } }],
    ['a binding', rule('', 'pods/binding', 'CREATE'), () => on.api.ask('POST', `${pods}/web/binding`, { body: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'web' }, target: { kind: 'Node', name: 'n' } } }),
      { operation: 'CREATE', subResource: 'binding', kind: { group: '', version: 'v1', kind: 'Binding' }, object: { target: { name: 'n' } } }],
    ['an eviction', rule('', 'pods/eviction', 'CREATE'), () => on.api.ask('POST', `${pods}/web/eviction`, { body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web' } } }),
      { operation: 'CREATE', subResource: 'eviction', kind: { group: 'policy', version: 'v1', kind: 'Eviction' } }],
    ['a review', rule('authorization.k8s.io', 'selfsubjectaccessreviews', 'CREATE'), () => on.api.ask('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } } }),
      { operation: 'CREATE', kind: { group: 'authorization.k8s.io', version: 'v1', kind: 'SelfSubjectAccessReview' }, resource: { resource: 'selfsubjectaccessreviews' } }],
    ['a token', rule('', 'serviceaccounts/token', 'CREATE'), () => on.api.ask('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['a'] } } }),
      { operation: 'CREATE', subResource: 'token', kind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' }, resource: { resource: 'serviceaccounts' }, name: 'default' }],
    ['an attachment', rule('', 'pods/attach', 'CONNECT'), () => on.api.ask('GET', `${pods}/web/attach?container=a&stdin=true`),
      { operation: 'CONNECT', subResource: 'attach', kind: { group: '', version: 'v1', kind: 'PodAttachOptions' }, name: 'web', namespace: 'default', object: { apiVersion: 'v1', kind: 'PodAttachOptions', container: 'a', stdin: true }, oldObject: null, options: null }],
    ['a deletion', rule('', 'pods', 'DELETE'), () => on.api.ask('DELETE', `${pods}/web`), { operation: 'DELETE', kind: { kind: 'Pod' }, oldObject: { metadata: { name: 'web' } } }],
  ])('%s', async (_name, more, request, expected) => {
    await on.register('validating', { v: ['/v', more] })
    on.handlers['/v'] = () => deny('not so')
    const { status, body } = await request()
    expect([status, body.message]).toEqual([400, 'admission webhook "v.example.com" denied the request: not so'])
    expect(on.reviews).toHaveLength(1)
    expect(on.reviews[0]?.request).toMatchObject(expected)
    expect(exec.connected).toBe(0)
  })
})
