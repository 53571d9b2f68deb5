import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configMap, configMaps, startTestServer, type TestServer } from '../support.ts'

let api: TestServer
beforeAll(async () => { api = await startTestServer() })
afterAll(() => api[Symbol.asyncDispose]())

const merge = { 'content-type': 'application/merge-patch+json' }
const lease = (name: string, spec = {}) => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec })
const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases'

describe('create', () => {
  test('fills what is the server’s', async () => {
    const { status, body } = await api.ask('POST', configMaps, { body: configMap('c1', { metadata: { name: 'c1', uid: 'mine', creationTimestamp: '2000-01-01T00:00:00Z', generation: 9 }, data: { a: 'b' } }) })
    expect(status).toBe(201)
    expect(body.metadata).toMatchObject({ name: 'c1', namespace: 'default', uid: expect.stringMatching(/^[0-9a-f-]{36}$/), managedFields: [{ manager: 'unknown', operation: 'Update' }] })
    expect(body.metadata['uid']).not.toBe('mine')
    expect(body.metadata['creationTimestamp']).not.toBe('2000-01-01T00:00:00Z')
    expect(body.metadata).not.toHaveProperty('generation')
  })

  test('makes a name', async () => {
    const { body } = await api.ask('POST', configMaps, { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' } } })
    expect(body.metadata['name']).toMatch(/^made-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  })

  test('tries other names when one is taken, but not for ever', async () => {
    let calls = 0
    const random = { next: () => (calls++ < 10 ? 0 : 0.5), uuid: () => crypto.randomUUID() }
    await using own = await startTestServer({ random })
    const make = () => own.ask('POST', configMaps, { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' } } })
    expect((await make()).body.metadata['name']).toBe('made-bbbbb')
    expect((await make()).body.metadata['name']).toBe('made-ppppp'.replaceAll('p', 'bcdfghjklmnpqrstvwxz2456789'[13] ?? ''))
    expect((await make()).body).toMatchObject({ code: 409, reason: 'AlreadyExists', message: expect.stringContaining('the server was not able to generate a unique name for the object') })
  })

  for (const [name, body, code, message] of [
    ['a name that is taken', configMap('c1'), 409, 'configmaps "c1" already exists'],
    ['no name', { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }, 422, 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'],
    ['another namespace', configMap('x', { metadata: { name: 'x', namespace: 'other' } }), 400, 'the namespace of the provided object does not match the namespace sent on the request'],
    ['a name that leads elsewhere', configMap('..'), 422, undefined],
    ['another kind', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }, 400, undefined],
  ] as const) {
    test(`${name} is refused`, async () => {
      const answer = await api.ask('POST', configMaps, { body })
      expect(answer.status).toBe(code)
      if (message !== undefined) expect(answer.body.message).toBe(message)
    })
  }

  test('dry runs store nothing', async () => {
    const { status, body } = await api.ask('POST', `${configMaps}?dryRun=All`, { body: configMap('dry') })
    expect([status, body.metadata['name']]).toEqual([201, 'dry'])
    expect((await api.ask('GET', `${configMaps}/dry`)).status).toBe(404)
    expect((await api.ask('POST', `${configMaps}?dryRun=Some`, { body: configMap('dry') })).body.message).toBe('CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: "Some": supported values: "All"')
  })

  test('unknown fields are warned about, or refused', async () => {
    const body = { ...configMap('u1'), wrong: 1 }
    expect((await api.ask('POST', configMaps, { body })).headers['warning']).toBe('299 - "unknown field \\"wrong\\""')
    expect((await api.ask('POST', `${configMaps}?fieldValidation=Strict`, { body: { ...body, metadata: { name: 'u2' } } })).body).toMatchObject({ code: 400, message: expect.stringContaining('strict decoding error: unknown field "wrong"') })
  })

  test('keys called __proto__ stay data', async () => {
    const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto"},"data":{"__proto__":"polluted"}}'
    const { text } = await api.ask('POST', configMaps, { body })
    expect(text).toContain('"data":{"__proto__":"polluted"}')
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    expect((await api.ask('GET', `${configMaps}/proto`)).text).toBe(text)
  })
})

describe('update', () => {
  test('needs the newest version, if it names one', async () => {
    const { body } = await api.ask('POST', configMaps, { body: configMap('p1') })
    expect((await api.ask('PUT', `${configMaps}/p1`, { body: { ...body, data: { a: '1' } } })).status).toBe(200)
    expect((await api.ask('PUT', `${configMaps}/p1`, { body: { ...body, data: { a: '2' } } })).body).toMatchObject({ code: 409, reason: 'Conflict',
      message: 'Operation cannot be fulfilled on configmaps "p1": the object has been modified; please apply your changes to the latest version and try again' })
    expect((await api.ask('PUT', `${configMaps}/p1`, { body: configMap('p1', { data: { a: '3' } }) })).body).toMatchObject({ data: { a: '3' }, metadata: { uid: body.metadata['uid'] } })
  })

  test('that changes nothing makes no new version', async () => {
    const { body } = await api.ask('POST', configMaps, { body: configMap('p2', { data: { b: '1', a: '2' } }) })
    const again = await api.ask('PUT', `${configMaps}/p2`, { body: configMap('p2', { data: { a: '2', b: '1' } }) })
    expect(again.body).toEqual(body)
  })

  test('a uid is a precondition', async () => expect((await api.ask('PUT', `${configMaps}/p2`, { body: configMap('p2', { metadata: { name: 'p2', uid: 'other' } }) })).body).toMatchObject({ code: 409,
    message: expect.stringMatching(/^Operation cannot be fulfilled on configmaps "p2": Precondition failed: UID in precondition: other, UID in object meta: /) }))
  test('of what is not there: 404', async () => expect((await api.ask('PUT', `${configMaps}/none`, { body: configMap('none') })).body.message).toBe('configmaps "none" not found'))
  test('creates kinds that allow it', async () => expect((await api.ask('PUT', `${leases}/l1`, { body: lease('l1') })).status).toBe(201))
  test('the name must be that of the path', async () =>
    expect((await api.ask('PUT', `${configMaps}/p2`, { body: configMap('p1') })).body.message).toBe('the name of the object (p1) does not match the name on the URL (p2)'))
  test('system fields cannot be changed', async () => expect((await api.ask('PUT', `${configMaps}/p2`, { body: configMap('p2', { metadata: { name: 'p2', deletionGracePeriodSeconds: 5 } }) })).body).toMatchObject({ code: 422,
    message: 'ConfigMap "p2" is invalid: metadata.deletionGracePeriodSeconds: Invalid value: 5: field is immutable' }))
  test('thirty-two writers lose nothing', async () => {
    await api.ask('POST', configMaps, { body: configMap('counter', { data: { n: '0' } }) })
    const once = async (): Promise<void> => {
      for (;;) {
        const { body } = await api.ask('GET', `${configMaps}/counter`)
        const { n } = body['data'] as { n: string }
        if ((await api.ask('PUT', `${configMaps}/counter`, { body: { ...body, data: { n: String(Number(n) + 1) } } })).status === 200) return
      }
    }
    await Promise.all(Array.from({ length: 32 }, async () => { for (let round = 0; round < 4; round += 1) await once() }))
    expect((await api.ask('GET', `${configMaps}/counter`)).body['data']).toEqual({ n: '128' })
  })
})

describe('patch', () => {
  beforeAll(() => api.ask('POST', configMaps, { body: configMap('patched', { data: { a: '1', b: '2' } }) }))
  for (const [name, type, body, data] of [
    ['merge', 'application/merge-patch+json', { data: { a: null, c: '3' } }, { b: '2', c: '3' }],
    ['JSON', 'application/json-patch+json', [{ op: 'add', path: '/data/d', value: '4' }], { b: '2', c: '3', d: '4' }],
    ['strategic', 'application/strategic-merge-patch+json', { data: { d: null } }, { b: '2', c: '3' }],
    ['apply', 'application/apply-patch+yaml', { apiVersion: 'v1', kind: 'ConfigMap', data: { e: '5' } }, { b: '2', c: '3', e: '5' }],
  ] as const) test(name, async () => expect((await api.ask('PATCH', `${configMaps}/patched?fieldManager=me`, { headers: { 'content-type': type }, body })).body['data']).toEqual(data))

  test('many at once all arrive', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, index) => api.ask('PATCH', `${configMaps}/patched`, { headers: merge, body: { metadata: { labels: { [`l${index}`]: 'x' } } } })))
    expect(Object.keys((await api.ask('GET', `${configMaps}/patched`)).body.metadata['labels'] as object)).toHaveLength(40)
  })
  test('of what is not there: 404', async () => expect((await api.ask('PATCH', `${configMaps}/none`, { headers: merge, body: {} })).status).toBe(404))
  test('apply creates what is not there', async () =>
    expect((await api.ask('PATCH', `${configMaps}/applied?fieldManager=me`, { headers: { 'content-type': 'application/apply-patch+yaml' }, body: 'apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n' }))).toMatchObject({ status: 201,
      body: { metadata: { name: 'applied', managedFields: [{ manager: 'me', operation: 'Apply', fieldsV1: { 'f:data': { 'f:a': {} } } }] } } }))
  test('apply needs a manager', async () => expect((await api.ask('PATCH', `${configMaps}/applied`, { headers: { 'content-type': 'application/apply-patch+yaml' }, body: {} })).body.message)
    .toBe('PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'))
  test('an unknown type: 415', async () => expect((await api.ask('PATCH', `${configMaps}/applied`, { headers: { 'content-type': 'application/json' }, body: {} })).status).toBe(415))
})

describe('generation', () => {
  const deployments = '/apis/apps/v1/namespaces/default/deployments'
  const deployment = (replicas: number) => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'g' }, spec: { replicas, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'host' }] } } } })
  test('grows with the specification, and with nothing else', async () => {
    const generation = ({ body }: { body: { metadata: Record<string, unknown> } }): unknown => body.metadata['generation']
    expect(generation(await api.ask('POST', deployments, { body: deployment(1) }))).toBe(1)
    expect(generation(await api.ask('PATCH', `${deployments}/g`, { headers: merge, body: { metadata: { labels: { x: 'y' } } } }))).toBe(1)
    expect(generation(await api.ask('PATCH', `${deployments}/g`, { headers: merge, body: { spec: { replicas: 2 } } }))).toBe(2)
    const status = await api.ask('PATCH', `${deployments}/g/status`, { headers: merge, body: { spec: { replicas: 7 }, status: { replicas: 2, observedGeneration: 2 } } })
    expect(status.body).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 2 }, status: { replicas: 2, observedGeneration: 2 } })
    const main = await api.ask('PATCH', `${deployments}/g`, { headers: merge, body: { status: { replicas: 9 } } })
    expect(main.body).toMatchObject({ status: { replicas: 2 } })
  })

  test('scale is a Scale', async () => {
    expect((await api.ask('GET', `${deployments}/g/scale`)).body).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'g', namespace: 'default' }, spec: { replicas: 2 }, status: { replicas: 2, selector: 'a=b' } })
    expect((await api.ask('PATCH', `${deployments}/g/scale`, { headers: merge, body: { spec: { replicas: 5 } } })).body).toMatchObject({ kind: 'Scale', spec: { replicas: 5 } })
    expect((await api.ask('GET', `${deployments}/g`)).body).toMatchObject({ spec: { replicas: 5 }, metadata: { generation: 3 } })
    expect((await api.ask('PUT', `${deployments}/g/scale`, { body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'g' }, spec: { replicas: -1 } } })).body.message)
      .toBe('Scale.autoscaling "g" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0')
    expect((await api.ask('PUT', `${deployments}/g/scale`, { body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'g', resourceVersion: '1' }, spec: { replicas: 1 } } })).status).toBe(409)
  })
})
