/** Watches in protobuf, in the words of apimachinery's serializer/protobuf: frames with their length before them, of metav1.WatchEvent with the object in its own envelope. */
import { describe, expect, test } from 'vitest'
import { ConfigMaps, Events, HorizontalPodAutoscalers, kind } from '../../../src/api/kinds.ts'
import { readEnvelope, readProtobuf } from '../../../src/api/protobuf.ts'
import { readFields } from '../../../src/api/protobuf-reader.ts'
import { HorizontalPodAutoscalersV1 } from '../../../src/apiserver/autoscalers-view.ts'
import { EventsV1 } from '../../../src/apiserver/events-view.ts'
import { hasProtobuf, protobufFrames } from '../../../src/apiserver/negotiation/protobuf.ts'
import type { JsonObject } from '../../../src/api/meta.ts'
import { accessReviews } from '../../../src/apiserver/authorization/reviews.ts'
import { alwaysAllow } from '../../../src/apiserver/authorization/authorizer.ts'
import { startTestServer } from '../support.ts'

const event = (frame: Buffer): { type: string; object: ReturnType<typeof readEnvelope> } => {
  expect(frame.readUInt32BE(0)).toBe(frame.length - 4)
  const [type, object] = readFields(frame.subarray(4))
  const [raw] = readFields(object?.bytes ?? Buffer.alloc(0))
  return { type: Buffer.from(type?.bytes ?? []).toString(), object: readEnvelope(raw?.bytes ?? Buffer.alloc(0)) }
}

describe('frames', () => {
  test('of an object', () => {
    const { type, object } = event(protobufFrames.frame('MODIFIED', Buffer.from('{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"data":{"k":"v"}}')))
    expect([type, object.apiVersion, object.kind, readProtobuf(object.raw, 'ConfigMap')]).toEqual(['MODIFIED', 'v1', 'ConfigMap', { metadata: { name: 'a' }, data: { k: 'v' } }])
  })
  test('of an error', () => {
    const { type, object } = event(protobufFrames.frame('ERROR', Buffer.from('{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"Expired","code":410}')))
    expect([type, object.kind, readProtobuf(object.raw, 'Status')]).toEqual(['ERROR', 'Status', { metadata: {}, status: 'Failure', reason: 'Expired', code: 410 }])
  })
})

test('kinds that have messages, and others', () => {
  const custom = { ...kind({ group: 'example.com', version: 'v1', kind: 'ConfigMap', plural: 'configmaps' }), custom: {} } as unknown as typeof ConfigMaps
  expect([ConfigMaps, Events, EventsV1, HorizontalPodAutoscalers, HorizontalPodAutoscalersV1, custom].map((each) => hasProtobuf(each))).toEqual([true, true, true, true, true, false])
})

test('a whole answer to a client that takes nothing else', async () => {
  await using api = await startTestServer()
  await api.ask('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } } })
  const headers = { accept: 'application/vnd.kubernetes.protobuf' }
  expect((await api.ask('GET', '/api/v1/namespaces/x', { headers })).headers['content-type']).toBe('application/vnd.kubernetes.protobuf')
  const watch = await api.ask('GET', '/api/v1/namespaces?watch=1&resourceVersion=0&timeoutSeconds=1', { headers })
  expect([watch.status, watch.headers['content-type']]).toEqual([200, 'application/vnd.kubernetes.protobuf;stream=watch'])
  expect(watch.text).toContain('ADDED')
})

describe('answers to clients that take nothing else', () => {
  const ask = async (method: string, path: string, body?: unknown): Promise<{ status: number; type: string | undefined; apiVersion: string; kind: string; object: JsonObject }> => {
    await using api = await startTestServer({ virtualResources: accessReviews(alwaysAllow) })
    for (const [at, sent] of [['/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } }], ['/apis/apps/v1/namespaces/x/replicasets', replicaSet]] as const) await api.ask('POST', at, { body: sent })
    const { status, headers, bytes } = await api.ask(method, path, { headers: { accept: protobuf, ...(method === 'PATCH' && { 'content-type': 'application/merge-patch+json' }) }, body })
    const { apiVersion, kind: name, raw } = readEnvelope(bytes)
    return { status, type: headers['content-type'], apiVersion, kind: name, object: readProtobuf(raw, name) }
  }
  const labels = { a: 'b' }
  const replicaSet = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'r' }, spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } } } }
  const protobuf = 'application/vnd.kubernetes.protobuf'
  for (const [name, method, path, body, expected] of [
    ['an error', 'GET', '/api/v1/namespaces/y', undefined, { status: 404, apiVersion: 'v1', kind: 'Status', object: { status: 'Failure', message: 'namespaces "y" not found', reason: 'NotFound', details: { name: 'y', kind: 'namespaces' }, code: 404 } }],
    ['a path that is none', 'GET', '/apis/apps/v1/nothing', undefined, { status: 404, kind: 'Status', object: { reason: 'NotFound' } }],
    ['a deletion', 'DELETE', '/apis/apps/v1/namespaces/x/replicasets/r', undefined, { status: 200, kind: 'Status', object: { status: 'Success', details: { name: 'r', group: 'apps', kind: 'replicasets' } } }],
    ['a review', 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } },
      { status: 201, apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', object: { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } }, status: { allowed: true } } }],
    ['a scale', 'GET', '/apis/apps/v1/namespaces/x/replicasets/r/scale', undefined, { status: 200, apiVersion: 'autoscaling/v1', kind: 'Scale', object: { metadata: { name: 'r', namespace: 'x' }, spec: { replicas: 2 }, status: { selector: 'a=b' } } }],
    ['a scale that is patched', 'PATCH', '/apis/apps/v1/namespaces/x/replicasets/r/scale', { spec: { replicas: 3 } }, { status: 200, kind: 'Scale', object: { spec: { replicas: 3 } } }],
    ['the versions', 'GET', '/api', undefined, { status: 200, kind: 'APIVersions', object: { versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0' }] } }],
    ['a group', 'GET', '/apis/apps', undefined, { status: 200, apiVersion: 'v1', kind: 'APIGroup', object: { name: 'apps', versions: [{ groupVersion: 'apps/v1', version: 'v1' }], preferredVersion: { groupVersion: 'apps/v1', version: 'v1' } } }],
    ['the resources of a version', 'GET', '/apis/apps/v1', undefined, { status: 200, apiVersion: 'v1', kind: 'APIResourceList', object: { groupVersion: 'apps/v1', resources: expect.arrayContaining([
      { name: 'replicasets/scale', group: 'autoscaling', version: 'v1', kind: 'Scale', namespaced: true, verbs: ['get', 'patch', 'update'] }]) } }],
    ['the groups', 'GET', '/apis', undefined, { status: 200, kind: 'APIGroupList', object: { groups: expect.arrayContaining([expect.objectContaining({ name: 'apps' })]) } }],
  ] as const) test(name, async () => expect(await ask(method, path, body)).toMatchObject({ type: protobuf, ...expected }))
})
