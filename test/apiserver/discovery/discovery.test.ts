import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { settle } from '../../support/fake-clock.ts'
import { hasOracle, oracle } from '../../support/oracle.ts'
import { startTestServer, type TestServer } from '../support.ts'

let api: TestServer
beforeAll(async () => { api = await startTestServer() })
afterAll(() => api[Symbol.asyncDispose]())

interface Resource { name: string }
interface ResourceList { groupVersion: string; resources: Resource[] }

const groupVersions = ['v1', 'apps/v1', 'autoscaling/v1', 'autoscaling/v2', 'batch/v1', 'certificates.k8s.io/v1', 'coordination.k8s.io/v1', 'discovery.k8s.io/v1', 'events.k8s.io/v1', 'policy/v1', 'rbac.authorization.k8s.io/v1', 'scheduling.k8s.io/v1', 'networking.k8s.io/v1', 'storage.k8s.io/v1', 'node.k8s.io/v1', 'flowcontrol.apiserver.k8s.io/v1', 'resource.k8s.io/v1']
const pathOf = (groupVersion: string): string => (groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`)

describe.skipIf(!hasOracle)('what is served is described as upstream describes it', () => {
  for (const groupVersion of groupVersions) test(groupVersion, async () => {
    const ours = (await api.ask('GET', pathOf(groupVersion))).body as unknown as ResourceList
    const theirs = oracle<ResourceList>(`discovery/${pathOf(groupVersion).slice(1).replaceAll('/', '__')}.json`)
    const expected = theirs.resources.filter(({ name }) => ours.resources.some((each) => each.name === name))
    expect(ours.resources.length).toBeGreaterThan(0)
    expect(ours).toEqual({ ...theirs, resources: expected })
  })
})

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

describe('both forms', () => {
  test('/apis as a list of groups, each with its preferred version', async () => {
    const { body } = await api.ask('GET', '/apis')
    expect(body).toMatchObject({ kind: 'APIGroupList', apiVersion: 'v1' })
    expect(body['groups']).toContainEqual({ name: 'apps', versions: [{ groupVersion: 'apps/v1', version: 'v1' }], preferredVersion: { groupVersion: 'apps/v1', version: 'v1' } })
  })
  test('/apis aggregated', async () => {
    const { body, headers } = await api.ask('GET', '/apis', { headers: { accept: `${aggregated},application/json` } })
    expect(headers['content-type']).toBe(aggregated)
    expect(body).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' })
    const deployments = (body.items as unknown as { metadata: { name: string }; versions: { resources: { resource: string }[] }[] }[]).find(({ metadata }) => metadata.name === 'apps')?.versions[0]?.resources.find(({ resource }) => resource === 'deployments')
    expect(deployments).toMatchObject({ scope: 'Namespaced', shortNames: ['deploy'], singularResource: 'deployment', subresources: [{ subresource: 'scale', responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' } }, { subresource: 'status' }] })
    expect((await api.ask('GET', '/apis', { headers: { accept: aggregated, 'if-none-match': headers['etag'] ?? '' } })).status).toBe(304)
  })
  test('/api aggregated', async () => expect((await api.ask('GET', '/api', { headers: { accept: aggregated } })).body).toMatchObject({ kind: 'APIGroupDiscoveryList', items: [{ versions: [{ version: 'v1' }] }] }))
  test('an older form alone: 406', async () => expect((await api.ask('GET', '/apis', { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList' } })).status).toBe(406))
  test('a group, with or without a slash behind', async () => {
    const { body } = await api.ask('GET', '/apis/apps/')
    expect(body).toMatchObject({ kind: 'APIGroup', apiVersion: 'v1', name: 'apps' })
    expect((await api.ask('GET', '/apis/apps')).body).toEqual(body)
  })
  for (const path of ['/apis/none', '/apis/none/v1', '/api/v2', '/apis/apps/v2']) test(`${path}: 404`, async () => expect((await api.ask('GET', path)).status).toBe(404))
})

describe('other paths', () => {
  test('/version', async () => expect((await api.ask('GET', '/version')).body).toMatchObject({ major: '1', minor: '36', gitVersion: 'v1.36.0+wherry-0.0.0' }))
  test('/readyz', async () => {
    expect((await api.ask('GET', '/readyz')).text).toBe('ok')
    expect((await api.ask('GET', '/readyz?verbose')).text).toMatch(/^\[\+\]ping ok\n(\[\+\].* ok\n)+readyz check passed\n$/)
    expect((await api.ask('GET', '/livez/etcd')).text).toBe('ok')
    expect((await api.ask('GET', '/livez?verbose&exclude=etcd')).text).toContain('[+]etcd excluded: ok')
    expect((await api.ask('GET', '/readyz/none')).status).toBe(404)
  })
  test('/metrics', async () => {
    await api.ask('GET', '/api/v1/pods')
    // The answer leaves before it is counted.
    await settle()
    const { text } = await api.ask('GET', '/metrics')
    expect(text).toContain('apiserver_request_total{verb="LIST",dry_run="",group="",version="v1",resource="pods",subresource="",scope="cluster",component="apiserver",code="200"} 1')
    expect(text).toMatch(/apiserver_request_duration_seconds_bucket\{le="\+Inf",verb="LIST",.*\} 1\n/)
    expect(text).toContain('apiserver_storage_objects{resource="pods"} 0')
    expect(text).toContain('process_cpu_user_seconds_total')
  })
  test('/', async () => expect((await api.ask('GET', '/')).body['paths']).toEqual(expect.arrayContaining(['/api', '/api/v1', '/apis', '/apis/apps/v1', '/healthz', '/version'])))
})
