/** What the conformance suite does with every small kind ("should support ... API operations"), over a server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as kinds from '../../../src/api/kinds.ts'
import { apiVersionOf, resourcePath, storedKinds } from '../../../src/api/kinds.ts'
import type { JsonObject } from '../../../src/api/meta.ts'
import { hasOracle, oracle } from '../../support/oracle.ts'
import { type Answer, startTestServer, take, type TestServer } from '../support.ts'
import { samples } from './part-b-samples.ts'
import { strategyOf } from './support.ts'

let api: TestServer
beforeAll(async () => { api = await startTestServer() })
afterAll(() => api[Symbol.asyncDispose]())

const merge = { 'content-type': 'application/merge-patch+json' }
type Whole = JsonObject & { metadata: { name: string; generation?: number; resourceVersion: string; annotations?: Record<string, string> }; status?: JsonObject; spec?: JsonObject }
const whole = (answer: Answer): Whole => answer.body as unknown as Whole

const keepsGeneration: readonly kinds.Kind[] = [kinds.Ingresses, kinds.IngressClasses, kinds.NetworkPolicies, kinds.FlowSchemas, kinds.PriorityLevelConfigurations, kinds.DeviceClasses, kinds.ResourceSlices]

describe.each(samples.map((sample) => [sample.kind.kind, sample] as const))('%s', (_, { kind, object, name: fixed }) => {
  const collection = resourcePath(kind, { namespace: 'default' })
  const body = (name: string): JsonObject => ({ apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name, labels: { test: 'part-b' } }, ...structuredClone(object) } as JsonObject)
  const first = fixed ?? `${kind.plural}-1`

  test('is created, read, listed, watched, patched, replaced and deleted', async () => {
    const made = await api.ask('POST', collection, { body: body(first) })
    expect(made.status, made.text).toBe(201)
    expect(whole(made).metadata.generation).toBe(keepsGeneration.includes(kind) ? 1 : undefined)
    expect((await api.ask('POST', collection, { body: body(first) })).body).toMatchObject({ code: 409, reason: 'AlreadyExists' })
    const at = `${collection}/${first}`
    expect(whole(await api.ask('GET', at))).toEqual(whole(made))
    for (const path of [collection, resourcePath(kind)]) expect((await api.ask('GET', `${path}?labelSelector=test%3Dpart-b`)).body.items.map((item) => (item as unknown as Whole).metadata.name)).toContain(first)

    const stop = new AbortController()
    const events = api.watch(`${collection}?watch=true&resourceVersion=${whole(made).metadata.resourceVersion}&fieldSelector=metadata.name%3D${first}`, stop.signal)
    const patched = await api.ask('PATCH', at, { headers: merge, body: { metadata: { annotations: { patched: 'true' } } } })
    expect([patched.status, whole(patched).metadata.annotations]).toEqual([200, { patched: 'true' }])
    const next = whole(patched)
    next.metadata.annotations = { updated: 'true' }
    const updated = await api.ask('PUT', at, { body: next })
    expect([updated.status, whole(updated).metadata.annotations], updated.text).toEqual([200, { updated: 'true' }])
    expect((await api.ask('PUT', at, { body: { ...next, metadata: { ...next.metadata, resourceVersion: whole(made).metadata.resourceVersion } } })).status).toBe(409)
    expect((await api.ask('DELETE', at)).status).toBe(200)
    expect((await take(events, 3)).map(({ type }) => type)).toEqual(['MODIFIED', 'MODIFIED', 'DELETED'])
    stop.abort()
    expect((await api.ask('GET', at)).body).toMatchObject({ code: 404, reason: 'NotFound' })
  })

  test('a collection is deleted by its labels', async () => {
    const names = fixed ? ['192.0.2.8', '192.0.2.9'] : ['a', 'b'].map((end) => `${kind.plural}-${end}`)
    for (const name of names) await api.ask('POST', collection, { body: body(name) })
    await api.ask('POST', collection, { body: { ...body(fixed ? '192.0.2.10' : `${kind.plural}-c`), metadata: { name: fixed ? '192.0.2.10' : `${kind.plural}-c`, labels: { test: 'stays' } } } })
    expect((await api.ask('DELETE', `${collection}?labelSelector=test%3Dpart-b`)).status).toBe(200)
    expect((await api.ask('GET', `${collection}?labelSelector=test%20in%20(part-b,stays)`)).body.items).toHaveLength(1)
    await api.ask('DELETE', `${collection}?labelSelector=test%3Dstays`)
  })
})

describe('status subresources keep to the status', () => {
  const condition = { type: 'Ready', status: 'False', reason: 'Test', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' }
  for (const [kind, status, elsewhere] of [
    [kinds.Ingresses, { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } }, { spec: { ingressClassName: 'other' } }],
    [kinds.FlowSchemas, { conditions: [condition] }, { spec: { matchingPrecedence: 5 } }],
    [kinds.PriorityLevelConfigurations, { conditions: [condition] }, { spec: { type: 'Exempt' } }],
    [kinds.ServiceCIDRs, { conditions: [condition] }, { spec: { cidrs: ['10.1.0.0/16'] } }],
    [kinds.PersistentVolumes, { phase: 'Failed', message: 'no' }, { spec: { storageClassName: 'other' } }],
    [kinds.PersistentVolumeClaims, { phase: 'Lost', conditions: [{ type: 'Resizing', status: 'True' }] }, { spec: { volumeName: 'x' } }],
    [kinds.VolumeAttachments, { attached: true, attachmentMetadata: { a: 'b' } }, { spec: { nodeName: 'other' } }],
    [kinds.ResourceClaims, { allocation: { devices: { results: [{ request: 'gpu', driver: 'gpu.example.com', pool: 'n', device: 'gpu-0' }] } }, reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] }, { spec: { devices: {} } }],
  ] as readonly [kinds.Kind, JsonObject, JsonObject][]) {
    test(kind.kind, async () => {
      const { object } = samples.find((each) => each.kind === kind) ?? { object: {} }
      const collection = resourcePath(kind, { namespace: 'default' })
      const name = `${kind.plural}-status`
      const made = whole(await api.ask('POST', collection, { body: { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name }, ...object, status } }))
      const changed = await api.ask('PATCH', `${collection}/${name}/status`, { headers: merge, body: { ...elsewhere, status } })
      expect(changed.status, changed.text).toBe(200)
      expect(whole(changed).status).toMatchObject(status)
      expect(whole(changed).spec).toEqual(made.spec)
      expect(whole(changed).metadata.generation).toBe(made.metadata.generation)
      // A new object has no status yet, and the object itself cannot be given one.
      expect(made.status).not.toMatchObject(status)
      const plain = await api.ask('PATCH', `${collection}/${name}`, { headers: merge, body: { status: null } })
      expect(whole(plain).status).toEqual(whole(changed).status)
      expect((await api.ask('GET', `${collection}/${name}/status`)).status).toBe(200)
    })
  }
})

test.skipIf(!hasOracle)('what DELETE answers is what upstream publishes', () => {
  const { paths } = oracle<{ paths: Record<string, { delete?: { responses: Record<string, { schema?: { $ref?: string } }> } }> }>('swagger.json')
  for (const kind of storedKinds) {
    const answer = paths[`${resourcePath({ ...kind, namespaced: false })}`.replace(`/${kind.plural}`, kind.namespaced ? `/namespaces/{namespace}/${kind.plural}/{name}` : `/${kind.plural}/{name}`)]?.delete?.responses['200']?.schema?.$ref
    expect(answer, kind.kind).toBeDefined()
    expect([kind.kind, strategyOf(kind).returnsDeletedObject ?? false]).toEqual([kind.kind, !answer?.endsWith('.Status')])
  }
})

test('slices are found by node and driver', async () => {
  const collection = '/apis/resource.k8s.io/v1/resourceslices'
  const slice = (name: string, nodeName: string): JsonObject => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name }, spec: { driver: 'd.example.com', nodeName, pool: { name: nodeName, generation: 1, resourceSliceCount: 1 } } })
  for (const [name, node] of [['one', 'n-1'], ['two', 'n-2']] as const) await api.ask('POST', collection, { body: slice(name, node) })
  const names = async (selector: string): Promise<unknown[]> => (await api.ask('GET', `${collection}?fieldSelector=${encodeURIComponent(selector)}`)).body.items.map((item) => (item as unknown as Whole).metadata.name)
  expect(await names('spec.nodeName=n-2')).toEqual(['two'])
  expect(await names('spec.driver=d.example.com,spec.nodeName=n-1')).toEqual(['one'])
})
