/** Custom resources in /openapi/v2 and v3. From the conformance suite (crd_publish_openapi.go) and apiextensions-apiserver `pkg/controller/openapi`. */
import { afterAll, expect, test } from 'vitest'
import { kindOf } from '../../../src/apiserver/resource-table.ts'
import { openapi } from '../../../src/apiserver/openapi/openapi.ts'
import type { JsonObject } from '../../../src/api/meta.ts'
import type { TestServer } from '../support.ts'
import { anyObject, definitions, establish, startCrdServer } from './support.ts'

const server: TestServer = await startCrdServer({ paths: openapi({ kinds: () => [...server.server.resources.all()].map(kindOf) }) })
afterAll(() => server[Symbol.asyncDispose]())

const v2 = async (): Promise<Record<string, JsonObject | undefined>> => (await server.ask('GET', '/openapi/v2')).body['definitions'] as Record<string, JsonObject>
const v3 = async (version = 'v1', group = 'stable.example.com'): Promise<Record<string, JsonObject | undefined>> =>
  ((await server.ask('GET', `/openapi/v3/apis/${group}/${version}`)).body['components'] as { schemas: Record<string, JsonObject> } | undefined)?.schemas ?? {}
const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

test('a schema in both versions', async () => {
  await establish(server, { plural: 'foos', kind: 'Foo', version: { selectableFields: [{ jsonPath: '.spec.name' }] }, schema: {
    type: 'object', description: 'Foo CRD for Testing', required: ['spec'],
    properties: { spec: { type: 'object', description: 'Specification of Foo', properties: {
      name: { type: 'string', pattern: '^a' }, port: { 'x-kubernetes-int-or-string': true }, maybe: { type: 'string', nullable: true }, kept: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'string' } } },
      bars: { type: 'array', description: 'List of Bars and their specs.', items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0 } }, anyOf: [{ required: ['age'] }] } },
      template: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: { type: 'object' } } },
    }, required: ['name', 'maybe'] } },
  } })
  const second = (await v2())['com.example.stable.v1.Foo'] as { properties: Record<string, JsonObject> }
  expect(second).toMatchObject({ description: 'Foo CRD for Testing', type: 'object', required: ['spec'], 'x-kubernetes-group-version-kind': [{ group: 'stable.example.com', version: 'v1', kind: 'Foo' }] })
  expect(second.properties['metadata']).toEqual({ description: expect.stringContaining("Standard object's metadata."), $ref: `#/definitions/${objectMeta}` })
  // No alternatives, no null, nothing below of what keeps unknown fields; what may be null is not required.
  expect(second.properties['spec']).toEqual({ type: 'object', description: 'Specification of Foo', required: ['name'], properties: {
    name: { type: 'string', pattern: '^a' }, port: { 'x-kubernetes-int-or-string': true }, maybe: {}, kept: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    bars: { type: 'array', description: 'List of Bars and their specs.', items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0 } } } },
    template: { type: 'object', 'x-kubernetes-embedded-resource': true, required: ['kind', 'apiVersion'], properties: expect.objectContaining({ spec: { type: 'object' }, metadata: expect.objectContaining({ $ref: `#/definitions/${objectMeta}` }) as unknown }) as unknown },
  } })
  const third = (await v3())['com.example.stable.v1.Foo'] as { properties: Record<string, JsonObject> }
  expect(third).toMatchObject({ 'x-kubernetes-selectable-fields': [{ fieldPath: 'spec.name' }] })
  expect(third.properties['metadata']).toMatchObject({ allOf: [{ $ref: `#/components/schemas/${objectMeta}` }] })
  expect((third.properties['spec'] as unknown as { properties: JsonObject }).properties).toMatchObject({
    port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }, maybe: { type: 'string', nullable: true }, bars: { items: { anyOf: [{ required: ['age'] }] } },
    kept: { properties: { a: { type: 'string' } } },
  })
})

test('a schema that keeps unknown fields at its root says nothing in version 2', async () => {
  await establish(server, { plural: 'opens', kind: 'Open', schema: { ...anyObject, properties: { spec: { type: 'object' } } } })
  expect((await v2())['com.example.stable.v1.Open']).toEqual({ type: 'object', 'x-kubernetes-group-version-kind': [{ group: 'stable.example.com', version: 'v1', kind: 'Open' }] })
  expect((await v3())['com.example.stable.v1.Open']).toMatchObject({ 'x-kubernetes-preserve-unknown-fields': true, properties: { spec: { type: 'object' } } })
})

