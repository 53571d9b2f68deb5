/** resize, ephemeralcontainers, bindings: in the words of upstream's ValidatePodResize, ValidatePodEphemeralContainersUpdate and BindingREST. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { limitRanger } from '../../../src/apiserver/admission/limit-ranger.ts'
import { startTestServer, type Answer, type TestServer } from '../support.ts'

let api: TestServer
let count = 0
beforeAll(async () => { api = await startTestServer({ admission: [limitRanger] }) })
afterAll(() => api[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'
const merge = { 'content-type': 'application/strategic-merge-patch+json' }
const make = async (spec: object = {}, metadata: object = {}): Promise<string> => {
  const name = `p${count += 1}`
  const answer = await api.ask('POST', pods, { body: { metadata: { name, ...metadata }, spec: { containers: [{ name: 'c', image: 'a', resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m' } } }], ...spec } } })
  expect(answer.text).toContain('"uid"')
  return `${pods}/${name}`
}
const patch = (path: string, subresource: string, body: object): Promise<Answer> => api.ask('PATCH', `${path}/${subresource}`, { body, headers: merge })
const resize = (path: string, resources: object, name = 'c'): Promise<Answer> => patch(path, 'resize', { spec: { containers: [{ name, resources }] } })
const said = ({ body }: Answer): string => body.message.replace(/^Pod "p\d+" is invalid: /, '').split('\n')[0] ?? ''

describe('resize', () => {
  test('cpu and memory change, and the generation', async () => {
    const path = await make()
    const answer = await resize(path, { requests: { cpu: '150m' }, limits: { cpu: '300m' } })
    expect(answer).toMatchObject({ status: 200, body: { metadata: { generation: 2 }, spec: { containers: [{ resources: { requests: { cpu: '150m', memory: '64Mi' }, limits: { cpu: '300m' } } }] }, status: { qosClass: 'Burstable' } } })
    expect((await api.ask('GET', `${path}/resize`)).body).toEqual(answer.body)
  })
  test('what else is sent is dropped', async () => {
    const path = await make()
    const { body } = await patch(path, 'resize', { metadata: { labels: { a: 'b' } }, spec: { activeDeadlineSeconds: 5, containers: [{ name: 'c', image: 'b', resources: { requests: { cpu: '110m' } } }] } })
    expect(body.metadata['labels']).toBeUndefined()
    expect(body['spec']).toMatchObject({ containers: [{ image: 'a', resources: { requests: { cpu: '110m' } } }] })
    expect(body['spec']).not.toHaveProperty('activeDeadlineSeconds')
  })
  test('not by an update of the pod', async () => {
    const path = await make()
    expect(said(await api.ask('PATCH', path, { body: { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '1m' } } }] } }, headers: merge }))).toMatch(/^spec: Forbidden: pod updates may not change fields other than/)
  })
  for (const [name, resources, message] of [
    ['requests may not go', { requests: { memory: null } }, 'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed'],
    ['limits may not go', { limits: null }, 'spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed'],
    ['the class of service stays', { requests: { cpu: '200m', memory: '64Mi' }, limits: { cpu: '200m', memory: '64Mi' } }, 'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing'],
    ['other resources stay', { requests: { 'example.com/gpu': '1' }, limits: { 'example.com/gpu': '1' } }, 'spec: Forbidden: only cpu and memory resources are mutable'],
    ['requests stay below limits', { requests: { cpu: '300m' } }, 'spec.containers[0].resources.requests: Invalid value: "300m": must be less than or equal to cpu limit of 200m'],
  ] as const) test(name, async () => {
    const answer = await resize(await make(), resources)
    expect([answer.status, said(answer)]).toEqual([422, message])
  })
  describe('of the pod as a whole', () => {
    const whole = (resources: object | undefined): Promise<string> => make({ ...(resources && { resources }) })
    const asked = { requests: { cpu: '200m', memory: '128Mi' }, limits: { cpu: '400m' } }
    for (const [name, before, resources, expected] of [
      ['changes', asked, { requests: { cpu: '300m' }, limits: { cpu: '500m' } }, { requests: { cpu: '300m', memory: '128Mi' }, limits: { cpu: '500m' } }],
      ['comes', undefined, { requests: { cpu: '300m', memory: '128Mi' } }, { requests: { cpu: '300m', memory: '128Mi' } }],
    ] as const) test(name, async () => {
      const answer = await patch(await whole(before), 'resize', { spec: { resources } })
      expect([answer.status, answer.body.metadata['generation'], (answer.body['spec'] as JsonObject)['resources']]).toEqual([200, 2, expected])
    })
    for (const [name, resources, message, before = asked] of [
      ['requests may not go', { requests: { memory: null } }, 'spec.resources.requests: Forbidden: resource requests cannot be removed', { requests: asked.requests }],
      ['limits may not go', { limits: null }, 'spec.resources.limits: Forbidden: resource limits cannot be removed'],
      ['its containers must fit in', { requests: { cpu: '50m' } }, 'spec.resources.requests[cpu]: Invalid value: "50m": must be greater than or equal to aggregate container requests of 100m'],
      ['the class of service stays', { requests: { cpu: '400m', memory: '128Mi' }, limits: { cpu: '400m', memory: '128Mi' } }, 'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing'],
      ['huge pages stay', { requests: { 'hugepages-2Mi': '2Mi' }, limits: { 'hugepages-2Mi': '2Mi' } }, 'spec: Forbidden: only cpu and memory resources are mutable'],
    ] as const) test(name, async () => {
      const answer = await patch(await whole(before), 'resize', { spec: { resources } })
      expect([answer.status, said(answer)]).toEqual([422, message])
    })
    test('not by an update of the pod', async () => {
      expect(said(await api.ask('PATCH', await whole(asked), { body: { spec: { resources: { requests: { cpu: '300m' } } } }, headers: merge }))).toMatch(/^spec: Forbidden: pod updates may not change fields other than/)
    })
  })
  test('containers are neither added nor renamed', async () => {
    const path = await make()
    expect(said(await resize(path, { requests: { cpu: '1m' } }, 'other'))).toContain('spec.containers: Forbidden: containers may not be added or removed on resize')
  })
  test('containers keep their order', async () => {
    const path = await make({ containers: ['c1', 'c2'].map((name) => ({ name, image: 'a', resources: { requests: { cpu: '1m' } } })) })
    const turned = await patch(path, 'resize', { spec: { '$setElementOrder/containers': [{ name: 'c2' }, { name: 'c1' }], containers: [{ name: 'c2', resources: { requests: { cpu: '2m' } } }, { name: 'c1', resources: { requests: { cpu: '2m' } } }] } })
    expect(turned.body.message).toContain('spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize, spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize')
  })
  test('init containers only if they stay', async () => {
    const init = (restartPolicy?: string): object => ({ initContainers: [{ name: 'i', image: 'a', ...(restartPolicy && { restartPolicy }), resources: { requests: { cpu: '1m' } } }] })
    const grown = { spec: { initContainers: [{ name: 'i', resources: { requests: { cpu: '2m' } } }] } }
    expect((await patch(await make(init('Always')), 'resize', grown)).status).toBe(200)
    expect(said(await patch(await make(init()), 'resize', grown))).toContain('spec.initContainers[0].resources: Forbidden: resources for non-sidecar init containers are immutable')
  })
  test('not static pods', async () => {
    const path = await make({ nodeName: 'n' }, { annotations: { 'kubernetes.io/config.mirror': 'x', 'kubernetes.io/config.hash': 'x' } })
    expect(said(await resize(path, { requests: { cpu: '1m' } }))).toContain('static pods cannot be resized')
  })
  test('limit ranges hold', async () => {
    const path = await make()
    await api.ask('POST', '/api/v1/namespaces/default/limitranges', { body: { metadata: { name: 'limits' }, spec: { limits: [{ type: 'Pod', max: { cpu: '1' } }] } } })
    const answer = await resize(path, { limits: { cpu: '2' } })
    expect([answer.status, answer.body.message]).toEqual([403, `pods "p${count}" is forbidden: maximum cpu usage per Pod is 1, but limit is 2`])
    await api.ask('DELETE', '/api/v1/namespaces/default/limitranges/limits')
  })
})

describe('ephemeral containers', () => {
  const debug = (name: string, more: object = {}): object => ({ spec: { ephemeralContainers: [{ name, image: 'b', ...more }] } })
  test('are added, with defaults, and nothing else changes', async () => {
    const path = await make()
    const { status, body } = await patch(path, 'ephemeralcontainers', { metadata: { labels: { a: 'b' } }, ...debug('d', { targetContainerName: 'c', stdin: true }) })
    expect([status, body.metadata['generation'], body.metadata['labels']]).toEqual([200, 2, undefined])
    expect((body['spec'] as { ephemeralContainers: unknown }).ephemeralContainers).toEqual([{ name: 'd', image: 'b', targetContainerName: 'c', stdin: true, imagePullPolicy: 'Always', terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', resources: {} }])
    expect((await patch(path, 'ephemeralcontainers', debug('e'))).status).toBe(200)
    expect(((await api.ask('GET', `${path}/ephemeralcontainers`)).body['spec'] as { ephemeralContainers: JsonObject[] }).ephemeralContainers.map(({ name }) => name).sort()).toEqual(['d', 'e'])
    expect(said(await patch(path, 'ephemeralcontainers', { spec: { ephemeralContainers: [{ name: 'd', image: 'other' }] } }))).toContain('existing ephemeral containers "d" may not be changed')
    expect(said(await patch(path, 'ephemeralcontainers', { spec: { ephemeralContainers: [{ name: 'd', $patch: 'delete' }] } }))).toContain('existing ephemeral containers "d" may not be removed')
  })
  for (const [name, more, message] of [
    ['no ports', { ports: [{ containerPort: 1 }] }, 'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container'],
    ['no probes', { livenessProbe: { exec: { command: ['a'] } } }, 'spec.ephemeralContainers[0].livenessProbe: Forbidden: cannot be set for an Ephemeral Container'],
    ['no resources', { resources: { requests: { cpu: '1' } } }, 'spec.ephemeralContainers[0].resources: Forbidden: cannot be set for an Ephemeral Container'],
    ['a target that is there', { targetContainerName: 'x' }, 'spec.ephemeralContainers[0].targetContainerName: Not found: "x"'],
  ] as const) test(name, async () => {
    const answer = await patch(await make(), 'ephemeralcontainers', debug('d', more))
    expect([answer.status, said(answer)]).toEqual([422, message])
  })
  test('a name of its own', async () => expect(said(await patch(await make(), 'ephemeralcontainers', debug('c')))).toBe('spec.ephemeralContainers[0].name: Duplicate value: "c"'))
  test('not with an update of the pod', async () => expect((await api.ask('PATCH', await make(), { body: debug('d'), headers: merge })).status).toBe(422))
  test('not in a pod that does not exist', async () => expect((await patch(`${pods}/none`, 'ephemeralcontainers', debug('d'))).status).toBe(404))
})

describe('the bindings of a namespace', () => {
  const bindings = '/api/v1/namespaces/default/bindings'
  const binding = (name: string, more: object = {}): object => ({ apiVersion: 'v1', kind: 'Binding', metadata: { name }, target: { kind: 'Node', name: 'n' }, ...more })
  test('bind the pod of that name', async () => {
    const path = await make()
    expect(await api.ask('POST', bindings, { body: binding(path.split('/').at(-1) ?? '') })).toMatchObject({ status: 201, body: { kind: 'Status', status: 'Success', code: 201 } })
    expect((await api.ask('GET', path)).body).toMatchObject({ spec: { nodeName: 'n' }, status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } })
    expect((await api.ask('POST', bindings, { body: binding(path.split('/').at(-1) ?? '') })).body).toMatchObject({ reason: 'Conflict', code: 409 })
  })
  test('not of none', async () => expect((await api.ask('POST', bindings, { body: binding('none') })).status).toBe(404))
  test('not to anything but nodes', async () => expect((await api.ask('POST', bindings, { body: binding('x', { target: { kind: 'Pod', name: 'n' } }) })).body.message).toContain('target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"'))
  test('cannot be read', async () => expect((await api.ask('GET', bindings)).status).toBe(405))
})
