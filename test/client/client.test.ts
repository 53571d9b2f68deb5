import { describe, expect, test } from 'vitest'
import { ConfigMaps, Deployments, Pods } from '../../src/api/kinds.ts'
import type { StatusError } from '../../src/api/status.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { type ApiRequest, ConnectionError, type Transport } from '../../src/client/transport.ts'

const { signal } = new AbortController()

/** A server that gives one answer and remembers what it was asked. */
const answering = (status: number, ...body: string[]) => {
  const asked: ApiRequest[] = []
  const transport: Transport = { request: async (request) => {
    asked.push(request)
    return { status, headers: {}, body: (async function* () { for (const part of body) yield Buffer.from(part) })() }
  } }
  return { client: createClient(transport, { userAgent: 'tester' }), asked, sent: () => asked[0] && `${asked[0].method} ${asked[0].path}`, body: () => JSON.parse(Buffer.from(asked[0]?.body ?? '').toString()) as unknown }
}
const pod = { metadata: { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '7', creationTimestamp: '' }, spec: { containers: [] }, status: {} }

describe('requests', () => {
  for (const [name, send, line] of [
    ['get', (client: Client) => client.get(Pods, { namespace: 'shop', name: 'web' }), 'GET /api/v1/namespaces/shop/pods/web'],
    ['get of a subresource', (client: Client) => client.get(Deployments, { namespace: 'shop', name: 'web' }, { subresource: 'scale' }), 'GET /apis/apps/v1/namespaces/shop/deployments/web/scale'],
    ['list with selectors and a page', (client: Client) => client.list(Pods, { labelSelector: 'a in (b,c)', fieldSelector: 'spec.nodeName=', limit: 5, continueToken: 'x' }),
      'GET /api/v1/pods?labelSelector=a+in+%28b%2Cc%29&fieldSelector=spec.nodeName%3D&limit=5&continue=x'],
    ['update of the status', (client: Client) => client.update(Pods, pod, { subresource: 'status', fieldManager: 'kubelet' }), 'PUT /api/v1/namespaces/shop/pods/web/status?fieldManager=kubelet'],
    ['server-side apply', (client: Client) => client.patch(Pods, pod.metadata, { type: 'apply', body: {}, force: true }, { fieldManager: 'me' }), 'PATCH /api/v1/namespaces/shop/pods/web?fieldManager=me&force=true'],
    ['a dry run', (client: Client) => client.create(Pods, pod, { dryRun: true }), 'POST /api/v1/namespaces/shop/pods?dryRun=All'],
    ['delete', (client: Client) => client.delete(Pods, pod.metadata), 'DELETE /api/v1/namespaces/shop/pods/web'],
    ['delete of a collection', (client: Client) => client.deleteCollection(Pods, { namespace: 'shop', labelSelector: 'a=b' }), 'DELETE /api/v1/namespaces/shop/pods?labelSelector=a%3Db'],
    ['a subresource of another kind', (client: Client) => client.createSubresource(Pods, pod.metadata, 'eviction', {}), 'POST /api/v1/namespaces/shop/pods/web/eviction'],
  ] as const) test(name, async () => {
    const { client, sent } = answering(200, '{"metadata":{}}')
    await send(client)
    expect(sent()).toBe(line)
  })

  test('a body names its kind; patches say their type', async () => {
    const created = answering(201, '{}')
    await created.client.create(ConfigMaps, { metadata: { name: 'a', namespace: 'shop' }, data: { x: 'y' } })
    expect(created.body()).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'shop' }, data: { x: 'y' } })
    expect(created.asked[0]?.headers).toEqual({ accept: 'application/json', 'user-agent': 'tester', 'content-type': 'application/json' })
    const patched = answering(200, '{}')
    await patched.client.patch(Pods, pod.metadata, { type: 'strategic', body: {} })
    expect(patched.asked[0]?.headers['content-type']).toBe('application/strategic-merge-patch+json')
  })
  test('options of a deletion are its body', async () => {
    const { client, body } = answering(200, '{}')
    await client.delete(Pods, pod.metadata, { gracePeriodSeconds: 0, propagationPolicy: 'Background', preconditions: { uid: 'u' }, dryRun: true })
    expect(body()).toEqual({ apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, propagationPolicy: 'Background', preconditions: { uid: 'u' }, dryRun: ['All'] })
  })
})

describe('answers', () => {
  test('a list', async () => {
    const { client } = answering(200, '{"items":', '[{"metadata":{"name":"a"}}],"metadata":{"resourceVersion":"9","continue":"c","remainingItemCount":3}}')
    expect(await client.list(Pods)).toEqual({ items: [{ metadata: { name: 'a' } }], resourceVersion: '9', continueToken: 'c', remainingItemCount: 3 })
  })
  test('an empty list of Go is null', async () => {
    expect((await answering(200, '{"items":null,"metadata":{"resourceVersion":"9"}}').client.list(Pods)).items).toEqual([])
  })
  for (const [name, status, body, expected] of [
    ["the server's Status", 409, '{"kind":"Status","reason":"Conflict","message":"no","code":409}', { reason: 'Conflict', message: 'no', code: 409 }],
    ['a page of some proxy', 503, '<html>', { reason: 'ServiceUnavailable', message: 'the server is currently unable to handle the request (GET /api/v1/pods/a)', code: 503 }],
    ['a code that nobody knows', 599, 'bang', { reason: 'InternalError', message: 'an error on the server ("bang") has prevented the request from succeeding (GET /api/v1/pods/a)', code: 599 }],
    ['401 without a body', 401, '', { reason: 'Unauthorized', message: 'the server has asked for the client to provide credentials (GET /api/v1/pods/a)', code: 401 }],
  ] as const) test(`failure: ${name}`, async () => {
    const error = await answering(status, body).client.get(Pods, { name: 'a' }).catch((thrown: unknown) => thrown) as StatusError
    expect({ reason: error.reason, message: error.message, code: error.code }).toEqual(expected)
  })
})

describe('watch', () => {
  const read = async (client: Client) => { const types: string[] = []; for await (const { type } of client.watch(Pods, { resourceVersion: '5', signal })) types.push(type); return types }

  test('events until the server ends it', async () => {
    const { client, sent } = answering(200, '{"type":"ADDED","object":{}}\n{"type":"BOOK', 'MARK","object":{}}\n')
    expect(await read(client)).toEqual(['ADDED', 'BOOKMARK'])
    expect(sent()).toBe('GET /api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=5')
  })
  test('ERROR is thrown as the Status that it carries', async () => {
    await expect(read(answering(200, '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n').client)).rejects.toMatchObject({ code: 410, reason: 'Expired' })
  })
  test('a line cut off is a broken connection', async () => {
    await expect(read(answering(200, '{"type":"ADD').client)).rejects.toBeInstanceOf(ConnectionError)
  })
  test('ends quietly when the signal aborts', async () => {
    const stop = new AbortController()
    const transport: Transport = { request: async (_, given) => ({ status: 200, headers: {}, body: (async function* () {
      yield Buffer.from('{"type":"ADDED","object":{}}\n')
      await new Promise((_resolve, reject) => { given.addEventListener('abort', () => reject(given.reason)) })
    })() }) }
    let seen = 0
    for await (const event of createClient(transport).watch(Pods, { signal: stop.signal })) { if (event.type === 'ADDED') seen++; stop.abort() }
    expect(seen).toBe(1)
  })
})
