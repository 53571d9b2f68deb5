/** Server-side apply on the scale subresource. Expectations: upstream's `pkg/util/managedfields/scalehandler_test.go` and test/integration/apiserver/apply (TestApplyOnScaleDeployment). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type Answer, type TestServer } from '../support.ts'

let api: TestServer
beforeAll(async () => { api = await startTestServer() })
afterAll(() => api[Symbol.asyncDispose]())

const deployments = '/apis/apps/v1/namespaces/default/deployments'
const deployment = (name: string, replicas = 1): object => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { replicas, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } } })
const applied = { 'content-type': 'application/apply-patch+yaml' }
const apply = (name: string, body: object, query: string, subresource = ''): Promise<Answer> => api.ask('PATCH', `${deployments}/${name}${subresource}?${query}`, { body, headers: applied })
const scale = (replicas?: number, more: object = {}): object => ({ apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'x' }, spec: { ...(replicas !== undefined && { replicas }), ...more } })
interface Entry { manager: string; operation: string; apiVersion: string; subresource?: string; fieldsV1: { 'f:spec'?: { 'f:replicas'?: object } } }
const owners = async (name: string): Promise<string[]> => {
  const { managedFields = [] } = (await api.ask('GET', `${deployments}/${name}`)).body.metadata as unknown as { managedFields?: Entry[] }
  return managedFields.filter(({ fieldsV1 }) => fieldsV1['f:spec']?.['f:replicas'] !== undefined).map(({ manager, operation, apiVersion, subresource = '' }) => [manager, operation, apiVersion, subresource].filter(Boolean).join(' ')).sort()
}
const named = (name: string, body: object): object => ({ ...body, metadata: { name } })

test('whoever applies owns the replicas, as an applier of the subresource, in the version of the parent', async () => {
  expect((await apply('one', deployment('one'), 'fieldManager=apply_test')).status).toBe(201)
  expect(await owners('one')).toEqual(['apply_test Apply apps/v1'])
  const refused = await apply('one', named('one', scale(17)), 'fieldManager=apply_scale', '/scale')
  expect([refused.status, refused.body.message]).toEqual([409, 'Apply failed with 1 conflict: conflict with "apply_test": .spec.replicas'])
  const forced = await apply('one', named('one', scale(17)), 'fieldManager=apply_scale&force=true', '/scale')
  expect([forced.status, forced.body['kind'], (forced.body['spec'] as unknown as { replicas: number }).replicas]).toEqual([200, 'Scale', 17])
  expect(await owners('one')).toEqual(['apply_scale Apply apps/v1 scale'])
})

test('the same number: both own it', async () => {
  await apply('two', deployment('two', 3), 'fieldManager=apply_test')
  expect((await apply('two', named('two', scale(3)), 'fieldManager=apply_scale', '/scale')).status).toBe(200)
  expect(await owners('two')).toEqual(['apply_scale Apply apps/v1 scale', 'apply_test Apply apps/v1'])
})

test('an update of the scale takes over, and an apply of the parent is told by whom', async () => {
  await apply('three', deployment('three'), 'fieldManager=apply_test')
  expect((await api.ask('PUT', `${deployments}/three/scale?fieldManager=replace_test`, { body: named('three', scale(7)) })).status).toBe(200)
  expect(await owners('three')).toEqual(['replace_test Update apps/v1 scale'])
  expect((await apply('three', named('three', scale(8)), 'fieldManager=apply_scale', '/scale')).body.message).toBe('Apply failed with 1 conflict: conflict with "replace_test" with subresource "scale" using autoscaling/v1: .spec.replicas')
  const { status, body } = await apply('three', deployment('three', 2), 'fieldManager=apply_test')
  expect([status, body.message]).toEqual([409, 'Apply failed with 1 conflict: conflict with "replace_test" with subresource "scale" using apps/v1: .spec.replicas'])
})

test('what a Scale has not is no field', async () => {
  await apply('four', deployment('four'), 'fieldManager=apply_test')
  const { status, body } = await apply('four', named('four', scale(2, { paused: true })), 'fieldManager=apply_scale&force=true', '/scale')
  expect([status, body.message]).toEqual([500, expect.stringContaining('.spec.paused: field not declared in schema')])
})

test('of a custom resource: where its definition says', async () => {
  const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'fleets.example.com' }, spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'fleets', kind: 'Fleet' }, versions: [{
    name: 'v1', served: true, storage: true, subresources: { scale: { specReplicasPath: '.spec.deep.count', statusReplicasPath: '.status.count' } },
    schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { deep: { type: 'object', properties: { count: { type: 'integer' } } } } }, status: { type: 'object', properties: { count: { type: 'integer' } } } } } } }] } }
  await api.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: crd })
  const fleets = '/apis/example.com/v1/namespaces/default/fleets'
  const fleet = { apiVersion: 'example.com/v1', kind: 'Fleet', metadata: { name: 'f' }, spec: { deep: { count: 1 } } }
  for (const deadline = Date.now() + 30_000; (await api.ask('GET', fleets)).status !== 200 && Date.now() < deadline;) await new Promise((resolve) => { setTimeout(resolve, 10) })
  expect((await api.ask('POST', `${fleets}?fieldManager=maker`, { body: fleet })).status).toBe(201)
  expect((await api.ask('PATCH', `${fleets}/f/scale?fieldManager=applier&force=true`, { body: named('f', scale(5)), headers: applied })).status).toBe(200)
  const { body } = await api.ask('GET', `${fleets}/f`)
  expect(body['spec']).toEqual({ deep: { count: 5 } })
  expect((body.metadata as unknown as { managedFields: Entry[] }).managedFields).toContainEqual(expect.objectContaining({ manager: 'applier', operation: 'Apply', apiVersion: 'example.com/v1', subresource: 'scale', fieldsV1: { 'f:spec': { 'f:deep': { 'f:count': {} } } } }))
})
