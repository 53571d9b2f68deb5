import { describe, expect, test } from 'vitest'
import { callOfRequest } from '../../src/client/call-of-request.ts'
import type { ApiRequest } from '../../src/client/transport.ts'

const json = { accept: 'application/json', 'user-agent': 'me' }
const request = (method: ApiRequest['method'], path: string, headers: Record<string, string> = json): ApiRequest => ({ method, path, headers })

describe('requests that are calls', () => {
  for (const [name, asked, method, call] of [
    ['get', request('GET', '/api/v1/namespaces/shop/pods/web'), 'Get', { version: 'v1', namespace: 'shop', resource: 'pods', name: 'web' }],
    ['get of a subresource', request('GET', '/apis/apps/v1/namespaces/shop/deployments/web/scale'), 'Get', { group: 'apps', version: 'v1', namespace: 'shop', resource: 'deployments', name: 'web', subresource: 'scale' }],
    ['get of a namespace', request('GET', '/api/v1/namespaces/shop'), 'Get', { version: 'v1', resource: 'namespaces', name: 'shop' }],
    ['finalize of a namespace', request('PUT', '/api/v1/namespaces/shop/finalize'), 'Update', { version: 'v1', resource: 'namespaces', name: 'shop', subresource: 'finalize' }],
    ['list', request('GET', '/api/v1/pods?labelSelector=a+in+%28b%29&limit=5&continue=x'), 'List', { version: 'v1', resource: 'pods', labelSelector: 'a in (b)', limit: '5', continue: 'x' }],
    ['watch', request('GET', '/apis/apps/v1/deployments?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan'), 'Watch',
      { group: 'apps', version: 'v1', resource: 'deployments', allowWatchBookmarks: true, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }],
    ['create', request('POST', '/api/v1/namespaces/shop/pods?dryRun=All&fieldManager=me'), 'Create', { version: 'v1', namespace: 'shop', resource: 'pods', dryRun: true, fieldManager: 'me' }],
    ['eviction', request('POST', '/api/v1/namespaces/shop/pods/web/eviction'), 'Create', { version: 'v1', namespace: 'shop', resource: 'pods', name: 'web', subresource: 'eviction' }],
    ['apply', request('PATCH', '/api/v1/nodes/n?fieldManager=me&force=true', { ...json, 'content-type': 'application/apply-patch+yaml' }), 'Patch', { version: 'v1', resource: 'nodes', name: 'n', fieldManager: 'me', force: true, patchType: 4 }],
    ['delete', request('DELETE', '/api/v1/nodes/a%20b'), 'Delete', { version: 'v1', resource: 'nodes', name: 'a b' }],
    ['delete of a collection', request('DELETE', '/api/v1/namespaces/shop/pods?labelSelector=a%3Db'), 'DeleteCollection', { version: 'v1', namespace: 'shop', resource: 'pods', labelSelector: 'a=b' }],
  ] as const) test(name, () => expect(callOfRequest(asked)).toEqual({ method, call, headers: { 'user-agent': 'me' } }))
})

describe('requests that only HTTP can say', () => {
  for (const [name, asked] of [
    ['a path that is no resource', request('GET', '/readyz')], ['discovery', request('GET', '/apis/apps/v1')], ['discovery of the core', request('GET', '/api/v1')], ['a table', request('GET', '/api/v1/pods', { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })],
    ['a log', request('GET', '/api/v1/namespaces/shop/pods/web/log?follow=true')], ['a proxied path', request('GET', '/api/v1/nodes/n/proxy/metrics')], ['a proxy', request('GET', '/api/v1/nodes/n/proxy')],
    ['a deprecated watch', request('GET', '/api/v1/watch/pods')], ['a parameter that the service does not know', request('GET', '/api/v1/pods?pretty=true')], ['one that this method does not know', request('GET', '/api/v1/nodes/n?limit=5')],
    ['one that comes twice', request('GET', '/api/v1/pods?limit=5&limit=6')], ['a number that is none', request('GET', '/api/v1/pods?limit=-1')], ['a dry run of another kind', request('POST', '/api/v1/nodes?dryRun=Some')],
    ['a truth that is none', request('GET', '/api/v1/pods?watch=true&allowWatchBookmarks=1')], ['watch=false', request('GET', '/api/v1/pods?watch=false')],
    ['a protobuf body', request('POST', '/api/v1/nodes', { ...json, 'content-type': 'application/vnd.kubernetes.protobuf' })], ['a patch of an unknown type', request('PATCH', '/api/v1/nodes/n', json)],
    ['an escape that is none', request('GET', '/api/v1/nodes/%zz')], ['a name with a slash', request('GET', '/api/v1/nodes/a%2Fb')], ['the scale of a deletion', request('DELETE', '/api/v1/namespaces/shop/pods/web/status')],
  ] as const) test(name, () => expect(callOfRequest(asked)).toBeUndefined())
})
