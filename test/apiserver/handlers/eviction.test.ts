/** In the words of upstream's `pkg/registry/core/pod/storage/eviction.go` and its tests. A test writes the statuses that the kubelet and the disruption controller would. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AdmissionAttributes } from '../../../src/apiserver/admission/plugin.ts'
import { startTestServer, type Answer, type TestServer } from '../support.ts'

let api: TestServer
let namespaces = 0
const admitted: Pick<AdmissionAttributes, 'operation' | 'subresource' | 'bodyKind'>[] = []
beforeAll(async () => {
  api = await startTestServer({ admission: [{ name: 'Witness', validate: ({ operation, subresource, bodyKind }) => { admitted.push({ operation, subresource, ...(bodyKind && { bodyKind }) }) } }] })
})
afterAll(() => api[Symbol.asyncDispose]())

const labels = { app: 'web' }
interface Given { phase?: string; ready?: boolean; labels?: object; budgets?: { name?: string; spec?: object; status?: object; selector?: object }[] }

/** A namespace with a pod `p` and its budgets. */
const given = async ({ phase = 'Running', ready = true, labels: own = labels, budgets = [] }: Given): Promise<string> => {
  const core = `/api/v1/namespaces/e${namespaces += 1}`
  const pod = await api.ask('POST', `${core}/pods`, { body: { metadata: { name: 'p', labels: own }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'a' }] } } })
  expect((await api.ask('PUT', `${core}/pods/p/status`, { body: { ...pod.body, status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] } } })).status).toBe(200)
  for (const { name = 'budget', spec = { minAvailable: 1 }, status = {}, selector = { matchLabels: labels } } of budgets) {
    const path = `${core.replace('/api/', '/apis/policy/')}/poddisruptionbudgets`
    const made = await api.ask('POST', path, { body: { metadata: { name }, spec: { ...spec, selector } } })
    expect((await api.ask('PUT', `${path}/${name}/status`, { body: { ...made.body, status: { observedGeneration: 1, ...status } } })).status).toBe(200)
  }
  return core
}
const evict = (core: string, more: object = {}): Promise<Answer> => api.ask('POST', `${core}/pods/p/eviction`, { body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' }, ...more } })
const podOf = (core: string): Promise<Answer> => api.ask('GET', `${core}/pods/p`)
const budgetOf = async (core: string, name = 'budget'): Promise<unknown> => (await api.ask('GET', `${core.replace('/api/', '/apis/policy/')}/poddisruptionbudgets/${name}`)).body['status']
const isGoing = async (core: string): Promise<boolean> => { const { status, body } = await podOf(core); return status === 404 || body.metadata['deletionTimestamp'] !== undefined }

test.each<[string, number, string | undefined]>([
  ['policy/v1beta1', 201, undefined], ['policy/v1alpha1', 400, 'Eviction in version "v1alpha1" cannot be handled as a Eviction: no kind "Eviction" is registered for version "policy/v1alpha1" in scheme "pkg/api/legacyscheme/scheme.go:30"'],
])('%s', async (apiVersion, status, message) => {
  const answer = await evict(await given({}), { apiVersion })
  expect([answer.status, answer.status === 201 ? undefined : answer.body.message]).toEqual([status, message])
})

describe('a budget', () => {
  const healthy = { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 }
  test('that allows it is spent, and names the pod', async () => {
    const core = await given({ budgets: [{ status: healthy }] })
    expect(await evict(core)).toMatchObject({ status: 201, body: { kind: 'Status', status: 'Success' } })
    expect(await budgetOf(core)).toMatchObject({ disruptionsAllowed: 0, currentHealthy: 2, disruptedPods: { p: expect.stringMatching(/^\d{4}-.*Z$/) as string },
      conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', observedGeneration: 1 }] })
    expect((await podOf(core)).body).toMatchObject({ metadata: { deletionGracePeriodSeconds: 30 }, status: { conditions: [{ type: 'Ready' }, { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' }] } })
  })
  test('that does not allow it refuses with 429', async () => {
    const core = await given({ budgets: [{ status: { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2 } }] })
    const { status, body, headers } = await evict(core)
    expect(status).toBe(429)
    expect(body).toEqual({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: "Cannot evict pod as it would violate the pod's disruption budget.", reason: 'TooManyRequests',
      details: { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget budget needs 2 healthy pods and has 2 currently' }] }, code: 429 })
    expect(headers['retry-after']).toBeUndefined()
    expect(await isGoing(core)).toBe(false)
  })
  test('that nobody has counted since it changed lets the client try again in ten seconds', async () => {
    const { status, body, headers } = await evict(await given({ budgets: [{ status: { ...healthy, observedGeneration: 0 } }] }))
    expect([status, headers['retry-after'], body['details']]).toEqual([429, '10', { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget budget is still being processed by the server.' }], retryAfterSeconds: 10 }])
  })
  test('that cannot be counted says why', async () => {
    const condition = { type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message: 'found no controllers', lastTransitionTime: '2026-01-01T00:00:00Z' }
    const { status, body } = await evict(await given({ budgets: [{ status: { conditions: [condition] } }] }))
    expect([status, body['details']]).toMatchObject([429, { causes: [{ message: 'The disruption budget budget does not allow evicting pods currently because it failed sync: found no controllers' }] }])
  })
  test('one of several: 500', async () => {
    const core = await given({ budgets: [{ status: healthy }, { name: 'other', status: healthy }] })
    expect(await evict(core)).toMatchObject({ status: 500, body: { status: 'Failure', code: 500, message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.' } })
    expect(await isGoing(core)).toBe(false)
  })
  test('of other pods does not count, an empty selector means all', async () => {
    expect((await evict(await given({ budgets: [{ selector: { matchLabels: { app: 'db' } } }] }))).status).toBe(201)
    expect((await evict(await given({ budgets: [{ selector: {} }] }))).status).toBe(429)
    expect((await evict(await given({ labels: {}, budgets: [{ selector: {} }] }))).status).toBe(201)
  })
  test('dry run: judged, nothing spent, nothing deleted', async () => {
    const core = await given({ budgets: [{ status: healthy }] })
    expect((await evict(core, { deleteOptions: { dryRun: ['All'] } })).status).toBe(201)
    expect(await isGoing(core)).toBe(false)
    expect((await budgetOf(core)) as object).toMatchObject({ disruptionsAllowed: 1 })
    expect((await evict(await given({ budgets: [{}] }), { deleteOptions: { dryRun: ['All'] } })).status).toBe(429)
  })
  test('of one disruption lets one of many evictions through', async () => {
    const core = await given({ budgets: [{ status: healthy }] })
    for (let index = 0; index < 5; index += 1) {
      const made = await api.ask('POST', `${core}/pods`, { body: { metadata: { name: `p${index}`, labels }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'a' }] } } })
      await api.ask('PUT', `${core}/pods/p${index}/status`, { body: { ...made.body, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } } })
    }
    const answers = await Promise.all(Array.from({ length: 5 }, (_, index) => api.ask('POST', `${core}/pods/p${index}/eviction`, { body: { metadata: { name: `p${index}` } } })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 429, 429, 429, 429])
  })
})

describe('pods that are not ready', () => {
  for (const [name, spec, status, code] of [
    ['go where the healthy ones suffice', { minAvailable: 1 }, { currentHealthy: 1, desiredHealthy: 1 }, 201],
    ['stay where they do not', { minAvailable: 2 }, { currentHealthy: 1, desiredHealthy: 2 }, 429],
    ['stay where nothing is desired yet', { minAvailable: 2 }, { currentHealthy: 0, desiredHealthy: 0 }, 429],
    ['always go, if the budget says so', { minAvailable: 2, unhealthyPodEvictionPolicy: 'AlwaysAllow' }, { currentHealthy: 1, desiredHealthy: 2 }, 201],
    ['stay with IfHealthyBudget where they do not', { minAvailable: 2, unhealthyPodEvictionPolicy: 'IfHealthyBudget' }, { currentHealthy: 1, desiredHealthy: 2 }, 429],
  ] as const) test(name, async () => {
    const core = await given({ ready: false, budgets: [{ spec, status: { disruptionsAllowed: 0, ...status } }] })
    expect((await evict(core)).status).toBe(code)
    expect(await isGoing(core)).toBe(code === 201)
    expect(await budgetOf(core)).not.toHaveProperty('disruptedPods')
  })
})

describe('without any budget', () => {
  for (const phase of ['Pending', 'Succeeded', 'Failed']) test(`a pod that is ${phase} goes, whatever its budget says`, async () => {
    const core = await given({ phase, ready: false, budgets: [{ status: { disruptionsAllowed: 0 } }] })
    expect((await evict(core)).status).toBe(201)
    expect(await isGoing(core)).toBe(true)
  })
  test('preconditions hold, or 409', async () => {
    const core = await given({})
    const { uid, resourceVersion } = (await podOf(core)).body.metadata as { uid: string; resourceVersion: string }
    expect(await evict(core, { deleteOptions: { preconditions: { uid: 'other' } } })).toMatchObject({ status: 409, body: { reason: 'Conflict' } })
    expect(await evict(core, { deleteOptions: { preconditions: { resourceVersion: '1' } } })).toMatchObject({ status: 409, body: { reason: 'Conflict' } })
    expect(await isGoing(core)).toBe(false)
    expect((await evict(core, { deleteOptions: { preconditions: { uid, resourceVersion } } })).status).toBe(201)
  })
  test('its own name is asked for', async () => {
    expect(await evict(await given({}), { metadata: {} })).toMatchObject({ status: 400, body: { message: 'name in URL does not match name in Eviction object' } })
    expect((await evict('/api/v1/namespaces/none')).status).toBe(404)
  })
  test('admission sees the eviction and neither the update nor the deletion', async () => {
    const core = await given({})
    admitted.length = 0
    await evict(core)
    expect(admitted).toEqual([{ operation: 'CREATE', subresource: 'eviction', bodyKind: { group: 'policy', version: 'v1', kind: 'Eviction' } }])
  })
})
