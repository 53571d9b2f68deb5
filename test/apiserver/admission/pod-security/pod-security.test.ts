/** Namespaces with Pod Security labels, over the API. Expectations: upstream's `pod-security-admission/admission/admission_test.go` and the documentation page "Pod Security Admission". */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/api/meta.ts'
import { Pods } from '../../../../src/api/kinds.ts'
import { isForbidden } from '../../../../src/api/status.ts'
import type { AdmissionAttributes, AdmissionContext } from '../../../../src/apiserver/admission/plugin.ts'
import { podSecurity } from '../../../../src/apiserver/admission/pod-security/pod-security.ts'
import { startTestServer, type Answer, type TestServer } from '../../support.ts'

const prefix = 'pod-security.kubernetes.io/'
let api: TestServer
let count = 0
beforeAll(async () => { api = await startTestServer({ admission: [podSecurity] }) })
afterAll(() => api[Symbol.asyncDispose]())

const labelled = (labels: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${prefix}${key}`, value]))
const newNamespace = async (labels: Record<string, string> = {}): Promise<string> => {
  const name = `n${count += 1}`
  expect((await api.ask('POST', '/api/v1/namespaces', { body: { metadata: { name, labels: labelled(labels) } } })).status).toBe(201)
  return name
}
const podSpec = (more: JsonObject = {}): JsonObject => ({ containers: [{ name: 'a', image: 'a' }], ...more })
const createPod = (namespace: string, more: JsonObject = {}, metadata: object = {}): Promise<Answer> => api.ask('POST', `/api/v1/namespaces/${namespace}/pods`, { body: { metadata: { name: 'p', ...metadata }, spec: podSpec(more) } })
const warning = ({ headers }: Answer): string => (headers['warning'] ?? '').replaceAll('\\"', '"')
const merge = (path: string, body: object): Promise<Answer> => api.ask('PATCH', path, { body, headers: { 'content-type': 'application/merge-patch+json' } })
const relabel = (name: string, labels: Record<string, string>): Promise<Answer> => merge(`/api/v1/namespaces/${name}`, { metadata: { labels: labelled(labels) } })
const restrictedText = 'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), '
  + 'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'

describe('labels', () => {
  for (const [label, value, detail] of [
    ['enforce', 'strict', 'must be one of privileged, baseline, restricted'], ['audit', '', 'must be one of privileged, baseline, restricted'], ['warn', 'Baseline', 'must be one of privileged, baseline, restricted'],
    ['enforce-version', '1.20', 'must be "latest" or "v1.x"'], ['audit-version', 'v1.01', 'must be "latest" or "v1.x"'], ['warn-version', 'v2.0', 'must be "latest" or "v1.x"'],
  ] as const) test(`${label}=${value}`, async () => {
    const { status, body } = await api.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'bad', labels: labelled({ [label]: value }) } } })
    expect([status, body.reason, body.message]).toEqual([422, 'Invalid', `Namespace "bad" is invalid: metadata.labels[${prefix}${label}]: Invalid value: ${JSON.stringify(value)}: ${detail}`])
  })
  test('are judged when they are changed, too', async () => {
    const name = await newNamespace({ enforce: 'baseline', 'enforce-version': 'v1.30' })
    expect((await relabel(name, { enforce: 'nothing' })).status).toBe(422)
    expect((await relabel(name, { enforce: 'privileged', 'enforce-version': 'latest' })).status).toBe(200)
  })
})

describe('pods', () => {
  test('are free without labels', async () => {
    const answer = await createPod(await newNamespace(), { hostPID: true })
    expect([answer.status, warning(answer)]).toEqual([201, ''])
  })
  test('are refused', async () => {
    const namespace = await newNamespace({ enforce: 'restricted' })
    const { status, body } = await createPod(namespace)
    expect([status, body.reason, body.message]).toEqual([403, 'Forbidden', `pods "p" is forbidden: violates PodSecurity "restricted:latest": ${restrictedText}`])
  })
  test('are refused by the name that they would have got', async () => {
    const { body } = await createPod(await newNamespace({ enforce: 'baseline', 'enforce-version': 'v1.24' }), { hostPID: true }, { name: undefined, generateName: 'web-' })
    expect(body.message).toMatch(/^pods "web-[a-z0-9]{5}" is forbidden: violates PodSecurity "baseline:v1.24": host namespaces \(hostPID=true\)$/)
  })
  test('are warned about, and no more once they are refused', async () => {
    const answer = await createPod(await newNamespace({ enforce: 'baseline', warn: 'restricted', audit: 'restricted' }))
    expect([answer.status, warning(answer)]).toEqual([201, `299 - "would violate PodSecurity "restricted:latest": ${restrictedText}"`])
    const refused = await createPod(await newNamespace({ enforce: 'baseline', warn: 'restricted' }), { hostPID: true })
    expect([refused.status, warning(refused)]).toEqual([403, ''])
  })
  test('may be changed in other ways after the level has risen, but get no other image and no container', async () => {
    const namespace = await newNamespace()
    const path = `/api/v1/namespaces/${namespace}/pods/p`
    expect((await createPod(namespace)).status).toBe(201)
    await relabel(namespace, { enforce: 'restricted' })
    expect((await merge(path, { metadata: { labels: { a: 'b' } } })).status).toBe(200)
    expect((await merge(`${path}/status`, { status: { message: 'x' } })).status).toBe(200)
    expect((await merge(`${path}/resize`, { spec: { containers: [{ name: 'a', image: 'a' }] } })).status).toBe(200)
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
    expect((await api.ask('PATCH', path, { body: { spec: { containers: [{ name: 'a', image: 'b' }] } }, headers: strategic })).status).toBe(403)
    const debugged = await api.ask('PATCH', `${path}/ephemeralcontainers`, { body: { spec: { ephemeralContainers: [{ name: 'debug', image: 'a' }] } }, headers: strategic })
    expect([debugged.status, debugged.body.message]).toEqual([403, expect.stringContaining('(containers "a", "debug" must set securityContext.allowPrivilegeEscalation=false)')])
    expect((await api.ask('DELETE', path)).status).toBe(200)
  })
})

describe('templates of pods are only warned about', () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: podSpec({ hostPID: true }) }
  const once = { ...template, spec: podSpec({ hostPID: true, restartPolicy: 'Never' }) }
  const selector = { matchLabels: { a: 'b' } }
  for (const [path, body] of [
    ['/api/v1/namespaces/NS/podtemplates', { template }],
    ['/api/v1/namespaces/NS/replicationcontrollers', { spec: { selector: { a: 'b' }, template } }],
    ['/apis/apps/v1/namespaces/NS/deployments', { spec: { selector, template } }],
    ['/apis/apps/v1/namespaces/NS/replicasets', { spec: { selector, template } }],
    ['/apis/apps/v1/namespaces/NS/daemonsets', { spec: { selector, template } }],
    ['/apis/apps/v1/namespaces/NS/statefulsets', { spec: { selector, serviceName: 's', template } }],
    ['/apis/batch/v1/namespaces/NS/jobs', { spec: { template: once } }],
    ['/apis/batch/v1/namespaces/NS/cronjobs', { spec: { schedule: '* * * * *', jobTemplate: { spec: { template: once } } } }],
  ] satisfies [string, JsonObject][]) test(path.split('/').at(-1) ?? '', async () => {
    const namespace = await newNamespace({ enforce: 'baseline', warn: 'baseline' })
    const answer = await api.ask('POST', path.replace('NS', namespace), { body: { metadata: { name: 'x' }, ...body } })
    expect([answer.status, warning(answer)]).toEqual([201, '299 - "would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)"'])
    const silent = await api.ask('POST', path.replace('NS', await newNamespace({ enforce: 'baseline' })), { body: { metadata: { name: 'x' }, ...body } })
    expect([silent.status, warning(silent)]).toEqual([201, ''])
  })
})

describe('a new level for pods that are there', () => {
  test('tells which of them it would forbid', async () => {
    const namespace = await newNamespace()
    for (const [name, more] of [['c', { hostPID: true }], ['b', { hostPID: true }], ['a', {}], ['d', { hostNetwork: true, hostPID: true, containers: [{ name: 'a', image: 'a', ports: [{ containerPort: 1, hostPort: 1 }] }] }]] satisfies [string, JsonObject][]) {
      expect((await createPod(namespace, more, { name })).status).toBe(201)
    }
    const answer = await relabel(namespace, { enforce: 'baseline' })
    expect([answer.status, warning(answer)]).toEqual([200, `299 - "existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "baseline:latest"", 299 - "b (and 1 other pod): host namespaces", 299 - "d: host namespaces, hostPort"`])
    expect(warning(await relabel(namespace, { warn: 'restricted' }))).toBe('')
    expect(warning(await relabel(namespace, { enforce: 'restricted' }))).toContain('violate the new PodSecurity enforce level "restricted:latest"')
    expect(warning(await relabel(namespace, { enforce: 'baseline' }))).toBe('') // relaxed
    expect(warning(await relabel(namespace, { 'enforce-version': 'v1.20' }))).toContain('"baseline:v1.20"')
  })
})

describe('what the audit log is told', () => {
  const told = async (labels: Record<string, string>, spec: JsonObject): Promise<Record<string, string>> => {
    const notes: Record<string, string> = {}
    const namespace = { metadata: { name: 'n', labels: labelled(labels) } }
    const attributes = { operation: 'CREATE', kind: Pods, subresource: '', name: 'p', namespace: 'n', object: { metadata: { name: 'p' }, spec }, user: { name: 'jane', groups: [] } } as unknown as AdmissionAttributes
    const context = { lookup: { get: () => namespace }, warn: () => {}, annotate: (key: string, value: string) => { notes[key] = value } } as unknown as AdmissionContext
    await Promise.resolve().then(() => podSecurity.validate?.(attributes, context)).catch((error: unknown) => { if (!isForbidden(error)) throw error })
    return notes
  }
  const violations = `${prefix}audit-violations`
  const enforced = `${prefix}enforce-policy`
  for (const [name, labels, spec, notes] of [
    ['no labels', {}, podSpec({ hostPID: true }), { [enforced]: 'privileged:latest' }],
    ['a violation', { enforce: 'privileged', 'enforce-version': 'v1.30', audit: 'baseline' }, podSpec({ hostPID: true }), { [enforced]: 'privileged:v1.30', [violations]: 'would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)' }],
    ['a refused pod', { enforce: 'baseline', audit: 'baseline', 'audit-version': 'v1.30' }, podSpec({ hostPID: true }), { [enforced]: 'baseline:latest', [violations]: 'would violate PodSecurity "baseline:v1.30": host namespaces (hostPID=true)' }],
    ['labels from before they were judged', { enforce: 'baseline', audit: 'x' }, podSpec(), { [enforced]: 'baseline:latest', [`${prefix}error`]: `Failed to parse policy: metadata.labels[${prefix}audit]: Invalid value: "x": must be one of privileged, baseline, restricted` }],
  ] satisfies [string, Record<string, string>, JsonObject, Record<string, string>][]) test(name, async () => expect(await told(labels, spec)).toEqual(notes))
})
