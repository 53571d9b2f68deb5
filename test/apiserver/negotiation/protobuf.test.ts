/** Watches in protobuf, in the words of apimachinery's serializer/protobuf: frames with their length before them, of metav1.WatchEvent with the object in its own envelope. */
import { describe, expect, test } from 'vitest'
import { ConfigMaps, Events, HorizontalPodAutoscalers, kind } from '../../../src/api/kinds.ts'
import { readEnvelope, readProtobuf } from '../../../src/api/protobuf.ts'
import { readFields } from '../../../src/api/protobuf-reader.ts'
import { HorizontalPodAutoscalersV1 } from '../../../src/apiserver/autoscalers-view.ts'
import { EventsV1 } from '../../../src/apiserver/events-view.ts'
import { hasProtobuf, protobufFrames } from '../../../src/apiserver/negotiation/protobuf.ts'
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
