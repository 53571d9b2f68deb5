/** In the words of upstream's `plugin/pkg/admission/limitranger` and of the conformance descriptions of LimitRange. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { limitRanger } from '../../../src/apiserver/admission/limit-ranger.ts'
import { startTestServer, type Answer, type TestServer } from '../support.ts'

let api: TestServer
let namespaces = 0
beforeAll(async () => { api = await startTestServer({ admission: [limitRanger] }) })
afterAll(() => api[Symbol.asyncDispose]())

const inNamespaceWith = async (...limits: object[]): Promise<string> => {
  const path = `/api/v1/namespaces/n${namespaces += 1}`
  expect((await api.ask('POST', `${path}/limitranges`, { body: { metadata: { name: 'limits' }, spec: { limits } } })).status).toBe(201)
  return path
}
const container = (resources: object = {}, name = 'c'): object => ({ name, image: 'a', resources })
const create = (path: string, containers: object[], more: object = {}): Promise<Answer> => api.ask('POST', `${path}/pods`, { body: { metadata: { name: 'p' }, spec: { containers, ...more } } })
const resourcesOf = (answer: Answer, list = 'containers'): unknown => (answer.body['spec'] as Record<string, { resources: unknown }[]>)[list]?.map(({ resources }) => resources)

const defaults = { type: 'Container', min: { cpu: '50m', memory: '100Mi' }, max: { cpu: '500m', memory: '500Mi' }, default: { cpu: '500m', memory: '500Mi' }, defaultRequest: { cpu: '100m', memory: '200Mi' } }

describe('defaults', () => {
  test('a container that asks for nothing', async () => {
    const answer = await create(await inNamespaceWith(defaults), [container()])
    expect(resourcesOf(answer)).toEqual([{ limits: { cpu: '500m', memory: '500Mi' }, requests: { cpu: '100m', memory: '200Mi' } }])
    expect((answer.body.metadata['annotations'] as JsonObject)['kubernetes.io/limit-ranger']).toBe('LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c')
  })
  test('what it asks for stays, a limit is a request, too', async () => {
    const answer = await create(await inNamespaceWith(defaults), [container({ requests: { cpu: '100m', memory: '150Mi' }, limits: { memory: '300Mi' } }), container({ limits: { cpu: '300m' } }, 'd')])
    expect(resourcesOf(answer)).toEqual([{ requests: { cpu: '100m', memory: '150Mi' }, limits: { cpu: '500m', memory: '300Mi' } }, { requests: { cpu: '300m', memory: '200Mi' }, limits: { cpu: '300m', memory: '500Mi' } }])
    expect((answer.body.metadata['annotations'] as JsonObject)['kubernetes.io/limit-ranger']).toBe('LimitRanger plugin set: cpu limit for container c; memory request for container d; memory limit for container d')
  })
  test('init containers', async () => {
    const answer = await create(await inNamespaceWith(defaults), [container({ requests: { cpu: '1m', memory: '1Mi' }, limits: { cpu: '1m', memory: '1Mi' } })], { initContainers: [container({}, 'i')] })
    expect(answer.status).toBe(403)
    const fine = await create(await inNamespaceWith({ ...defaults, min: {} }), [container({ requests: { cpu: '1m', memory: '1Mi' }, limits: { cpu: '1m', memory: '1Mi' } })], { initContainers: [container({}, 'i')] })
    expect(resourcesOf(fine, 'initContainers')).toEqual([{ limits: { cpu: '500m', memory: '500Mi' }, requests: { cpu: '100m', memory: '200Mi' } }])
    expect((fine.body.metadata['annotations'] as JsonObject)['kubernetes.io/limit-ranger']).toBe('LimitRanger plugin set: cpu, memory request for init container i; cpu, memory limit for init container i')
  })
})

describe('limits', () => {
  const both = (cpu: string): object => ({ requests: { cpu }, limits: { cpu } })
  for (const [name, limit, containers, message] of [
    ['too little', { type: 'Container', min: { cpu: '100m' } }, [container(both('50m'))], 'minimum cpu usage per Container is 100m, but request is 50m'],
    ['nothing asked', { type: 'Pod', min: { cpu: '100m' } }, [container()], 'minimum cpu usage per Pod is 100m.  No request is specified'],
    ['too much', { type: 'Container', max: { memory: '1Gi' } }, [container({ limits: { memory: '2Gi' } })], 'maximum memory usage per Container is 1Gi, but limit is 2Gi'],
    ['a limit too high', { type: 'Container', max: { cpu: '1' } }, [container({ requests: { cpu: '500m' }, limits: { cpu: '1500m' } })], 'maximum cpu usage per Container is 1, but limit is 1500m'],
    ['all containers together', { type: 'Pod', max: { cpu: '1' } }, [container(both('600m')), container(both('600m'), 'd')], 'maximum cpu usage per Pod is 1, but limit is 1200m'],
    ['no limit together', { type: 'Pod', max: { cpu: '1' } }, [container({ requests: { cpu: '1m' } })], 'maximum cpu usage per Pod is 1.  No limit is specified'],
    ['ratio', { type: 'Container', maxLimitRequestRatio: { cpu: '2' } }, [container({ requests: { cpu: '100m' }, limits: { cpu: '300m' } })], 'cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000'],
    ['ratio of nothing', { type: 'Container', maxLimitRequestRatio: { cpu: '2' } }, [container()], 'cpu max limit to request ratio per Container is 2, but no request is specified or request is 0'],
    ['ratio of no limit', { type: 'Container', maxLimitRequestRatio: { cpu: '2' } }, [container({ requests: { cpu: '1' } })], 'cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0'],
    ['two things at once', { type: 'Container', max: { cpu: '1', memory: '1Mi' } }, [container({ limits: { cpu: '2', memory: '2Mi' } })], '[maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 1Mi, but limit is 2Mi]'],
  ] as const) test(name, async () => {
    const { status, body } = await create(await inNamespaceWith(limit), [...containers])
    expect([status, body.reason, body.message]).toEqual([403, 'Forbidden', `pods "p" is forbidden: ${message}`])
  })
  test('within them', async () => expect((await create(await inNamespaceWith(defaults, { type: 'Pod', max: { cpu: '2' } }), [container(), container({}, 'd')])).status).toBe(201))
  test('claims', async () => {
    const path = await inNamespaceWith({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } })
    const claim = (storage: string): Promise<Answer> => api.ask('POST', `${path}/persistentvolumeclaims`, { body: { metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } } } })
    expect((await claim('500Mi')).body.message).toBe('persistentvolumeclaims "c" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi')
    expect((await claim('3Gi')).body.message).toBe('persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi')
    expect((await claim('2Gi')).status).toBe(201)
  })
  test('changes of a pod are not judged again', async () => {
    const path = await inNamespaceWith({ type: 'Container', max: { cpu: '1' } })
    expect((await create(path, [container(both('1'))])).status).toBe(201)
    await api.ask('PATCH', `${path}/limitranges/limits`, { body: { spec: { limits: [{ type: 'Container', max: { cpu: '500m' } }] } }, headers: { 'content-type': 'application/merge-patch+json' } })
    expect((await api.ask('PATCH', `${path}/pods/p`, { body: { metadata: { labels: { a: 'b' } } }, headers: { 'content-type': 'application/merge-patch+json' } })).status).toBe(200)
  })
})
