/** In the words of upstream's `plugin/pkg/admission/resourcequota` and `pkg/quota/v1/evaluator`. A test writes the status that the quota controller would. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resourceQuotaAdmission } from '../../../src/apiserver/admission/resource-quota.ts'
import { startTestServer, type Answer, type TestServer } from '../support.ts'

let api: TestServer
let namespaces = 0
beforeAll(async () => { api = await startTestServer({ admission: [resourceQuotaAdmission()] }) })
afterAll(() => api[Symbol.asyncDispose]())

type List = Record<string, string>

const addQuota = async (path: string, hard: List, { used = Object.fromEntries(Object.keys(hard).map((name) => [name, '0'])), spec = {}, name = 'quota' }: { used?: List; spec?: object; name?: string } = {}): Promise<void> => {
  const made = await api.ask('POST', `${path}/resourcequotas`, { body: { metadata: { name }, spec: { hard, ...spec } } })
  expect(made.text).toContain('"uid"')
  expect((await api.ask('PUT', `${path}/resourcequotas/${name}/status`, { body: { ...made.body, status: { hard, used } } })).status).toBe(200)
}
const inNamespaceWith = async (hard: List, more: Parameters<typeof addQuota>[2] = {}): Promise<string> => {
  const path = `/api/v1/namespaces/q${namespaces += 1}`
  await addQuota(path, hard, more)
  return path
}
const used = async (path: string, name = 'quota'): Promise<unknown> => ((await api.ask('GET', `${path}/resourcequotas/${name}`)).body['status'] as { used: unknown }).used
const pod = (name: string, resources: object = {}, spec: object = {}): object => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'a', resources }], ...spec } })
const create = (path: string, body: object, plural = 'pods', query = ''): Promise<Answer> => api.ask('POST', `${path}/${plural}${query}`, { body })
const refusal = ({ status, body }: Answer): unknown => [status, body.reason, body.message]

describe('pods', () => {
  test('are counted, with what they ask for', async () => {
    const path = await inNamespaceWith({ pods: '2', 'requests.cpu': '1', 'limits.memory': '1Gi', 'count/pods': '5', 'requests.example.com/gpu': '1' })
    expect((await create(path, pod('a', { requests: { cpu: '300m', 'example.com/gpu': '1' }, limits: { memory: '256Mi', 'example.com/gpu': '1' } }))).status).toBe(201)
    expect(await used(path)).toEqual({ pods: '1', 'requests.cpu': '300m', 'limits.memory': '256Mi', 'count/pods': '1', 'requests.example.com/gpu': '1' })
    expect(refusal(await create(path, pod('b', { requests: { cpu: '800m' }, limits: { memory: '1Mi' } })))).toEqual([403, 'Forbidden', 'pods "b" is forbidden: exceeded quota: quota, requested: requests.cpu=800m, used: requests.cpu=300m, limited: requests.cpu=1'])
    expect((await create(path, pod('b', { requests: { cpu: '700m' }, limits: { memory: '1Mi' } }))).status).toBe(201)
    expect(refusal(await create(path, pod('c', { requests: { cpu: '0', 'example.com/gpu': '1' }, limits: { memory: '1Mi', 'example.com/gpu': '1' } })))).toEqual([403, 'Forbidden',
      'pods "c" is forbidden: exceeded quota: quota, requested: pods=1,requests.example.com/gpu=1, used: pods=2,requests.example.com/gpu=1, limited: pods=2,requests.example.com/gpu=1'])
  })
  test('must say what they want of cpu and memory that is limited', async () => {
    const path = await inNamespaceWith({ 'limits.cpu': '1', memory: '1Gi' })
    expect(refusal(await create(path, pod('a', { requests: { memory: '1Mi' } }, { initContainers: [{ name: 'i', image: 'a' }] })))).toEqual([403, 'Forbidden', 'pods "a" is forbidden: failed quota: quota: must specify limits.cpu for: c,i; memory for: i'])
  })
  test('a status that nobody has counted yet refuses', async () => {
    const path = await inNamespaceWith({ pods: '2', 'count/pods': '2' }, { used: {} })
    expect(refusal(await create(path, pod('a')))).toEqual([403, 'Forbidden', 'pods "a" is forbidden: status unknown for quota: quota, resources: count/pods,pods'])
  })
  test('without a status the quota does not hold yet', async () => {
    const path = `/api/v1/namespaces/q${namespaces += 1}`
    await api.ask('POST', `${path}/resourcequotas`, { body: { metadata: { name: 'quota' }, spec: { hard: { pods: '0' } } } })
    expect((await create(path, pod('a'))).status).toBe(201)
  })
  test('a dry run is judged and takes nothing', async () => {
    const path = await inNamespaceWith({ pods: '1' })
    expect((await create(path, pod('a'), 'pods', '?dryRun=All')).status).toBe(201)
    expect(await used(path)).toEqual({ pods: '0' })
    await create(path, pod('a'))
    expect((await create(path, pod('b'), 'pods', '?dryRun=All')).status).toBe(403)
  })
  test('twenty at once get three places', async () => {
    const path = await inNamespaceWith({ pods: '3' })
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => create(path, pod(`p${index}`))))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3)
    expect(await used(path)).toEqual({ pods: '3' })
    expect((await api.ask('GET', `${path}/pods`)).body.items).toHaveLength(3)
  })
  test('of two quotas the first gets back what the second refuses', async () => {
    const path = await inNamespaceWith({ pods: '9' }, { name: 'a' })
    await addQuota(path, { 'count/pods': '0' }, { name: 'b' })
    expect(refusal(await create(path, pod('x')))).toEqual([403, 'Forbidden', 'pods "x" is forbidden: exceeded quota: b, requested: count/pods=1, used: count/pods=0, limited: count/pods=0'])
    expect(await used(path, 'a')).toEqual({ pods: '0' })
  })
})

describe('scopes', () => {
  const expression = (scopeName: string, operator: string, ...values: string[]): object => ({ scopeSelector: { matchExpressions: [{ scopeName, operator, ...(values.length > 0 && { values }) }] } })
  const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'a', namespaces: ['other'], labelSelector: {} }] } }
  for (const [name, spec, inside, outside] of [
    ['BestEffort', { scopes: ['BestEffort'] }, pod('p'), pod('p', { requests: { cpu: '1' } })],
    ['NotBestEffort', { scopes: ['NotBestEffort'] }, pod('p', { limits: { cpu: '1' } }), pod('p')],
    ['Terminating', { scopes: ['Terminating'] }, pod('p', {}, { activeDeadlineSeconds: 5 }), pod('p')],
    ['NotTerminating', { scopes: ['NotTerminating'] }, pod('p'), pod('p', {}, { activeDeadlineSeconds: 5 })],
    ['both of two', { scopes: ['NotTerminating', 'BestEffort'] }, pod('p'), pod('p', { requests: { cpu: '1' } })],
    ['PriorityClass in', expression('PriorityClass', 'In', 'high', 'higher'), pod('p', {}, { priorityClassName: 'high' }), pod('p', {}, { priorityClassName: 'low' })],
    ['PriorityClass not in', expression('PriorityClass', 'NotIn', 'high'), pod('p'), pod('p', {}, { priorityClassName: 'high' })],
    ['PriorityClass exists', expression('PriorityClass', 'Exists'), pod('p', {}, { priorityClassName: 'low' }), pod('p')],
    ['CrossNamespacePodAffinity', expression('CrossNamespacePodAffinity', 'Exists'), pod('p', {}, { affinity }), pod('p')],
  ] as const) test(name, async () => {
    const path = await inNamespaceWith({ pods: '0' }, { spec })
    expect((await create(path, outside)).status).toBe(201)
    expect((await api.ask('DELETE', `${path}/pods/p`)).status).toBe(200)
    expect(refusal(await create(path, inside))).toEqual([403, 'Forbidden', 'pods "p" is forbidden: exceeded quota: quota, requested: pods=1, used: pods=0, limited: pods=0'])
  })
})

test('two servers on one store do not take the same room twice', async () => {
  await using first = await startTestServer({ admission: [resourceQuotaAdmission()] })
  await using second = await startTestServer({ admission: [resourceQuotaAdmission()], store: first.store })
  const path = '/api/v1/namespaces/shared'
  const quota = (await first.ask('POST', `${path}/resourcequotas`, { body: { metadata: { name: 'quota' }, spec: { hard: { configmaps: '5' } } } })).body
  await first.ask('PUT', `${path}/resourcequotas/quota/status`, { body: { ...quota, status: { hard: { configmaps: '5' }, used: { configmaps: '0' } } } })
  await second.ask('GET', `${path}/resourcequotas/quota`)
  const answers = await Promise.all(Array.from({ length: 16 }, (_, index) => (index % 2 ? first : second).ask('POST', `${path}/configmaps`, { body: { metadata: { name: `c${index}` } } })))
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(5).fill(201), ...Array<number>(11).fill(403)])
  expect((await second.ask('GET', `${path}/configmaps`)).body.items).toHaveLength(5)
})

describe('other kinds', () => {
  test('claims and their storage', async () => {
    const claim = (name: string, storage: string): object => ({ metadata: { name }, spec: { storageClassName: 'gold', accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } } })
    const path = await inNamespaceWith({ persistentvolumeclaims: '5', 'requests.storage': '2Gi', 'gold.storageclass.storage.k8s.io/requests.storage': '1Gi' })
    expect((await create(path, claim('a', '1Gi'), 'persistentvolumeclaims')).status).toBe(201)
    expect(await used(path)).toEqual({ persistentvolumeclaims: '1', 'requests.storage': '1Gi', 'gold.storageclass.storage.k8s.io/requests.storage': '1Gi' })
    expect(refusal(await create(path, claim('b', '1Mi'), 'persistentvolumeclaims'))).toEqual([403, 'Forbidden', 'persistentvolumeclaims "b" is forbidden: exceeded quota: quota, '
      + 'requested: gold.storageclass.storage.k8s.io/requests.storage=1Mi, used: gold.storageclass.storage.k8s.io/requests.storage=1Gi, limited: gold.storageclass.storage.k8s.io/requests.storage=1Gi'])
  })
  test('a pod that is resized', async () => {
    const path = await inNamespaceWith({ 'requests.cpu': '1' })
    await create(path, pod('a', { requests: { cpu: '500m' } }))
    const resize = (cpu: string): Promise<Answer> => api.ask('PATCH', `${path}/pods/a/resize`, { body: { spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] } }, headers: { 'content-type': 'application/strategic-merge-patch+json' } })
    expect((await resize('800m')).status).toBe(200)
    expect(await used(path)).toEqual({ 'requests.cpu': '800m' })
    expect(refusal(await resize('1100m'))).toEqual([403, 'Forbidden', 'pods "a" is forbidden: exceeded quota: quota, requested: requests.cpu=300m, used: requests.cpu=800m, limited: requests.cpu=1'])
    expect((await resize('100m')).status).toBe(200)
  })
  const service = (name: string, spec: object = {}): object => ({ metadata: { name }, spec: { ports: [{ name: 'a', port: 80 }, { name: 'b', port: 81 }], ...spec } })
  test('services, their node ports and load balancers, also when they change', async () => {
    const path = await inNamespaceWith({ services: '9', 'services.nodeports': '3', 'services.loadbalancers': '1', 'count/services': '9' })
    await create(path, service('a'), 'services')
    expect(await used(path)).toEqual({ services: '1', 'services.nodeports': '0', 'services.loadbalancers': '0', 'count/services': '1' })
    const patch = (name: string, spec: object): Promise<Answer> => api.ask('PATCH', `${path}/services/${name}`, { body: { spec }, headers: { 'content-type': 'application/merge-patch+json' } })
    expect((await patch('a', { type: 'LoadBalancer' })).status).toBe(200)
    expect(await used(path)).toEqual({ services: '1', 'services.nodeports': '2', 'services.loadbalancers': '1', 'count/services': '1' })
    await create(path, service('b'), 'services')
    expect(refusal(await patch('b', { type: 'NodePort' }))).toEqual([403, 'Forbidden', 'services "b" is forbidden: exceeded quota: quota, requested: services.nodeports=2, used: services.nodeports=2, limited: services.nodeports=3'])
  })
  test('by their bare names and by count/', async () => {
    const path = await inNamespaceWith({ configmaps: '1', 'count/configmaps': '2', 'count/deployments.apps': '0', 'count/secrets': '0' })
    expect((await create(path, { metadata: { name: 'a' } }, 'configmaps')).status).toBe(201)
    expect(refusal(await create(path, { metadata: { name: 'b' } }, 'configmaps'))).toEqual([403, 'Forbidden', 'configmaps "b" is forbidden: exceeded quota: quota, requested: configmaps=1, used: configmaps=1, limited: configmaps=1'])
    expect(refusal(await create(path, { metadata: { name: 's' } }, 'secrets'))).toEqual([403, 'Forbidden', 'secrets "s" is forbidden: exceeded quota: quota, requested: count/secrets=1, used: count/secrets=0, limited: count/secrets=0'])
    const labels = { app: 'a' }
    expect(refusal(await api.ask('POST', `${path.replace('/api/', '/apis/apps/')}/deployments`, { body: { metadata: { name: 'd' }, spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'a' }] } } } } }))).toEqual(
      [403, 'Forbidden', 'deployments.apps "d" is forbidden: exceeded quota: quota, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0'])
  })
  test('events are not counted', async () => {
    const path = await inNamespaceWith({ 'count/events': '0' })
    const answer = await create(path, { metadata: { name: 'e', namespace: path.split('/').at(-1) }, involvedObject: { namespace: path.split('/').at(-1) }, type: 'Normal' }, 'events')
    expect(answer.status, answer.text).toBe(201)
  })
  test('updates of what is only counted are free', async () => {
    const path = await inNamespaceWith({ configmaps: '1' })
    await create(path, { metadata: { name: 'a' } }, 'configmaps')
    expect((await api.ask('PUT', `${path}/configmaps/a`, { body: { metadata: { name: 'a' }, data: { a: 'b' } } })).status).toBe(200)
    expect(await used(path)).toEqual({ configmaps: '1' })
  })
})
