/** Names that dashboards (kubernetes-mixin) and alerts read at the API server. Expectations: upstream's `pkg/endpoints/metrics`, `component-base/metrics/prometheus/slis`, kube-aggregator's metrics. */
import { expect, test } from 'vitest'
import { startTestServer } from './support.ts'

const eventually = async (read: () => Promise<string>, part: string): Promise<void> => {
  for (const deadline = Date.now() + 30_000; !(await read()).includes(part) && Date.now() < deadline;) await new Promise((resolve) => { setTimeout(resolve, 10) })
  expect(await read()).toContain(part)
}

test('/metrics: requests by component, what runs long, objects by resource, servers behind this one', async () => {
  await using api = await startTestServer({ aggregation: {} })
  const text = async (): Promise<string> => (await api.ask('GET', '/metrics')).text
  await api.ask('GET', '/api/v1/namespaces/default/configmaps')
  await api.ask('DELETE', '/api/v1/namespaces/default/configmaps/none?dryRun=All')
  await api.ask('GET', '/api/v1/endpoints')
  const stop = new AbortController()
  const watching = (async () => { for await (const _ of api.watch('/api/v1/configmaps?watch=true', stop.signal)) expect(_).toBeDefined() })().catch(() => undefined)
  await eventually(text, 'apiserver_longrunning_requests{verb="WATCH",group="",version="v1",resource="configmaps",subresource="",scope="cluster",component="apiserver"} 1\n')
  stop.abort()
  await watching
  await eventually(text, 'apiserver_longrunning_requests{verb="WATCH",group="",version="v1",resource="configmaps",subresource="",scope="cluster",component="apiserver"} 0\n')
  const shown = await text()
  for (const line of [
    /^apiserver_request_total\{verb="LIST",dry_run="",group="",version="v1",resource="configmaps",subresource="",scope="namespace",component="apiserver",code="200"\} 1$/m,
    /^apiserver_request_duration_seconds_bucket\{le="0\.05",verb="LIST",.*component="apiserver"\} 1$/m, /^apiserver_request_sli_duration_seconds_bucket\{le="0\.05",verb="LIST",.*component="apiserver"\} 1$/m,
    /^apiserver_request_total\{verb="DELETE",dry_run="All",group="",version="v1",resource="configmaps",subresource="",scope="resource",component="apiserver",code="404"\} 1$/m,
    /^apiserver_requested_deprecated_apis\{group="",version="v1",resource="endpoints",subresource="",removed_release=""\} 1$/m, /^kubernetes_build_info\{major="1",minor="36",git_version="v1\.36\./m,
    /^apiserver_resource_objects\{group="",resource="namespaces"\} \d+$/m, /^aggregator_unavailable_apiservice\{name="v1\.apps"\} 0$/m,
    /^process_resident_memory_bytes \d/m, /^process_cpu_seconds_total /m, /^process_start_time_seconds /m, /^process_open_fds /m,
  ]) expect(shown).toMatch(line)
})

test('requests that the server refuses to protect itself are told of apart', async () => {
  await using api = await startTestServer({ inFlightLimits: { mutating: 200, readOnly: 0 } })
  await api.ask('GET', '/api/v1/namespaces/default/configmaps', { user: { name: 'jane', groups: ['system:authenticated'] } })
  const text = (await api.ask('GET', '/metrics')).text
  expect(text).toContain('apiserver_request_terminations_total{verb="LIST",group="",version="v1",resource="configmaps",subresource="",scope="namespace",component="apiserver",code="429"} 1\n')
  expect(text).not.toMatch(/^apiserver_request_total.*code="429"/m)
})

test('words that clients make up are no labels, whatever the answer: refused, unsupported or not found', async () => {
  await using api = await startTestServer({ authorizer: { authorize: ({ user }) => ({ verdict: user.name === 'stranger' ? 'no-opinion' : 'allow', reason: '' }) } })
  const stranger = { name: 'stranger', groups: ['system:authenticated'] }
  for (const [method, path, user] of [
    ['GET', '/api/v1/namespaces/default/configmaps/a/invented-1', stranger], ['BREW', '/api/v1/namespaces/default/configmaps/a/invented-2', undefined], ['GET', '/api/v1/namespaces/default/pods/a/invented-3', undefined],
    ['GET', '/apis/invented-4/v1/x', stranger], ['GET', '/api/v1/namespaces/default/invented-5', stranger], ['GET', '/api/v1/namespaces/default/pods/a/invented-6?watch=true', stranger], ['DELETE', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/a/invented-7', undefined],
    ['GET', '/api/v1/watch/namespaces/default/pods/a/invented-8', undefined], ['POST', '/apis/apps/invented-9/deployments', undefined],
  ] as const) expect((await api.ask(method, path, { ...(user && { user }) })).status, path).toBeGreaterThanOrEqual(400)
  await eventually(async () => (await api.ask('GET', '/metrics')).text, 'code="403"')
  expect((await api.ask('GET', '/metrics')).text).not.toContain('invented')
})

test('/metrics/slis: every health check that was asked, last and in all', async () => {
  const state = { why: undefined as string | undefined }
  await using api = await startTestServer({ healthChecks: [{ name: 'mine', check: () => state.why }] })
  await api.ask('GET', '/livez')
  await api.ask('GET', '/livez')
  state.why = 'broken'
  await api.ask('GET', '/livez/mine')
  const { text, status } = await api.ask('GET', '/metrics/slis')
  expect(status).toBe(200)
  for (const line of ['# TYPE kubernetes_healthcheck gauge', 'kubernetes_healthcheck{name="ping",type="livez"} 1', 'kubernetes_healthcheck{name="mine",type="livez"} 0',
    'kubernetes_healthchecks_total{name="mine",type="livez",status="error"} 1', 'kubernetes_healthchecks_total{name="mine",type="livez",status="success"} 2']) expect(text).toContain(`${line}\n`)
})

test('what waited for others does not count in the service level: webhooks among them', async () => {
  await using api = await startTestServer({ admission: [{ name: 'Hook', validate: async (_attributes, context) => {
    const begun = performance.now()
    await new Promise((resolve) => { setTimeout(resolve, 120) })
    context.waited?.((performance.now() - begun) / 1000)
  } }] })
  await api.ask('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: 'a' } } })
  const read = async (): Promise<string> => (await api.ask('GET', '/metrics')).text
  await eventually(read, 'apiserver_request_duration_seconds_count{verb="POST"')
  const text = await read()
  expect(text).toMatch(/^apiserver_request_duration_seconds_bucket\{le="0\.1",verb="POST",.*\} 0$/m)
  expect(text).toMatch(/^apiserver_request_sli_duration_seconds_bucket\{le="0\.1",verb="POST",.*\} 1$/m)
})

test('the root lists every path, those of health checks too', async () => {
  await using api = await startTestServer()
  expect((await api.ask('GET', '/')).body['paths']).toEqual(expect.arrayContaining(['/api', '/api/v1', '/apis', '/apis/apps', '/apis/apps/v1', '/healthz', '/healthz/ping', '/livez/etcd', '/readyz/informer-sync', '/metrics', '/metrics/slis', '/version']))
})
