import { expect, test } from 'vitest'
import { isLongRunning, requestInfo } from '../../src/apiserver/request-info.ts'

const info = (method: string, target: string) => {
  const [path = '', query = ''] = target.split('?')
  return requestInfo(method, path, () => new URLSearchParams(query))
}

// As upstream's requestinfo_test.go: method, path, [verb, prefix, group, version, namespace, resource, subresource, name].
const cases = [
  ['GET', '/api/v1/namespaces', ['list', 'api', '', 'v1', '', 'namespaces', '', '']],
  ['GET', '/api/v1/namespaces/other', ['get', 'api', '', 'v1', 'other', 'namespaces', '', 'other']],
  ['GET', '/api/v1/namespaces/other/pods', ['list', 'api', '', 'v1', 'other', 'pods', '', '']],
  ['HEAD', '/api/v1/namespaces/other/pods', ['list', 'api', '', 'v1', 'other', 'pods', '', '']],
  ['GET', '/api/v1/namespaces/other/pods/foo', ['get', 'api', '', 'v1', 'other', 'pods', '', 'foo']],
  ['GET', '/api/v1/pods', ['list', 'api', '', 'v1', '', 'pods', '', '']],
  ['GET', '/api/v1/namespaces/other/pods?watch=true', ['watch', 'api', '', 'v1', 'other', 'pods', '', '']],
  ['GET', '/api/v1/namespaces/other/pods?watch=0', ['list', 'api', '', 'v1', 'other', 'pods', '', '']],
  ['GET', '/api/v1/watch/namespaces/other/pods', ['watch', 'api', '', 'v1', 'other', 'pods', '', '']],
  ['GET', '/api/v1/proxy/namespaces/other/pods/foo/x', ['proxy', 'api', '', 'v1', 'other', 'pods', '', 'foo']],
  ['GET', '/api/v1/namespaces/other/pods?fieldSelector=metadata.name%3Dfoo', ['list', 'api', '', 'v1', 'other', 'pods', '', 'foo']],
  ['GET', '/api/v1/namespaces/other/pods?fieldSelector=metadata.name%3D..', ['list', 'api', '', 'v1', 'other', 'pods', '', '']],
  ['POST', '/api/v1/namespaces/other/pods/foo/exec', ['create', 'api', '', 'v1', 'other', 'pods', 'exec', 'foo']],
  ['PUT', '/api/v1/namespaces/other/finalize', ['update', 'api', '', 'v1', 'other', 'namespaces', 'finalize', 'other']],
  ['PATCH', '/api/v1/namespaces/other/status', ['patch', 'api', '', 'v1', 'other', 'namespaces', 'status', 'other']],
  ['DELETE', '/api/v1/namespaces/other/pods', ['deletecollection', 'api', '', 'v1', 'other', 'pods', '', '']],
  ['DELETE', '/apis/apps/v1/namespaces/other/deployments/foo', ['delete', 'apis', 'apps', 'v1', 'other', 'deployments', '', 'foo']],
  ['GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node', ['get', 'apis', 'rbac.authorization.k8s.io', 'v1', '', 'clusterroles', '', 'system:node']],
  ['GET', '/api/v1/namespaces/other/pods/foo%2fbar', ['get', 'api', '', 'v1', 'other', 'pods', 'bar', 'foo']],
] as const

for (const [method, target, [verb, apiPrefix, apiGroup, apiVersion, namespace, resource, subresource, name]] of cases) {
  test(`${method} ${target} is a ${verb} of ${resource}`, () =>
    expect(info(method, target)).toMatchObject({ resourceRequest: true, verb, apiPrefix, apiGroup, apiVersion, namespace, resource, subresource, name }))
}

for (const [method, path, verb] of [['GET', '/', 'get'], ['GET', '/api', 'get'], ['GET', '/api/v1', 'get'], ['GET', '/apis/apps/v1', 'get'], ['GET', '/apis/apps', 'get'], ['POST', '/version', 'post'], ['GET', '/healthz/etcd', 'get']] as const) {
  test(`${method} ${path} is no resource`, () => expect(info(method, path)).toMatchObject({ resourceRequest: false, verb, path, resource: '' }))
}

for (const path of ['/api/v1/watch', '/api/v1/%zz']) {
  test(`${path} is refused`, () => expect(() => info('GET', `${path}/`)).toThrow(expect.objectContaining({ code: 400 })))
}

test('watches, logs and conversations are long-running, and only they', () => {
  expect(['/api/v1/pods?watch=1', '/api/v1/namespaces/a/pods/b/log', '/api/v1/namespaces/a/pods/b/exec', '/api/v1/nodes/a/proxy/x'].map((target) => isLongRunning(info('GET', target)))).toEqual([true, true, true, true])
  expect(['/api/v1/pods', '/api/v1/namespaces/a/pods/log', '/version'].map((target) => isLongRunning(info('GET', target)))).toEqual([false, false, false])
})
