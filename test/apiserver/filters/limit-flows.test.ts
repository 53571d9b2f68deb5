import { expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support.ts'
import { fakeClock, settle } from '../../support/fake-clock.ts'
import type { AdmissionPlugin } from '../../../src/apiserver/admission/plugin.ts'

const flowControl = '/apis/flowcontrol.apiserver.k8s.io/v1'
const jane = { name: 'jane', groups: ['system:authenticated'] }
const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })

/** Writes of ConfigMaps named hold-* wait until they are let go. */
const gate = (): { plugin: AdmissionPlugin; open(): void } => {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { plugin: { name: 'gate', mutate: ({ object }) => (object?.metadata.name.startsWith('hold-') ? promise : undefined) }, open: resolve }
}

const configure = async (api: TestServer, limited: object): Promise<void> => {
  const made = [
    await api.ask('POST', `${flowControl}/prioritylevelconfigurations`, { body: { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'PriorityLevelConfiguration', metadata: { name: 'tight' }, spec: { type: 'Limited', limited } } }),
    await api.ask('POST', `${flowControl}/flowschemas`, { body: { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name: 'jane' }, spec: {
      priorityLevelConfiguration: { name: 'tight' }, matchingPrecedence: 50, distinguisherMethod: { type: 'ByUser' },
      rules: [{ subjects: [{ kind: 'User', user: { name: 'jane' } }], resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }] }],
    } } }),
  ]
  expect(made.map(({ status }) => status)).toEqual([201, 201])
}
const uidOf = async (api: TestServer, path: string): Promise<unknown> => (await api.ask('GET', `${flowControl}/${path}`)).body.metadata['uid']
const configMaps = '/api/v1/namespaces/default/configmaps'
const hold = (api: TestServer, name: string) => api.ask('POST', configMaps, { user: jane, body: configMap(`hold-${name}`) })

test('too many are refused with 429, and told apart by headers; the exempt are served', async () => {
  const { plugin, open } = gate()
  await using api = await startTestServer({ flowControl: { seats: 1 }, admission: [plugin] })
  await configure(api, { nominalConcurrencyShares: 100, limitResponse: { type: 'Reject' } })
  const held = hold(api, 'one')
  await settle()
  const refused = await api.ask('GET', configMaps, { user: jane })
  expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '1', 'x-kubernetes-pf-flowschema-uid': await uidOf(api, 'flowschemas/jane'), 'x-kubernetes-pf-prioritylevel-uid': await uidOf(api, 'prioritylevelconfigurations/tight') },
    body: { kind: 'Status', reason: 'TooManyRequests', code: 429, message: 'Too many requests, please try again later.', details: { retryAfterSeconds: 1 } } })
  expect((await api.ask('GET', configMaps)).status).toBe(200)
  const metrics = (await api.ask('GET', '/metrics')).text
  expect(metrics).toContain('apiserver_flowcontrol_rejected_requests_total{priority_level="tight",flow_schema="jane",reason="concurrency-limit"} 1')
  expect(metrics).toContain('apiserver_flowcontrol_current_executing_requests{priority_level="tight",flow_schema="jane"} 1')
  expect(metrics).toContain('apiserver_flowcontrol_nominal_limit_seats{priority_level="tight"} 1')
  open()
  expect((await held).status).toBe(201)
  await settle()
  expect((await api.ask('GET', configMaps, { user: jane })).status).toBe(200)
})

test('who has to wait is served when there is room, or refused when it took too long, or forgotten when gone', async () => {
  const { plugin, open } = gate()
  const clock = fakeClock()
  await using api = await startTestServer({ flowControl: { seats: 1 }, admission: [plugin], clock, requestTimeoutMs: 40_000 })
  await configure(api, { nominalConcurrencyShares: 100, limitResponse: { type: 'Queue', queuing: { queues: 2, handSize: 1, queueLengthLimit: 5 } } })
  const held = hold(api, 'one')
  await settle()
  const impatient = new AbortController()
  const [late, gone] = [api.ask('GET', configMaps, { user: jane }), api.ask('GET', configMaps, { user: jane, signal: impatient.signal })]
  await settle()
  const dump = (await api.ask('GET', '/debug/api_priority_and_fairness/dump_requests')).text
  expect(dump.trim().split('\n')).toHaveLength(3)
  expect(dump).toMatch(/^PriorityLevelName, FlowSchemaName, QueueIndex,.*\ntight, +jane, +\d, +0, +jane, /)
  expect((await api.ask('GET', '/debug/api_priority_and_fairness/dump_priority_levels')).text).toMatch(/\ntight, +1, +false, +false, +2, +1, +1, +0, +0, +0\n/)
  impatient.abort()
  await gone.catch(() => undefined)
  await clock.advance(9_000)
  const served = api.ask('GET', configMaps, { user: jane })
  await clock.advance(1_500)
  expect((await late).status).toBe(429)
  open()
  expect([(await held).status, (await served).status]).toEqual([201, 200])
  expect((await api.ask('GET', '/metrics')).text).toContain('apiserver_flowcontrol_rejected_requests_total{priority_level="tight",flow_schema="jane",reason="time-out"} 1')
})

test('a watch has its seat only while it begins', async () => {
  await using api = await startTestServer({ flowControl: { seats: 1 } })
  await configure(api, { nominalConcurrencyShares: 100, limitResponse: { type: 'Reject' } })
  const stop = new AbortController()
  const response = await api.server.inMemoryTransport(jane).request({ method: 'GET', path: `${configMaps}?watch=true`, headers: {} }, stop.signal)
  expect(response.status).toBe(200)
  expect((await api.ask('POST', configMaps, { user: jane, body: configMap('a') })).status).toBe(201)
  stop.abort()
})

test('the dumps are not for everybody', async () => {
  await using api = await startTestServer({ flowControl: { seats: 1 }, authorizer: { authorize: () => ({ verdict: 'no-opinion', reason: '' }) } })
  expect((await api.ask('GET', '/debug/api_priority_and_fairness/dump_queues', { user: jane })).status).toBe(403)
})
