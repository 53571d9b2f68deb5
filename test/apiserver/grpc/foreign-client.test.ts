/** The gRPC service as a client that is not ours sees it: every method, errors, refusals, deadlines. */
import { type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { statusInDetails } from '../../../src/api/grpc-status.ts'
import { type Answer, foreignClient, type ForeignClient } from '../../support/grpc-client.ts'
import { type ListeningServer, startListeningServer } from '../../support/listening-server.ts'
import { configMaps } from '../support.ts'

let server: ListeningServer
let client: ForeignClient
let stranger: ForeignClient
beforeAll(async () => {
  server = await startListeningServer({ authorizer: { authorize: ({ user, verb }) =>
    (user.groups.includes('system:masters') || (user.name === 'reader' && verb === 'get') ? { verdict: 'allow', reason: '' } : { verdict: 'no-opinion', reason: '' }) } })
  client = foreignClient(server)
  stranger = foreignClient({ url: server.url, ca: server.ca })
})
afterAll(async () => {
  client.close()
  stranger.close()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => { await server.ask('DELETE', configMaps) })

const where = { version: 'v1', resource: 'configmaps', namespace: 'default' }
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const parsed = (buffer: Buffer): Record<string, unknown> => JSON.parse(buffer.toString()) as Record<string, unknown>
const create = (name: string, data: Record<string, string> = {}): Promise<Answer> => client.call('Create', { ...where, body: bytes({ metadata: { name }, data }) })

const all = async (stream: ClientReadableStream<Answer>): Promise<Answer[]> => {
  const answers: Answer[] = []
  for await (const answer of stream) answers.push(answer as Answer)
  return answers
}

/** The Status among the details of a failed call. */
const statusOf = (error: ServiceError): Record<string, unknown> =>
  parsed(Buffer.from(statusInDetails((error.metadata.get('grpc-status-details-bin')[0] as Buffer).toString('base64')) ?? []))

const failure = async (attempt: Promise<unknown>): Promise<ServiceError> => {
  try {
    await attempt
  } catch (error) {
    return error as ServiceError
  }
  throw new Error('the call succeeded')
}

describe('methods', () => {
  test('Create answers 201 and the object, the same bytes as REST', async () => {
    const { object, code } = await create('a', { x: 'y' })
    expect(code).toBe(201)
    expect(object.toString()).toBe((await server.ask('GET', `${configMaps}/a`)).text)
  })
  test('Get', async () => {
    const created = await create('a')
    expect((await client.call('Get', { ...where, name: 'a' })).object).toEqual(created.object)
  })
  test('Update, with the resourceVersion that it must be of', async () => {
    const object = parsed((await create('a')).object)
    const updated = await client.call('Update', { ...where, name: 'a', body: bytes({ ...object, data: { x: 'z' } }) })
    expect([updated.code, parsed(updated.object)['data']]).toEqual([200, { x: 'z' }])
    const error = await failure(client.call('Update', { ...where, name: 'a', body: bytes({ ...object, data: {} }) }))
    expect(error.code).toBe(status.ABORTED)
    expect(statusOf(error)).toMatchObject({ reason: 'Conflict', code: 409 })
  })
  for (const [type, body] of [['JSON', [{ op: 'add', path: '/data/b', value: '2' }]], ['MERGE', { data: { b: '2' } }], ['STRATEGIC', { data: { b: '2' } }],
    ['APPLY', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { b: '2' } }]] as const) {
    test(`Patch ${type}`, async () => {
      await create('a', { a: '1' })
      const { object } = await client.call('Patch', { ...where, name: 'a', patch_type: type, field_manager: 'me', body: bytes(body) })
      expect(parsed(object)['data']).toEqual({ a: '1', b: '2' })
    })
  }
  test('Delete answers the Status of the deletion', async () => {
    await create('a')
    const { object } = await client.call('Delete', { ...where, name: 'a', body: bytes({ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' }) })
    expect(parsed(object)).toMatchObject({ kind: 'Status', status: 'Success' })
    expect((await server.ask('GET', `${configMaps}/a`)).status).toBe(404)
  })
  test('DeleteCollection, by label', async () => {
    await client.call('Create', { ...where, body: bytes({ metadata: { name: 'gone', labels: { app: 'a' } } }) })
    await create('stays')
    const pieces = await all(client.stream('DeleteCollection', { ...where, label_selector: 'app=a' }))
    expect((parsed(Buffer.concat(pieces.map(({ list }) => list)))['items'] as unknown[]).length).toBe(1)
    expect((await server.ask('GET', configMaps)).body.items).toMatchObject([{ metadata: { name: 'stays' } }])
  })
  test('a long List comes in pieces that together are the list of REST', async () => {
    for (let index = 0; index < 12; index++) await create(`c${index}`, { x: 'x'.repeat(500_000) })
    const pieces = await all(client.stream('List', where))
    expect(pieces.length).toBeGreaterThan(5)
    expect(Buffer.concat(pieces.map(({ list }) => list)).toString()).toBe((await server.ask('GET', configMaps)).text)
  })
  test('List by pages', async () => {
    for (const name of ['a', 'b', 'c']) await create(name)
    const page = async (token: string) => parsed((await all(client.stream('List', { ...where, limit: 2, continue: token })))[0]?.list ?? Buffer.alloc(0)) as unknown as { items: { metadata: { name: string } }[]; metadata: { continue?: string } }
    const first = await page('')
    const second = await page(first.metadata.continue ?? '')
    expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c'])
  })
  test('dry_run creates nothing; metadata tells warnings', async () => {
    const { metadata } = await client.call('Create', { ...where, dry_run: true, body: bytes({ metadata: { name: 'dry' }, wrong: 1 }) })
    expect(metadata.get('warning')).toEqual(['299 - "unknown field \\"wrong\\""'])
    expect((await server.ask('GET', `${configMaps}/dry`)).status).toBe(404)
  })
  test('a subresource: what is posted below an object', async () => {
    await server.ask('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'host' }] } } })
    const { code } = await client.call('Create', { ...where, resource: 'pods', name: 'p', subresource: 'binding', body: bytes({ target: { kind: 'Node', name: 'n' } }) })
    expect(code).toBe(201)
    expect(parsed((await client.call('Get', { ...where, resource: 'pods', name: 'p' })).object)['spec']).toMatchObject({ nodeName: 'n' })
  })
})

describe('Watch', () => {
  test('initial events, bookmarks, changes, the end of its time', async () => {
    await create('a')
    const stream = client.stream('Watch', { ...where, send_initial_events: true, resource_version_match: 'NotOlderThan', allow_watch_bookmarks: true, timeout_seconds: 1 })
    const seen: string[] = []
    for await (const event of stream) {
      const { type, object } = event as Answer
      const { metadata } = parsed(object) as { metadata: { name?: string; annotations?: Record<string, string> } }
      seen.push(`${type} ${metadata.name ?? metadata.annotations?.['k8s.io/initial-events-end'] ?? ''}`)
      if (seen.length === 2) {
        await create('b')
        await server.ask('DELETE', `${configMaps}/a`)
      }
    }
    expect(seen.slice(0, 4)).toEqual(['ADDED a', 'BOOKMARK true', 'ADDED b', 'DELETED a'])
  })
  test('a version that is too old is told in an event', async () => {
    await using own = await startListeningServer()
    const foreign = foreignClient(own)
    const { body } = await own.ask('POST', configMaps, { body: { metadata: { name: 'a' } } })
    await own.ask('DELETE', `${configMaps}/a`)
    await own.store.compact(await own.store.revision())
    // A server that starts anew remembers nothing of before.
    await using next = await startListeningServer({ store: own.store })
    const again = foreignClient(next)
    const [event] = await all(again.stream('Watch', { ...where, resource_version: body.metadata['resourceVersion'] as string }))
    expect([event?.type, parsed(event?.object ?? Buffer.alloc(0))['code']]).toEqual(['ERROR', 410])
    foreign.close()
    again.close()
  })
  test('cancelling it ends it at the server', async () => {
    const stream = client.stream('Watch', { ...where, send_initial_events: true, resource_version_match: 'NotOlderThan', allow_watch_bookmarks: true })
    const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve))
    stream.once('data', () => stream.cancel())
    expect((await ended).code).toBe(status.CANCELLED)
  })
})

describe('refusals', () => {
  for (const [name, attempt, code, told] of [
    ['nobody', () => stranger.call('Get', { ...where, name: 'a' }), status.UNAUTHENTICATED, { reason: 'Unauthorized', code: 401 }],
    ['who may not', () => stranger.call('Create', { ...where, body: bytes({ metadata: { name: 'a' } }) }, { metadata: { authorization: 'Bearer user:reader' } }), status.PERMISSION_DENIED,
      { reason: 'Forbidden', code: 403, message: 'configmaps is forbidden: User "reader" cannot create resource "configmaps" in API group "" in the namespace "default"' }],
    ['what is not there', () => client.call('Get', { ...where, name: 'a' }), status.NOT_FOUND, { reason: 'NotFound', code: 404, message: 'configmaps "a" not found' }],
    ['who may, of what is not there', () => stranger.call('Get', { ...where, name: 'a' }, { metadata: { authorization: 'Bearer user:reader' } }), status.NOT_FOUND, { code: 404 }],
    ['impersonation of who may not', () => client.call('Create', { ...where, body: bytes({ metadata: { name: 'a' } }) }, { metadata: { 'impersonate-user': 'reader' } }), status.PERMISSION_DENIED, { code: 403 }],
    ['a name that is taken', async () => { await create('a'); await create('a') }, status.ALREADY_EXISTS, { reason: 'AlreadyExists', code: 409 }],
    ['a body that is not valid', () => create('Not A Name'), status.INVALID_ARGUMENT, { reason: 'Invalid', code: 422 }],
    ['a body that is no JSON', () => client.call('Create', { ...where, body: Buffer.from('{') }), status.INVALID_ARGUMENT, { reason: 'BadRequest', code: 400 }],
    ['a body that is too large', () => create('a', { x: 'x'.repeat(3 * 1024 * 1024) }), status.RESOURCE_EXHAUSTED, { code: 413 }],
    ['a kind that nobody knows', () => client.call('Get', { ...where, resource: 'wonders', name: 'a' }), status.NOT_FOUND, { code: 404 }],
    ['a verb that the kind has not', () => all(client.stream('DeleteCollection', { version: 'v1', resource: 'namespaces' })), status.UNIMPLEMENTED, { reason: 'MethodNotAllowed', code: 405 }],
    ['a subresource that the kind has not', () => client.call('Get', { ...where, name: 'a', subresource: 'scale' }), status.NOT_FOUND, { code: 404 }],
    ['a name that would lead elsewhere', () => client.call('Get', { ...where, name: 'a/status' }), status.INVALID_ARGUMENT, { code: 400 }],
    ['a namespace that would', () => client.call('Get', { ...where, namespace: 'default/configmaps/a', name: 'a' }), status.INVALID_ARGUMENT, { code: 400 }],
    ['parts that mean a collection', () => client.call('Get', { version: 'v1', resource: 'namespaces', name: 'default', subresource: 'pods' }), status.INVALID_ARGUMENT, { code: 400 }],
    ['no name', () => client.call('Get', where), status.INVALID_ARGUMENT, { message: 'GetRequest.name: must be set' }],
    ['no resource', () => client.call('Get', { version: 'v1', name: 'a' }), status.INVALID_ARGUMENT, { message: 'GetRequest.resource: must be set' }],
    ['a conversation', () => client.call('Get', { ...where, resource: 'pods', name: 'a', subresource: 'log' }), status.UNIMPLEMENTED, { message: 'pods/log is served over HTTP only' }],
    ['a patch of no type', () => client.call('Patch', { ...where, name: 'a', body: bytes({}) }), status.INVALID_ARGUMENT, { code: 400 }],
  ] as const) test(name, async () => {
    const error = await failure(attempt())
    expect(error.code).toBe(code)
    expect(statusOf(error)).toMatchObject(told)
  })

  test('a Status that is too long for trailers comes before them, and the call fails all the same', async () => {
    const error = await failure(create('a', Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`not a key ${index}`, '']))))
    expect(error.code).toBe(status.INVALID_ARGUMENT)
    expect(error.metadata.get('grpc-status-details-bin')).toEqual([])
    expect(error.details).toContain('ConfigMap "a" is invalid')
  })
})

describe('deadlines', () => {
  test('a watch is over with its deadline', async () => {
    const stream = client.stream('Watch', { ...where, resource_version: '0' }, { deadline: new Date(Date.now() + 200) })
    expect((await failure(all(stream))).code).toBe(status.DEADLINE_EXCEEDED)
  })
  test('what comes in time is not touched by it', async () => {
    expect((await client.call('Create', { ...where, body: bytes({ metadata: { name: 'a' } }) }, { deadline: new Date(Date.now() + 20_000) })).code).toBe(201)
  })
})
