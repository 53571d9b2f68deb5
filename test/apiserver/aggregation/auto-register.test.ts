/** Expectations: the table above checkAPIService of kube-aggregator's `pkg/controllers/autoregister/autoregister_controller.go`, and crdregistration_controller_test.go. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { APIService } from '../../../src/api/types.ts'
import { type Registration, registrationSteps } from '../../../src/apiserver/aggregation/auto-register.ts'
import { crd, definitions, establish, until } from '../crd/support.ts'
import { startTestServer, type TestServer } from '../support.ts'

const spec = { group: 'g', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10 }
const wanted = (management: Registration['management']): Registration => ({ name: 'v1.g', management, spec })
const current = (label: string | undefined, more: object = {}): APIService =>
  ({ metadata: { name: 'v1.g', ...(label && { labels: { 'kube-aggregator.kubernetes.io/automanaged': label } }) }, spec: { ...spec, ...more }, status: {} }) as unknown as APIService
const other = { versionPriority: 11 }
const pending = new Set(['v1.g'])

test.each<[string, APIService[], Registration[], Set<string>, string[]]>([
  ['not there, wanted on start', [], [wanted('onstart')], pending, ['create']],
  ['not there, wanted on start, long after it', [], [wanted('onstart')], new Set(), []],
  ['not there, wanted always', [], [wanted('true')], new Set(), ['create']],
  ['somebody\'s own, wanted on start', [current(undefined, other)], [wanted('onstart')], pending, []],
  ['somebody\'s own, wanted always', [current(undefined, other)], [wanted('true')], new Set(), []],
  ['from before the start, changed', [current('onstart', other)], [wanted('onstart')], pending, ['update']],
  ['changed after the start', [current('onstart', other)], [wanted('onstart')], new Set(), []],
  ['as wanted', [current('onstart')], [wanted('onstart')], pending, []],
  ['changed, wanted always', [current('true', other)], [wanted('true')], new Set(), ['update']],
  ['kept always, wanted no more', [current('true')], [], new Set(), ['delete']],
  ['of an older server\'s start', [current('onstart')], [], pending, ['delete']],
  ['on start, wanted no more', [current('onstart')], [], new Set(), []],
  ['not there, made once', [], [wanted('once')], pending, ['create']],
  ['taken over by a server of the user\'s', [current(undefined, { service: { namespace: 'a', name: 'b' } })], [wanted('once')], pending, []],
])('%s', (_name, existing, registrations, open, steps) => expect(registrationSteps(existing, registrations, open).map((step) => step.do)).toEqual(steps))

let api: TestServer
beforeAll(async () => { api = await startTestServer({ aggregation: {} }) })
afterAll(() => api[Symbol.asyncDispose]())

test('each served version of a custom resource has one, for as long as it is served', async () => {
  const path = '/apis/apiregistration.k8s.io/v1/apiservices/v1.stable.example.com'
  await Promise.all([establish(api), until(api, path, () => true)])
  const { body } = await api.ask('GET', path)
  expect(body).toMatchObject({ metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'true' } }, spec: { group: 'stable.example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 100 }, status: { conditions: [{ reason: 'Local' }] } })
  const gone = until(api, path, (_object, type) => type === 'DELETED')
  expect((await api.ask('DELETE', `${definitions}/${(crd()['metadata'] as { name: string }).name}`)).status).toBe(200)
  await gone
})
