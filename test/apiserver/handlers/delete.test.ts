import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { configMap, configMaps, startTestServer, type TestServer } from '../support.ts'

let api: TestServer
beforeAll(async () => { api = await startTestServer() })
afterAll(() => api[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'
const pod = (name: string, more: JsonObject = {}): JsonObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'c', image: 'host' }], ...more } })
const merge = { 'content-type': 'application/merge-patch+json' }
const make = (name: string, metadata: JsonObject = {}) => api.ask('POST', configMaps, { body: configMap(name, { metadata: { name, ...metadata } }) })

describe('of one object', () => {
  test('answers with a Status that names it', async () => {
    const { body } = await make('d1')
    expect((await api.ask('DELETE', `${configMaps}/d1`)).body).toEqual({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { name: 'd1', kind: 'configmaps', uid: body.metadata['uid'] } })
    expect((await api.ask('DELETE', `${configMaps}/d1`)).body.message).toBe('configmaps "d1" not found')
  })

  for (const [name, preconditions, message] of [
    ['another uid', { uid: 'other' }, /^Operation cannot be fulfilled on ConfigMap "d2": the UID in the precondition \(other\) does not match the UID in record \(/],
    ['another version', { resourceVersion: '1' }, /the ResourceVersion in the precondition \(1\) does not match the ResourceVersion in record \(\d+\)/],
  ] as const) test(`${name} is a conflict`, async () => {
    await make('d2')
    expect((await api.ask('DELETE', `${configMaps}/d2`, { body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions } })).body).toMatchObject({ code: 409, message: expect.stringMatching(message) })
  })

  test('with finalizers only marks it, and the last finalizer’s removal finishes it', async () => {
    await make('d3', { finalizers: ['example.com/hold'] })
    const { status, body } = await api.ask('DELETE', `${configMaps}/d3`)
    expect([status, body['kind']]).toEqual([200, 'ConfigMap'])
    expect(body.metadata).toMatchObject({ deletionTimestamp: expect.any(String), deletionGracePeriodSeconds: 0 })
    const added = await api.ask('PATCH', `${configMaps}/d3`, { headers: merge, body: { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } } })
    expect(added.body.message).toContain('metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/more"}')
    expect((await api.ask('PATCH', `${configMaps}/d3`, { headers: merge, body: { metadata: { finalizers: null } } })).status).toBe(200)
    expect((await api.ask('GET', `${configMaps}/d3`)).status).toBe(404)
  })

  for (const [policy, finalizers] of [['Foreground', ['foregroundDeletion']], ['Orphan', ['orphan']]] as const) test(`${policy} leaves it to the garbage collector`, async () => {
    const name = `p-${policy.toLowerCase()}`
    await make(name)
    expect((await api.ask('DELETE', `${configMaps}/${name}?propagationPolicy=${policy}`)).body.metadata).toMatchObject({ finalizers, deletionTimestamp: expect.any(String) })
    await api.ask('PATCH', `${configMaps}/${name}`, { headers: merge, body: { metadata: { finalizers: null } } })
  })

  for (const [field, value] of [['dryRun', ['All']], ['propagationPolicy', 'Orphan'], ['orphanDependents', true], ['gracePeriodSeconds', 0], ['preconditions', { uid: 'x' }]] as const) test(`deleting what cannot be read does not go together with ${field}`, async () => {
    const { status, body } = await api.ask('DELETE', `${configMaps}/d2`, { body: { ignoreStoreReadErrorWithClusterBreakingPotential: true, [field]: value } })
    expect([status, body.message]).toEqual([422, `DeleteOptions.meta.k8s.io "" is invalid: ignoreStoreReadErrorWithClusterBreakingPotential: Invalid value: true: cannot be set together with .${field}`])
  })
  test('two ways to say what happens to dependents are one too many', async () => expect((await api.ask('DELETE', `${configMaps}/d2`, { body: { propagationPolicy: 'Orphan', orphanDependents: true } })).body.message)
    .toBe('DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set'))
  test('dry runs delete nothing', async () => {
    expect((await api.ask('DELETE', `${configMaps}/d2?dryRun=All`)).status).toBe(200)
    expect((await api.ask('GET', `${configMaps}/d2`)).status).toBe(200)
  })
})

