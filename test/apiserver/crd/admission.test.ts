/** Admission webhooks and custom resources. From the conformance suite (webhook.go: "mutate custom resource with pruning", "with different stored version", "deny custom resource creation, update and deletion"). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { allow, deny, jsonPatch, startWebhookFixture, type WebhookFixture } from '../admission/webhook-fixture.ts'
import { crd, definitions, establish } from './support.ts'

let on: WebhookFixture
const group = 'stable.example.com'
const path = (version: string, name = ''): string => `/apis/${group}/${version}/namespaces/default/hooks${name && `/${name}`}`
const rules = (...versions: string[]): JsonObject => ({ rules: [{ operations: ['CREATE', 'UPDATE', 'DELETE'], apiGroups: [group], apiVersions: versions, resources: ['hooks'] }] })
const schema: JsonObject = { type: 'object', properties: { data: { type: 'object', properties: { start: { type: 'string' }, stage1: { type: 'string' }, filled: { type: 'object', properties: { level: { type: 'integer', default: 5 } } } } } } }
const object = (version: string, name: string, data: JsonObject = { start: 'yes' }): JsonObject => ({ apiVersion: `${group}/${version}`, kind: 'Hook', metadata: { name }, data })

beforeAll(async () => {
  on = await startWebhookFixture()
  await establish(on.api, { plural: 'hooks', kind: 'Hook', versions: ['v1', 'v2'].map((name) => ({ name, served: true, storage: name === 'v1', schema: { openAPIV3Schema: schema } })) })
})
afterAll(() => on[Symbol.asyncDispose]())

test('a mutation is pruned and defaulted', async () => {
  await on.register('mutating', { one: ['/one', rules('v1', 'v2')] })
  on.handlers = { '/one': () => jsonPatch({ op: 'add', path: '/data/stage1', value: 'yes' }, { op: 'add', path: '/data/unknown', value: 'x' }, { op: 'add', path: '/data/filled', value: {} }) }
  const made = await on.api.ask('POST', path('v1'), { body: object('v1', 'pruned') })
  expect(made.body['data'], made.text).toEqual({ start: 'yes', stage1: 'yes', filled: { level: 5 } })
  const other = await on.api.ask('POST', path('v2'), { body: object('v2', 'second') })
  expect([other.body['apiVersion'], other.body['data']]).toEqual([`${group}/v2`, { start: 'yes', stage1: 'yes', filled: { level: 5 } }])
  await on.clear()
})

test('who is registered for one version sees requests of the other, as its own', async () => {
  await on.register('mutating', { one: ['/one', rules('v1')] })
  const seen: unknown[] = []
  on.handlers = { '/one': (request) => { seen.push([request.kind.version, request.object?.['apiVersion']]); return jsonPatch({ op: 'add', path: '/data/stage1', value: 'one' }) } }
  const made = await on.api.ask('POST', path('v2'), { body: object('v2', 'equivalent') })
  expect(made.status, made.text).toBe(201)
  expect([made.body['apiVersion'], made.body['data']]).toEqual([`${group}/v2`, { start: 'yes', stage1: 'one' }])
  expect(seen).toEqual([['v1', `${group}/v1`]])
  await on.clear()
})

test('what is refused: creation, change, deletion, also of the definition', async () => {
  await on.register('validating', { no: ['/no', rules('*')] })
  on.handlers = { '/no': ({ operation, object: next }) => (operation !== 'CREATE' || next?.metadata['name'] === 'bad' ? deny(`${operation} is not wanted`) : allow()) }
  expect((await on.api.ask('POST', path('v1'), { body: object('v1', 'bad') })).body.message).toContain('denied the request: CREATE is not wanted')
  expect((await on.api.ask('POST', path('v1'), { body: object('v1', 'good') })).status).toBe(201)
  expect((await on.api.ask('PATCH', path('v1', 'good'), { body: { data: { start: 'no' } }, headers: { 'content-type': 'application/merge-patch+json' } })).body.message).toContain('UPDATE is not wanted')
  expect((await on.api.ask('DELETE', path('v1', 'good'))).body.message).toContain('DELETE is not wanted')
  await on.api.ask('DELETE', `${definitions}/hooks.${group}`)
  // The instances are deleted with all that admission has to say.
  await expect.poll(async () => JSON.stringify((await on.api.ask('GET', `${definitions}/hooks.${group}`)).body['status'])).toContain('InstanceDeletionFailed')
  await on.clear()
  await expect.poll(async () => (await on.api.ask('GET', `${definitions}/hooks.${group}`)).status, { timeout: 10_000 }).toBe(404)
})

test('a definition of the same name that comes afterwards is another one', async () => {
  await establish(on.api, { plural: 'hooks', kind: 'Catch', scope: 'Cluster', group })
  const made = await on.api.ask('POST', `/apis/${group}/v1/hooks`, { body: { apiVersion: `${group}/v1`, kind: 'Catch', metadata: { name: 'x' } } })
  expect(made.status, made.text).toBe(201)
  expect((await on.api.ask('GET', `/apis/${group}/v1/hooks`)).body).toMatchObject({ kind: 'CatchList', items: [{ kind: 'Catch', metadata: { name: 'x' } }] })
})

test('a definition is refused by a webhook, and applied on the server', async () => {
  await on.register('validating', { crds: ['/crds', { rules: [{ operations: ['CREATE'], apiGroups: ['apiextensions.k8s.io'], apiVersions: ['*'], resources: ['customresourcedefinitions'] }] }] })
  on.handlers = { '/crds': ({ object: next }) => ((next?.metadata['labels'] as JsonObject | undefined)?.['webhook-e2e-test'] === 'disallow' ? deny('the crd contains unwanted label') : allow()) }
  const refused = await on.api.ask('POST', definitions, { body: crd({ plural: 'nos', kind: 'No', metadata: { labels: { 'webhook-e2e-test': 'disallow' } } }) })
  expect(refused.body.message).toContain('denied the request: the crd contains unwanted label')
  const apply = (columns: JsonObject[], manager: string): ReturnType<typeof on.api.ask> => on.api.ask('PATCH', `${definitions}/yess.${group}?fieldManager=${manager}&force=true`, {
    body: crd({ plural: 'yess', kind: 'Yes', schema, version: { additionalPrinterColumns: columns } }), headers: { 'content-type': 'application/apply-patch+yaml' } })
  expect((await apply([{ name: 'A', type: 'string', jsonPath: '.data.start' }], 'one')).status).toBe(201)
  const second = await apply([{ name: 'B', type: 'string', jsonPath: '.data.start' }], 'two')
  expect([second.status, JSON.stringify((second.body['spec'] as JsonObject)['versions'])]).toEqual([200, expect.stringContaining('"name":"B"')])
})
