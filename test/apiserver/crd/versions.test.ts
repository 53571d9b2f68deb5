/** Several versions: none and webhook conversion. Words of apiextensions-apiserver `pkg/apiserver/conversion` and of the conformance suite (crd_conversion_webhook.go). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { take } from '../support.ts'
import { startWebhookServer, type WebhookServer } from '../webhook-server.ts'
import { definitions, establish, startCrdServer } from './support.ts'

const server = await startCrdServer()
afterAll(() => server[Symbol.asyncDispose]())

const group = 'stable.example.com'
const at = (plural: string, version: string, name = ''): string => `/apis/${group}/${version}/namespaces/default/${plural}${name && `/${name}`}`
const version = (name: string, storage: boolean, properties: JsonObject): JsonObject => ({ name, served: true, storage, schema: { openAPIV3Schema: { type: 'object', properties } } })
const merge = { 'content-type': 'application/merge-patch+json' }

describe('without conversion versions differ in their name', () => {
  const shared: JsonObject = { a: { type: 'string' } }
  test('what is written in one is read in another, within its schema and with its defaults', async () => {
    await establish(server, { plural: 'plains', kind: 'Plain', versions: [version('v1', true, { ...shared, first: { type: 'string', default: 'one' } }), version('v2', false, { ...shared, second: { type: 'string', default: 'two' } })] })
    const made = await server.ask('POST', at('plains', 'v2'), { body: { apiVersion: `${group}/v2`, kind: 'Plain', metadata: { name: 'x' }, a: 'b' } })
    expect(made.body).toMatchObject({ apiVersion: `${group}/v2`, a: 'b' })
    expect(made.body['first']).toBeUndefined()
    expect((await server.ask('GET', at('plains', 'v1', 'x'))).body).toMatchObject({ apiVersion: `${group}/v1`, a: 'b', first: 'one' })
    expect((await server.ask('GET', at('plains', 'v2'))).body.items).toMatchObject([{ apiVersion: `${group}/v2`, a: 'b' }])
  })
  test('a watch sees writes of every version in its own, and a new storage version leaves what is stored as it is', async () => {
    const stop = new AbortController()
    const watch = server.watch(`${at('plains', 'v2')}?watch=true`, stop.signal)
    await take(watch, 1)
    await server.ask('PATCH', at('plains', 'v1', 'x'), { body: { a: 'c' }, headers: merge })
    expect((await take(watch, 1)).map(({ type, object }) => [type, object['apiVersion'], object['a']])).toEqual([['MODIFIED', `${group}/v2`, 'c']])
    stop.abort()
    await server.ask('PATCH', `${definitions}/plains.${group}`, { headers: merge, body: { spec: { versions: [version('v1', false, { ...shared, first: { type: 'string' } }), version('v2', true, { ...shared, second: { type: 'string', default: 'two' } })] } } })
    await server.ask('POST', at('plains', 'v1'), { body: { apiVersion: `${group}/v1`, kind: 'Plain', metadata: { name: 'y' }, a: 'd' } })
    await expect.poll(async () => (await server.ask('GET', at('plains', 'v2', 'y'))).body['second']).toBe('two')
    const stored = await server.store.range(`/registry/${group}/plains/default/`, `/registry/${group}/plains/default0`)
    expect(stored.items.map(({ value }) => (JSON.parse(Buffer.from(value).toString()) as JsonObject)['apiVersion'])).toEqual([`${group}/v1`, `${group}/v2`])
    expect((await server.ask('GET', `${at('plains', 'v2')}?limit=1`)).body).toMatchObject({ items: [{ apiVersion: `${group}/v2` }], metadata: { remainingItemCount: 1 } })
  })
  test('a version that is no longer served is gone, and so is its documentation', async () => {
    await server.ask('PATCH', `${definitions}/plains.${group}`, { headers: merge, body: { spec: { versions: [{ ...version('v1', false, shared), served: false }, version('v2', true, shared)] } } })
    await expect.poll(async () => (await server.ask('GET', at('plains', 'v1'))).status).toBe(404)
    expect((await server.ask('GET', `/apis/${group}`)).body).toMatchObject({ versions: [{ version: 'v2' }], preferredVersion: { version: 'v2' } })
  })
  test('deprecated versions warn', async () => {
    const v1 = { ...version('v1', true, {}), deprecated: true }
    await establish(server, { plural: 'olds', kind: 'Old', versions: [v1, { ...version('v2', false, {}), deprecated: false }, { ...version('v3', false, {}), deprecated: true, deprecationWarning: 'go away' }] })
    expect((await server.ask('GET', at('olds', 'v1'))).headers['warning']).toBe(`299 - "${group}/v1 Old is deprecated; use ${group}/v2 Old"`)
    expect((await server.ask('GET', at('olds', 'v3'))).headers['warning']).toBe('299 - "go away"')
  })
})

describe('a webhook converts', () => {
  let hook: WebhookServer
  let behave: (objects: (JsonObject & { metadata: JsonObject })[], wanted: string) => JsonObject
  /** v1 has hostPort, v2 has host and port: as the suite's own webhook. */
  const convert = (objects: JsonObject[], wanted: string): JsonObject => ({ result: { status: 'Success' }, convertedObjects: objects.map((each) => {
    const { hostPort, host, port, ...rest } = each
    if (wanted.endsWith('/v2')) { const [first = '', second = ''] = String(hostPort).split(':'); return { ...rest, apiVersion: wanted, host: first, port: second } }
    return { ...rest, apiVersion: wanted, hostPort: `${String(host)}:${String(port)}` }
  }) })
  beforeAll(async () => {
    behave = convert
    hook = await startWebhookServer(({ body }) => {
      const { uid, objects, desiredAPIVersion } = body['request'] as unknown as { uid: string; objects: (JsonObject & { metadata: JsonObject })[]; desiredAPIVersion: string }
      return { apiVersion: body['apiVersion'] ?? '', kind: 'ConversionReview', response: { uid, ...behave(objects, desiredAPIVersion) } }
    })
    await establish(server, { plural: 'hooked', kind: 'Hooked', spec: { conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1', 'v1beta1'], clientConfig: { url: hook.url('/convert'), caBundle: hook.caBundle } } } },
      versions: [version('v1', true, { hostPort: { type: 'string' } }), version('v2', false, { host: { type: 'string', maxLength: 20 }, port: { type: 'string' } })] })
  })
  afterAll(() => hook[Symbol.asyncDispose]())

  test('objects of either version are read in both', async () => {
    await server.ask('POST', at('hooked', 'v1'), { body: { apiVersion: `${group}/v1`, kind: 'Hooked', metadata: { name: 'a' }, hostPort: 'localhost:8080' } })
    expect((await server.ask('GET', at('hooked', 'v2', 'a'))).body).toMatchObject({ apiVersion: `${group}/v2`, host: 'localhost', port: '8080' })
    const made = await server.ask('POST', at('hooked', 'v2'), { body: { apiVersion: `${group}/v2`, kind: 'Hooked', metadata: { name: 'b' }, host: 'example', port: '80' } })
    expect([made.status, made.body['host']]).toEqual([201, 'example'])
    expect((await server.ask('GET', at('hooked', 'v1', 'b'))).body).toMatchObject({ apiVersion: `${group}/v1`, hostPort: 'example:80' })
    expect((await server.ask('GET', at('hooked', 'v2'))).body.items).toMatchObject([{ host: 'localhost' }, { host: 'example' }])
    const stored = await server.store.range(`/registry/${group}/hooked/default/`, `/registry/${group}/hooked/default0`)
    expect(stored.items.map(({ value }) => JSON.parse(Buffer.from(value).toString()) as JsonObject)).toMatchObject([{ hostPort: 'localhost:8080' }, { hostPort: 'example:80' }])
  })
  test('a request is judged in its own version', async () => {
    const answer = await server.ask('PATCH', at('hooked', 'v2', 'a'), { body: { host: 'x'.repeat(30) }, headers: merge })
    expect(answer.body.message).toContain('host: Too long')
    expect((await server.ask('PATCH', at('hooked', 'v2', 'a'), { body: { port: '81' }, headers: merge })).body).toMatchObject({ port: '81' })
    expect((await server.ask('GET', at('hooked', 'v1', 'a'))).body['hostPort']).toBe('localhost:81')
  })
  test('a watch is converted', async () => {
    const stop = new AbortController()
    const watch = server.watch(`${at('hooked', 'v2')}?watch=true&resourceVersion=0`, stop.signal)
    await take(watch, 2)
    await server.ask('PATCH', at('hooked', 'v1', 'b'), { body: { hostPort: 'other:1' }, headers: merge })
    expect((await take(watch, 1)).map(({ type, object }) => [type, object['host']])).toEqual([['MODIFIED', 'other']])
    stop.abort()
  })
  test.each<readonly [string, typeof behave, string]>([
    ['says no', () => ({ result: { status: 'Failure', message: 'not today' }, convertedObjects: [] }), `conversion webhook for ${group}/v1, Kind=Hooked failed: not today`],
    ['returns too few', () => ({ result: { status: 'Success' }, convertedObjects: [] }), 'returned 0 objects, expected 1'],
    ['returns another name', (objects, wanted) => { const done = convert(objects, wanted); for (const each of done['convertedObjects'] as { metadata: JsonObject }[]) each.metadata['name'] = 'other'; return done }, 'must have the same name: broken != other'],
    ['returns another version', (objects) => convert(objects, `${group}/v3`), `invalid groupVersion (expected ${group}/v2, received ${group}/v3)`],
  ])('a webhook that %s', async (_name, broken, message) => {
    behave = broken
    const body = { apiVersion: `${group}/v1`, kind: 'Hooked', metadata: { name: 'broken' }, hostPort: 'a:1' }
    expect((await server.ask('POST', at('hooked', 'v1'), { body })).status).toBe(201)
    const answer = await server.ask('GET', at('hooked', 'v2', 'broken'))
    expect([answer.status, answer.body.message]).toEqual([500, expect.stringContaining(message)])
    behave = convert
    expect((await server.ask('GET', at('hooked', 'v2', 'broken'))).body).toMatchObject({ host: 'a' })
    await server.ask('DELETE', at('hooked', 'v1', 'broken'))
  })
  test('metadata stays what it was, labels and annotations aside', async () => {
    behave = (objects, wanted) => { const done = convert(objects, wanted); for (const each of done['convertedObjects'] as { metadata: JsonObject }[]) each.metadata = { ...each.metadata, labels: { converted: 'yes' }, finalizers: ['a/b'] }; return done }
    await server.ask('PATCH', at('hooked', 'v1', 'b'), { body: { hostPort: 'other:2' }, headers: merge })
    const { body } = await server.ask('GET', at('hooked', 'v2', 'b'))
    expect([body.metadata['labels'], body.metadata['finalizers']]).toEqual([{ converted: 'yes' }, undefined])
    behave = convert
  })
})