describe('of pods', () => {
  test('gives a bound pod its grace, which can only become shorter', async () => {
    await api.ask('POST', pods, { body: pod('g1', { nodeName: 'node-1', terminationGracePeriodSeconds: 60 }) })
    const first = await api.ask('DELETE', `${pods}/g1`)
    expect(first.body).toMatchObject({ kind: 'Pod', metadata: { deletionGracePeriodSeconds: 60 } })
    expect((await api.ask('DELETE', `${pods}/g1?gracePeriodSeconds=90`)).body.metadata).toMatchObject({ deletionGracePeriodSeconds: 60 })
    const shorter = await api.ask('DELETE', `${pods}/g1?gracePeriodSeconds=10`)
    expect(shorter.body.metadata).toMatchObject({ deletionGracePeriodSeconds: 10 })
    expect(Date.parse(String(first.body.metadata['deletionTimestamp'])) - Date.parse(String(shorter.body.metadata['deletionTimestamp']))).toBe(50_000)
    expect((await api.ask('DELETE', `${pods}/g1?gracePeriodSeconds=0`)).status).toBe(200)
    expect((await api.ask('GET', `${pods}/g1`)).status).toBe(404)
  })
  test('that a server left between the two steps of their removal removes them: rest.BeforeDelete says that a grace of zero is to be recovered from', async () => {
    await api.ask('POST', pods, { body: pod('g3', { nodeName: 'node-1' }) })
    const key = '/registry/pods/default/g3'
    const { item } = await api.store.get(key)
    const stored = JSON.parse(Buffer.from(item?.value ?? []).toString()) as JsonObject & { metadata: JsonObject }
    Object.assign(stored.metadata, { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 })
    await api.store.put(key, Buffer.from(JSON.stringify(stored)))
    expect((await api.ask('DELETE', `${pods}/g3?gracePeriodSeconds=0`)).status).toBe(200)
    expect((await api.ask('GET', `${pods}/g3`)).status).toBe(404)
  })
  test('lets go at once of a pod that no node has', async () => {
    await api.ask('POST', pods, { body: pod('g2') })
    expect((await api.ask('DELETE', `${pods}/g2`)).body).toMatchObject({ kind: 'Pod' })
    expect((await api.ask('GET', `${pods}/g2`)).status).toBe(404)
  })
  test('eviction marks the pod and deletes it', async () => {
    await api.ask('POST', pods, { body: pod('e1', { nodeName: 'node-1' }) })
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'e1' }, deleteOptions: { gracePeriodSeconds: 5 } }
    expect((await api.ask('POST', `${pods}/e1/eviction`, { body: eviction })).body).toMatchObject({ kind: 'Status', status: 'Success', code: 201 })
    expect((await api.ask('GET', `${pods}/e1`)).body).toMatchObject({ metadata: { deletionGracePeriodSeconds: 5 }, status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] } })
    expect((await api.ask('POST', `${pods}/e1/eviction`, { body: { ...eviction, metadata: { name: 'e2' } } })).body.message).toBe('name in URL does not match name in Eviction object')
  })
})

describe('binding', () => {
  const binding = (name: string, node: string) => ({ apiVersion: 'v1', kind: 'Binding', metadata: { name }, target: { kind: 'Node', name: node } })
  test('assigns the node, once', async () => {
    await api.ask('POST', pods, { body: pod('b1') })
    expect(await api.ask('POST', `${pods}/b1/binding`, { body: binding('b1', 'node-1') })).toMatchObject({ status: 201, body: { kind: 'Status', status: 'Success' } })
    expect((await api.ask('GET', `${pods}/b1`)).body).toMatchObject({ spec: { nodeName: 'node-1' }, status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } })
    expect((await api.ask('POST', `${pods}/b1/binding`, { body: binding('b1', 'node-2') })).body).toMatchObject({ code: 409, message: 'Operation cannot be fulfilled on pods/binding "b1": pod b1 is already assigned to node "node-1"' })
  })
  for (const [name, body, code, message] of [
    ['needs a target', { ...binding('b1', ''), target: { kind: 'Node', name: '' } }, 422, 'Binding "b1" is invalid: target.name: Required value'],
    ['of another pod', binding('b9', 'node-1'), 400, 'name in URL does not match name in Binding object'],
  ] as const) test(name, async () => {
    const answer = await api.ask('POST', `${pods}/b1/binding`, { body })
    expect([answer.status, answer.body.message]).toEqual([code, message])
  })
})

describe('of collections', () => {
  test('deletes what is selected, and tells what that was', async () => {
    for (const name of ['x1', 'x2', 'x3']) await make(name, { labels: { group: name === 'x3' ? 'b' : 'a' } })
    const { body } = await api.ask('DELETE', `${configMaps}?labelSelector=group%3Da`)
    expect(body).toMatchObject({ kind: 'ConfigMapList', items: [{ metadata: { name: 'x1' } }, { metadata: { name: 'x2' } }] })
    expect((await api.ask('GET', `${configMaps}?labelSelector=group`)).body.items).toMatchObject([{ metadata: { name: 'x3' } }])
  })
})

describe('of namespaces', () => {
  test('waits for its content to be finalized', async () => {
    await api.ask('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'going' } } })
    expect((await api.ask('DELETE', '/api/v1/namespaces/going')).body).toMatchObject({ kind: 'Namespace', metadata: { deletionTimestamp: expect.any(String) }, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Terminating' } })
    const { body } = await api.ask('GET', '/api/v1/namespaces/going')
    expect((await api.ask('PUT', '/api/v1/namespaces/going/finalize', { body: { ...body, spec: { finalizers: [] } } })).status).toBe(200)
    expect((await api.ask('GET', '/api/v1/namespaces/going')).status).toBe(404)
  })
  test('not all of them at once', async () => expect((await api.ask('DELETE', '/api/v1/namespaces')).status).toBe(405))
})