// apiextensions-apiserver, crdHandler.serveResource: supportedTypes without strategic merge; kubectl apply reads them here.
test('patches: every kind but the strategic one', async () => {
  const { paths } = (await server.ask('GET', '/openapi/v3/apis/stable.example.com/v1')).body as unknown as { paths: Record<string, { patch?: { requestBody: { content: object } } }> }
  const patches = Object.values(paths).flatMap(({ patch }) => (patch ? [Object.keys(patch.requestBody.content).toSorted()] : []))
  expect(patches.length).toBeGreaterThan(0)
  expect(new Set(patches.map((types) => types.join(' ')))).toEqual(new Set(['application/apply-patch+yaml application/json-patch+json application/merge-patch+json']))
})

test('lists, references, paths', async () => {
  const { body } = await server.ask('GET', '/openapi/v3/apis/stable.example.com/v1')
  const { schemas } = body['components'] as { schemas: Record<string, JsonObject> }
  expect(schemas['com.example.stable.v1.FooList']).toMatchObject({ description: 'FooList is a list of Foo', required: ['items'], properties: { items: { items: { $ref: '#/components/schemas/com.example.stable.v1.Foo' } } } })
  const references = [...JSON.stringify(body).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name = '']) => name)
  expect(references.filter((name) => !Object.hasOwn(schemas, name))).toEqual([])
  expect(Object.keys(body['paths'] as JsonObject)).toContain('/apis/stable.example.com/v1/namespaces/{namespace}/foos/{name}')
})

test('documents are the same until something changes, and then change at once', async () => {
  const first = await server.ask('GET', '/openapi/v2')
  for (let reads = 0; reads < 10; reads += 1) expect((await server.ask('GET', '/openapi/v2', { headers: { 'if-none-match': first.headers['etag'] ?? '' } })).status).toBe(304)
  const [before, apps] = (await server.ask('GET', '/openapi/v3')).text.match(/stable\.example\.com\/v1\?hash=\w+|apps\/v1\?hash=\w+/g)?.sort().reverse() ?? []
  await server.ask('PATCH', `${definitions}/opens.stable.example.com`, { body: { metadata: { labels: { a: 'b' } } }, headers: { 'content-type': 'application/merge-patch+json' } })
  expect((await server.ask('GET', '/openapi/v2')).headers['etag']).toBe(first.headers['etag'])
  await establish(server, { plural: 'others', kind: 'Other' })
  expect((await server.ask('GET', '/openapi/v2')).headers['etag']).not.toBe(first.headers['etag'])
  const [after, appsAfter] = (await server.ask('GET', '/openapi/v3')).text.match(/stable\.example\.com\/v1\?hash=\w+|apps\/v1\?hash=\w+/g)?.sort().reverse() ?? []
  expect([after === before, appsAfter === apps]).toEqual([false, true])
})

test('versions come, go and change their name', async () => {
  const version = (name: string, storage: boolean, served = true): JsonObject => ({ name, served, storage, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', description: name } } } } })
  await establish(server, { plural: 'multis', kind: 'Multi', group: 'multi.example.com', versions: [version('v2', true), version('v3', false)] })
  expect(Object.keys(await v2()).filter((name) => /multi\.v\d\.Multi$/.test(name))).toEqual(['com.example.multi.v2.Multi', 'com.example.multi.v3.Multi'])
  const patch = (versions: JsonObject[]): Promise<unknown> => server.ask('PATCH', `${definitions}/multis.multi.example.com`, { body: { spec: { versions } }, headers: { 'content-type': 'application/merge-patch+json' } })
  await patch([version('v2', true), version('v4', false)])
  await expect.poll(async () => Object.keys(await v2()).filter((name) => /multi\.v\d\.Multi$/.test(name))).toEqual(['com.example.multi.v2.Multi', 'com.example.multi.v4.Multi'])
  await patch([version('v2', true), version('v4', false, false)])
  await expect.poll(async () => Object.keys(await v2()).filter((name) => /multi\.v\d\.Multi$/.test(name))).toEqual(['com.example.multi.v2.Multi'])
  expect((await server.ask('GET', '/openapi/v3/apis/multi.example.com/v4')).status).toBe(404)
  expect(Object.keys(await v3('v2', 'multi.example.com'))).toContain('com.example.multi.v2.MultiList')
})
