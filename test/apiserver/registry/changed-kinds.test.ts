/** Status, scale, generation, patches and replacements of workloads and quotas, through the whole server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { startTestServer, type Answer, type TestServer } from '../support.ts'

let api: TestServer
beforeAll(async () => { api = await startTestServer() })
afterAll(() => api[Symbol.asyncDispose]())

const labels = { app: 'web' }
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'a' }] } }
const at = (groupVersion: string, plural: string): string => `${groupVersion === 'v1' ? '/api' : '/apis'}/${groupVersion}/namespaces/default/${plural}`
const statefulSets = at('apps/v1', 'statefulsets')
const controllers = at('v1', 'replicationcontrollers')
const budgets = at('policy/v1', 'poddisruptionbudgets')
const autoscalers = at('autoscaling/v2', 'horizontalpodautoscalers')
const quotas = at('v1', 'resourcequotas')
const ranges = at('v1', 'limitranges')

const post = async (path: string, name: string, rest: object): Promise<Answer> => {
  const answer = await api.ask('POST', path, { body: { metadata: { name, labels }, ...rest } })
  expect(answer.status, answer.text).toBe(201)
  return answer
}
const patch = (path: string, body: object, type = 'strategic-merge-patch+json'): Promise<Answer> => api.ask('PATCH', path, { body, headers: { 'content-type': `application/${type}` } })
const generation = (answer: Answer): unknown => answer.body.metadata['generation']

describe('generations grow with the spec, and with nothing else', () => {
  for (const [name, path, object, change, status] of [
    ['stateful set', statefulSets, { spec: { selector: { matchLabels: labels }, template } }, { spec: { replicas: 3 } }, { readyReplicas: 0, replicas: 1 }],
    ['replication controller', controllers, { spec: { template } }, { spec: { replicas: 3 } }, { replicas: 1 }],
    ['cron job', at('batch/v1', 'cronjobs'), { spec: { schedule: '@daily', jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } } } }, { spec: { suspend: true } }, { lastScheduleTime: '2026-01-01T00:00:00Z' }],
    ['disruption budget', budgets, { spec: { minAvailable: 1 } }, { spec: { minAvailable: 2 } }, { observedGeneration: 1 }],
  ] as const) test(name, async () => {
    await post(path, 'grows', object)
    expect(generation(await patch(`${path}/grows`, { metadata: { annotations: { a: 'b' } } }))).toBe(1)
    const told = await patch(`${path}/grows/status`, { status, ...change }, 'merge-patch+json')
    expect([told.status, generation(told), told.body['status']]).toMatchObject([200, 1, status])
    const changed = await patch(`${path}/grows`, { ...change, status: null })
    expect([changed.status, generation(changed), changed.body['status']]).toMatchObject([200, 2, status])
    expect(changed.body['spec']).toMatchObject(change.spec)
    expect((await api.ask('DELETE', `${path}?labelSelector=app=web&propagationPolicy=Background`)).status).toBe(200)
    expect((await api.ask('GET', `${path}/grows`)).status).toBe(404)
  })
})

describe('scale', () => {
  for (const [name, path, spec] of [['stateful set', statefulSets, { selector: { matchLabels: labels }, template }], ['replication controller', controllers, { template }]] as const) test(name, async () => {
    await post(path, 'scaled', { spec })
    expect((await api.ask('GET', `${path}/scaled/scale`)).body).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 1 }, status: { replicas: 0, selector: 'app=web' } })
    expect((await patch(`${path}/scaled/scale`, { spec: { replicas: 4 } }, 'merge-patch+json')).body['spec']).toEqual({ replicas: 4 })
    expect((await api.ask('GET', `${path}/scaled`)).body).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 4 } })
  })
})

describe('replacements', () => {
  test('of budgets and autoscalers name the version that they replace', async () => {
    for (const [path, spec] of [[budgets, { minAvailable: 1 }], [autoscalers, { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'web' } }]] as const) {
      const { metadata: { resourceVersion }, ...made } = (await post(path, 'pinned', { spec })).body as unknown as { metadata: Record<string, unknown> }
      const named = { ...made, metadata: { name: 'pinned' } }
      expect((await api.ask('PUT', `${path}/pinned`, { body: named })).body.message).toMatch(/metadata\.resourceVersion: Invalid value: .*: must be specified for an update$/)
      expect((await api.ask('PUT', `${path}/pinned`, { body: { ...named, metadata: { name: 'pinned', resourceVersion } } })).status).toBe(200)
    }
  })
  test('of limit ranges make those that are not there', async () => {
    expect((await api.ask('PUT', `${ranges}/put`, { body: { metadata: { name: 'put' }, spec: { limits: [] } } })).status).toBe(201)
    expect((await api.ask('PUT', `${quotas}/put`, { body: { metadata: { name: 'put' }, spec: {} } })).status).toBe(404)
  })
})

describe('strategic merge', () => {
  const merged = async (path: string, name: string, { object, change }: { object: object; change: object }): Promise<JsonObject> => {
    await post(path, name, object)
    const answer = await patch(`${path}/${name}`, change)
    expect(answer.status, answer.text).toBe(200)
    return answer.body['spec'] as JsonObject
  }
  test('containers of a template merge by their names', async () => expect(await merged(controllers, 'merged', { object: { spec: { template } }, change: { spec: { template: { spec: { containers: [{ name: 'd', image: 'b' }] } } } } }))
    .toMatchObject({ template: { spec: { containers: [{ name: 'd' }, { name: 'c' }] } } }))
  test('limits are replaced as a whole', async () => expect(await merged(ranges, 'merged', { object: { spec: { limits: [{ type: 'Pod', max: { cpu: '1' } }] } }, change: { spec: { limits: [{ type: 'Container', max: { cpu: '2' } }] } } }))
    .toMatchObject({ limits: [{ type: 'Container' }] }))
  test('a budget\'s selector is replaced as a whole', async () => expect(await merged(budgets, 'merged', { object: { spec: { selector: { matchLabels: { a: 'b' } } } }, change: { spec: { selector: { matchLabels: { c: 'd' } } } } }))
    .toEqual({ selector: { matchLabels: { c: 'd' } } }))
  test('amounts of a quota one by one', async () => expect(await merged(quotas, 'merged', { object: { spec: { hard: { pods: '1', cpu: '1' } } }, change: { spec: { hard: { pods: '2', cpu: null } } } }))
    .toEqual({ hard: { pods: '2' } }))
})

test('server-side apply of an autoscaler owns what it says', async () => {
  const apply = (manager: string, spec: object, force = ''): Promise<Answer> => api.ask('PATCH', `${autoscalers}/applied?fieldManager=${manager}${force}`, {
    body: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'applied' }, spec }, headers: { 'content-type': 'application/apply-patch+yaml' } })
  const scaleTargetRef = { kind: 'Deployment', name: 'web' }
  expect((await apply('one', { scaleTargetRef, maxReplicas: 3 })).status).toBe(201)
  expect(await apply('two', { scaleTargetRef, maxReplicas: 4 })).toMatchObject({ status: 409, body: { message: 'Apply failed with 1 conflict: conflict with "one": .spec.maxReplicas' } })
  expect((await apply('two', { scaleTargetRef, maxReplicas: 4 }, '&force=true')).body['spec']).toMatchObject({ maxReplicas: 4, minReplicas: 1 })
})
