/** Finalizers without a domain. Expectations: upstream's `pkg/apis/core/validation` (ValidateObjectMeta) and apiextensions' `pkg/registry/customresource/strategy_test.go`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support.ts'

let api: TestServer
const fleets = '/apis/example.com/v1/fleets'
beforeAll(async () => {
  api = await startTestServer()
  const schema = { openAPIV3Schema: { type: 'object' } }
  await api.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'fleets.example.com' }, spec: { group: 'example.com', scope: 'Cluster', names: { plural: 'fleets', kind: 'Fleet' }, versions: [{ name: 'v1', served: true, storage: true, schema }] } } })
  for (const deadline = Date.now() + 30_000; (await api.ask('GET', fleets)).status !== 200 && Date.now() < deadline;) await new Promise((resolve) => { setTimeout(resolve, 10) })
})
afterAll(() => api[Symbol.asyncDispose]())

describe('built-in kinds', () => {
  for (const [path, body] of [
    ['/api/v1/namespaces/default/configmaps', {}], ['/apis/rbac.authorization.k8s.io/v1/clusterroles', { rules: [] }], ['/apis/scheduling.k8s.io/v1/priorityclasses', { value: 1 }],
  ] as const) test(`${path}: refused, in creations and updates`, async () => {
    const { status, body: answer } = await api.ask('POST', path, { body: { ...body, metadata: { name: 'a', finalizers: ['example.com/mine', 'mine'] } } })
    expect([status, answer.message]).toEqual([422, expect.stringContaining('metadata.finalizers[1]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified')])
    expect((await api.ask('POST', path, { body: { ...body, metadata: { name: 'b', finalizers: ['example.com/mine', 'orphan'] } } })).status).toBe(201)
    expect((await api.ask('PATCH', `${path}/b`, { body: { metadata: { finalizers: ['mine'] } }, headers: { 'content-type': 'application/merge-patch+json' } })).status).toBe(422)
  })
  test('kinds whose metadata apimachinery judges alone take any qualified name', async () => {
    expect((await api.ask('POST', '/apis/coordination.k8s.io/v1/namespaces/default/leases', { body: { metadata: { name: 'a', finalizers: ['mine'] } } })).status).toBe(201)
  })
})

test('custom resources warn, once', async () => {
  const fleet = (finalizers: string[]): object => ({ apiVersion: 'example.com/v1', kind: 'Fleet', metadata: { name: 'f', finalizers } })
  const made = await api.ask('POST', fleets, { body: fleet(['mine', 'example.com/fine']) })
  expect([made.status, String(made.headers['warning']).replaceAll('\\"', '"')]).toEqual([201, expect.stringContaining('metadata.finalizers: "mine": prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers')])
  expect(String(made.headers['warning'])).not.toContain('fine')
  const again = await api.ask('PATCH', `${fleets}/f`, { body: { metadata: { finalizers: ['mine'] } }, headers: { 'content-type': 'application/merge-patch+json' } })
  expect([again.status, again.headers['warning']]).toEqual([200, undefined])
})
