/** --admission-control-config-file. Expectations: the documentation pages "Enforce Pod Security Standards by Configuring the Built-in Admission Controller", "Resource Quotas: limit Priority Class consumption by default" and upstream's `pod-security-admission/admission`, `plugin/pkg/admission/resourcequota`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdmissionConfiguration, parseAdmissionConfiguration } from '../../../src/apiserver/admission/configuration/admission-configuration.ts'
import { userFor } from '../../../src/apiserver/admission/configuration/webhook-configuration.ts'
import { podSecurityAdmission } from '../../../src/apiserver/admission/pod-security/pod-security.ts'
import { resourceQuotaAdmission } from '../../../src/apiserver/admission/resource-quota.ts'
import { startTestServer, type Answer, type TestServer } from '../support.ts'

const noFile = (): never => { throw new Error('no other file is asked for') }
const parsed = (...plugins: object[]): AdmissionConfiguration => parseAdmissionConfiguration(JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration', plugins }, null, 1), 'a.yaml', noFile)
const security = (more: object): object => ({ name: 'PodSecurity', configuration: { apiVersion: 'pod-security.admission.config.k8s.io/v1', kind: 'PodSecurityConfiguration', ...more } })
const quota = (...limitedResources: object[]): object => ({ name: 'ResourceQuota', configuration: { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'ResourceQuotaConfiguration', limitedResources } })

describe('the file', () => {
  test('what it leaves out is privileged, and the latest version', () => {
    expect(parsed(security({ defaults: { enforce: 'baseline', 'enforce-version': 'v1.30', warn: 'restricted' }, exemptions: { namespaces: ['kube-system'] } })).podSecurity).toEqual({
      defaults: { enforce: { level: 'baseline', minor: 30 }, audit: { level: 'privileged', minor: Infinity }, warn: { level: 'restricted', minor: Infinity } },
      exemptions: { usernames: [], namespaces: ['kube-system'], runtimeClasses: [] },
    })
  })
  test('a plugin may have a file of its own, beside this one', () => {
    const asked: string[] = []
    const own = { file: '/etc/q.yaml', text: JSON.stringify((quota({ resource: 'pods', matchContains: ['pods'] }) as { configuration: object }).configuration) }
    const found = parseAdmissionConfiguration(JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration', plugins: [{ name: 'ResourceQuota', path: 'q.yaml' }] }), 'a.yaml', (name) => { asked.push(name); return own })
    expect([asked, found.limitedResources]).toEqual([['q.yaml'], [{ resource: 'pods', matchContains: ['pods'] }]])
  })
  const refusals: [string, object, RegExp][] = [
    ['a level that is none', security({ defaults: { enforce: 'strict' } }), /a\.yaml:\d+: plugins\[0\]\.configuration\.defaults\.enforce: Invalid value: "strict": must be one of privileged, baseline, restricted/],
    ['a version that is none', security({ defaults: { 'audit-version': '1.2' } }), /defaults\.audit-version: Invalid value: "1\.2": must be "latest" or "v1\.x"/],
    ['a namespace twice', security({ exemptions: { namespaces: ['a', 'a'] } }), /exemptions\.namespaces\[1\]: Duplicate value: "a"/],
    ['a namespace that cannot be', security({ exemptions: { namespaces: ['A_'] } }), /exemptions\.namespaces\[0\]: Invalid value: "A_"/],
    ['no user', security({ exemptions: { usernames: [''] } }), /exemptions\.usernames\[0\]: Invalid value: "": username must not be empty/],
    ['a field that nobody knows', security({ default: {} }), /configuration\.default: Forbidden: unknown field/],
    ['another kind', { name: 'PodSecurity', configuration: { apiVersion: 'v1', kind: 'X' } }, /configuration\.apiVersion: Unsupported value: "v1"/],
    ['a plugin that is not here', { name: 'ImagePolicyWebhook', configuration: {} }, /plugins\[0\]\.name: Forbidden: the plugin ImagePolicyWebhook is not part of this server/],
    ['a plugin without configuration', { name: 'LimitRanger', configuration: {} }, /plugins\[0\]\.name: Unsupported value: "LimitRanger"/],
    ['a scope that is none', quota({ resource: 'pods', matchScopes: [{ scopeName: 'Big', operator: 'Exists' }] }), /limitedResources\[0\]\.matchScopes\[0\]\.scopeName: Invalid value: "Big": unsupported scope/],
    ['a kubeconfig by a relative name', { name: 'ValidatingAdmissionWebhook', configuration: { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'WebhookAdmissionConfiguration', kubeConfigFile: 'k' } }, /kubeConfigFile: Invalid value: "k": kubeConfigFile must be an absolute path/],
  ]
  for (const [name, plugin, message] of refusals) test(`refused: ${name}`, () => expect(() => parsed(plugin)).toThrow(message))
  for (const [host, port, users, expected] of [
    ['web.ns.svc', 443, ['web.ns.svc', '*.ns.svc'], 'web.ns.svc'], ['web.ns.svc', 8443, ['web.ns.svc', '*.ns.svc'], '*.ns.svc'], ['web.ns.svc', 8443, ['web.ns.svc:8443', '*'], 'web.ns.svc:8443'],
    ['web.ns.svc', 443, ['*.svc', '*'], '*.svc'], ['hook.example.com', 443, ['*'], '*'], ['web.ns.svc', 443, ['other'], undefined],
  ] as const) test(`${host}:${port} of ${users.join(', ')} is ${expected ?? 'nobody'}`, () => expect(userFor(host, port, (name) => (users as readonly string[]).includes(name))).toBe(expected))
})

const merge = (api: TestServer, path: string, body: object): Promise<Answer> => api.ask('PATCH', path, { body, headers: { 'content-type': 'application/merge-patch+json' } })
const outcome = ({ status, body }: Answer): unknown => [status, body.message]
const warning = ({ headers }: Answer): string => (headers['warning'] ?? '').replaceAll('\\"', '"')

describe('Pod Security of the whole cluster', () => {
  let api: TestServer
  const { podSecurity } = parsed(security({ defaults: { enforce: 'baseline', warn: 'restricted' }, exemptions: { namespaces: ['free'], usernames: ['robot'], runtimeClasses: ['vm'] } }))
  beforeAll(async () => {
    api = await startTestServer({ admission: [podSecurityAdmission(podSecurity)] })
    for (const name of ['plain', 'free', 'open']) await api.ask('POST', '/api/v1/namespaces', { body: { metadata: { name, ...(name === 'open' && { labels: { 'pod-security.kubernetes.io/enforce': 'privileged', 'pod-security.kubernetes.io/warn': 'privileged' } }) } } })
  })
  afterAll(() => api[Symbol.asyncDispose]())
  const pod = (namespace: string, name: string, spec: object = {}, user?: string): Promise<Answer> =>
    api.ask('POST', `/api/v1/namespaces/${namespace}/pods`, { body: { metadata: { name }, spec: { hostNetwork: true, containers: [{ name: 'a', image: 'a' }], ...spec } }, ...(user !== undefined && { user: { name: user, groups: ['system:authenticated'] } }) })

  test('a namespace without labels has the defaults', async () => {
    expect(outcome(await pod('plain', 'p'))).toEqual([403, 'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'])
    expect(warning(await pod('plain', 'q', { hostNetwork: false }))).toContain('would violate PodSecurity "restricted:latest"')
  })
  test('its labels come first', async () => expect([(await pod('open', 'p')).status, warning(await pod('open', 'q'))]).toEqual([201, '']))
  test('exempt: a namespace, a user, a runtime class', async () => {
    expect((await pod('free', 'p')).status).toBe(201)
    expect((await pod('plain', 'by-robot', {}, 'robot')).status).toBe(201)
    expect((await pod('plain', 'in-vm', { runtimeClassName: 'vm' })).status).toBe(201)
  })
  test('whoever labels an exempt namespace is told that it has no effect', async () => {
    expect(warning(await merge(api, '/api/v1/namespaces/free', { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } })))
      .toContain('namespace "free" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored')
  })
})

describe('what only quotas allow', () => {
  let api: TestServer
  const { limitedResources } = parsed(quota({ resource: 'pods', matchScopes: [{ scopeName: 'PriorityClass', operator: 'In', values: ['cluster-services'] }] }, { resource: 'persistentvolumeclaims', matchContains: ['.storageclass.storage.k8s.io/requests.storage'] }))
  beforeAll(async () => { api = await startTestServer({ admission: [resourceQuotaAdmission(limitedResources)] }) })
  afterAll(() => api[Symbol.asyncDispose]())
  const pod = (namespace: string, name: string, spec: object): Promise<Answer> => api.ask('POST', `/api/v1/namespaces/${namespace}/pods`, { body: { metadata: { name }, spec: { containers: [{ name: 'a', image: 'a' }], ...spec } } })

  test('pods of a priority class, without a quota for it', async () => {
    expect(outcome(await pod('one', 'p', { priorityClassName: 'cluster-services' }))).toEqual([403, 'pods "p" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [cluster-services]}]'])
    expect((await pod('one', 'q', { priorityClassName: 'other' })).status).toBe(201)
    expect((await pod('one', 'r', {})).status).toBe(201)
  })
  test('with one', async () => {
    const path = '/api/v1/namespaces/two/resourcequotas'
    const spec = { hard: { pods: '3' }, scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['cluster-services'] }] } }
    const { body } = await api.ask('POST', path, { body: { metadata: { name: 'services' }, spec } })
    await api.ask('PUT', `${path}/services/status`, { body: { ...body, status: { hard: spec.hard, used: { pods: '0' } } } })
    expect((await pod('two', 'p', { priorityClassName: 'cluster-services' })).status).toBe(201)
  })
  test('a resource by a part of its name', async () => {
    const claim = { metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'gold', resources: { requests: { storage: '1Gi' } } } }
    expect(outcome(await api.ask('POST', '/api/v1/namespaces/one/persistentvolumeclaims', { body: claim }))).toEqual([403, 'persistentvolumeclaims "c" is forbidden: insufficient quota to consume: gold.storageclass.storage.k8s.io/requests.storage'])
  })
})
