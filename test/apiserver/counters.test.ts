/** What /metrics says of audit, authentication, authorization and admission, under upstream's names. */
import { expect, test } from 'vitest'
import { serverCounters } from '../../src/apiserver/counters.ts'
import { counted } from '../../src/apiserver/admission/webhook-counters.ts'
import { CallingWebhookError } from '../../src/apiserver/admission/webhook-denial.ts'
import { forbidden, unauthorized } from '../../src/api/status.ts'
import { ConfigMaps } from '../../src/api/kinds.ts'
import { fakeClock, settle } from '../support/fake-clock.ts'
import { configMap, configMaps, startTestServer } from './support.ts'

test('requests are counted by what came of them', async () => {
  const lines: string[] = []
  await using api = await startTestServer({
    audit: { policy: { rules: [{ level: 'Metadata', resources: [{ group: '', resources: ['configmaps'] }] }, { level: 'None' }] } as never, sink: { write: (line: string) => { lines.push(line) }, close: () => Promise.resolve() } as never },
    authorizer: { authorize: ({ user }) => (user.name === 'jane@example.com' ? Promise.resolve({ verdict: 'no-opinion', reason: '' }) : { verdict: 'allow', reason: '' }) },
    admission: [{ name: 'Slow', validate: () => Promise.resolve() }],
  })
  expect((await api.ask('POST', configMaps, { body: configMap('a') })).status).toBe(201)
  expect((await api.ask('GET', configMaps, { user: { name: 'jane@example.com', groups: [] } })).status).toBe(403)
  expect((await api.ask('GET', configMaps, { user: { name: 'made-up-by-a-client', groups: [] } })).status).toBe(200)
  // What is told of an answer is told after it.
  await settle()
  const text = (await api.ask('GET', '/metrics')).text
  for (const line of [
    'authenticated_user_requests{username="admin"} 2', 'authenticated_user_requests{username="email_id"} 1', 'authenticated_user_requests{username="other"} 1', 'authentication_attempts{result="success"} 4',
    'authorization_attempts_total{result="allowed"} 3', 'authorization_attempts_total{result="no-opinion"} 1', 'authorization_duration_seconds_count{result="no-opinion"} 1',
    `apiserver_audit_event_total ${lines.length}`, 'apiserver_audit_level_total{level="Metadata"} 3', 'apiserver_audit_level_total{level="None"} 1',
    'apiserver_admission_controller_admission_duration_seconds_count{name="Slow",operation="CREATE",rejected="false",type="validate"} 1',
  ]) expect(text).toContain(`${line}\n`)
  expect(lines.length).toBeGreaterThan(0)
  expect(text).not.toContain('made-up-by-a-client')
})

test('who cannot be known is counted, too', async () => {
  await using api = await startTestServer()
  const text = async (): Promise<string> => (await api.ask('GET', '/metrics')).text
  expect(await text()).toContain('authentication_attempts{result="success"} 1\n')
  const { authenticate } = await import('../../src/apiserver/filters/authenticate.ts')
  const counting = { counters: serverCounters(), clock: fakeClock() }
  const context = { exchange: { headers: {}, peer: {} }, info: { path: '/' } } as never
  await expect(authenticate({ authenticate: () => undefined }, counting)(context, () => Promise.resolve())).rejects.toMatchObject({ code: 401 })
  await expect(authenticate({ authenticate: () => Promise.reject(unauthorized()) }, counting)(context, () => Promise.resolve())).rejects.toMatchObject({ code: 401 })
  expect(counting.counters.text()).toContain('authentication_attempts{result="failure"} 1\nauthentication_attempts{result="error"} 1\n')
})

test.each<[string, () => Promise<unknown>, boolean, string[]]>([
  ['lets pass', () => Promise.resolve(), false, ['webhook_request_total{code="200",name="w.example.com",operation="CREATE",rejected="false",type="admit"} 1']],
  ['refuses', () => Promise.reject(forbidden(ConfigMaps, 'a', 'no')), false,
    ['webhook_request_total{code="403",name="w.example.com",operation="CREATE",rejected="true",type="admit"} 1', 'webhook_rejection_count{error_type="no_error",name="w.example.com",operation="CREATE",rejection_code="403",type="admit"} 1']],
  ['fails', () => Promise.reject(new CallingWebhookError('w.example.com', 'gone')), false, ['webhook_rejection_count{error_type="calling_webhook_error",name="w.example.com",operation="CREATE",rejection_code="0",type="admit"} 1']],
  ['fails, and nobody minds', () => Promise.reject(new CallingWebhookError('w.example.com', 'gone')), true,
    ['webhook_fail_open_count{name="w.example.com",type="admit"} 1', 'webhook_request_total{code="0",name="w.example.com",operation="CREATE",rejected="false",type="admit"} 1']],
])('a webhook that %s', async (_, ask, ignoresFailure, expected) => {
  const counters = serverCounters()
  await counted({ counters, clock: fakeClock() }, { name: 'w.example.com', type: 'admit', operation: 'CREATE', ignoresFailure }, ask).catch(() => undefined)
  for (const line of expected) expect(counters.text()).toContain(`apiserver_admission_${line}\n`)
  expect(counters.text()).toContain('apiserver_admission_webhook_admission_duration_seconds_count{name="w.example.com"')
})
