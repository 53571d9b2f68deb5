/** What a kubelet writes about its own node, over the API. Named after upstream's noderestriction/admission_test.go and authorizer/node/node_authorizer_test.go. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/api/meta.ts'
import { alwaysAllow } from '../../src/apiserver/authorization/authorizer.ts'
import { nodeRestriction } from '../../src/apiserver/admission/node-restriction.ts'
import { followedGraph } from '../../src/apiserver/authorization/followed-graph.ts'
import { nodeAuthorizer } from '../../src/apiserver/authorization/node-authorizer.ts'
import { privilegedGroup, unionAuthorizer } from '../../src/apiserver/authorization/union.ts'
import { startTestServer, type Answer, type TestServer } from './support.ts'

const kubelet = { name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] }
const csiNodes = '/apis/storage.k8s.io/v1/csinodes'
const slices = '/apis/resource.k8s.io/v1/resourceslices'
const csiNode = (name: string): JsonObject => ({ metadata: { name }, spec: { drivers: [] } })
const slice = (name: string, nodeName: string): JsonObject => ({ metadata: { name }, spec: { nodeName, driver: 'gpu.example.com', pool: { name: nodeName, generation: 1, resourceSliceCount: 1 }, devices: [] } })

let api: TestServer
beforeAll(async () => { api = await startTestServer({ admission: [nodeRestriction(alwaysAllow)], authorizer: ({ lookup, follow }) => unionAuthorizer(privilegedGroup, nodeAuthorizer(lookup, followedGraph({ follow }))) }) })
afterAll(() => api[Symbol.asyncDispose]())

const asNode = (method: string, path: string, body?: JsonObject): Promise<Answer> => api.ask(method, path, { user: kubelet, ...(body && { body }), ...(method === 'PATCH' && { headers: { 'content-type': 'application/merge-patch+json' } }) })
const label = { metadata: { labels: { a: 'b' } } }
const said = ({ status, body }: Answer): [number, string] => [status, body.message]

describe('CSINode', () => {
  test('of its own', async () => {
    expect((await asNode('POST', csiNodes, csiNode('node-1'))).status).toBe(201)
    expect((await asNode('PATCH', `${csiNodes}/node-1`, label)).status).toBe(200)
    expect((await asNode('GET', `${csiNodes}/node-1`)).status).toBe(200)
    expect((await asNode('DELETE', `${csiNodes}/node-1`)).status).toBe(200)
  })
  test('of another node', async () => {
    expect(said(await asNode('POST', csiNodes, csiNode('node-2')))).toEqual([403, 'csinodes.storage.k8s.io "node-2" is forbidden: can only access CSINode with the same name as the requesting node'])
    expect((await api.ask('POST', csiNodes, { body: csiNode('node-2') })).status).toBe(201)
    for (const method of ['GET', 'PATCH', 'DELETE']) expect(said(await asNode(method, `${csiNodes}/node-2`, method === 'PATCH' ? label : undefined))).toEqual([403, expect.stringMatching(/: can only access CSINode with the same name as the requesting node$/)])
  })
  test('all of them', async () => expect(said(await asNode('GET', csiNodes))).toEqual([403, expect.stringMatching(/: can only get, create, update, patch, or delete a CSINode$/)]))
})

describe('ResourceSlice', () => {
  test('of its own', async () => {
    expect((await asNode('POST', slices, slice('mine', 'node-1'))).status).toBe(201)
    expect((await asNode('PATCH', `${slices}/mine`, label)).status).toBe(200)
    expect((await asNode('GET', `${slices}/mine`)).status).toBe(200)
    expect((await asNode('DELETE', `${slices}/mine`)).status).toBe(200)
  })
  test('of another node', async () => {
    expect(said(await asNode('POST', slices, slice('forged', 'node-2')))).toEqual([403, 'resourceslices.resource.k8s.io "forged" is forbidden: can only create ResourceSlice with the same NodeName as the requesting node'])
    expect((await api.ask('POST', slices, { body: slice('other', 'node-2') })).status).toBe(201)
    for (const method of ['GET', 'PATCH', 'DELETE']) expect((await asNode(method, `${slices}/other`, method === 'PATCH' ? label : undefined)).status).toBe(403)
  })
  test('a collection, of which only its own may go', async () => {
    expect((await asNode('POST', slices, slice('mine', 'node-1'))).status).toBe(201)
    expect(said(await asNode('DELETE', slices))).toEqual([403, expect.stringMatching(/: can only list\/watch\/deletecollection resourceslices with nodeName field selector$/)])
    expect((await asNode('GET', slices)).status).toBe(403)
    expect((await asNode('GET', `${slices}?fieldSelector=spec.nodeName%3Dnode-1`)).status).toBe(200)
    expect((await api.ask('GET', `${slices}/other`)).status).toBe(200)
    expect((await asNode('DELETE', `${slices}?fieldSelector=spec.nodeName%3Dnode-1`)).status).toBe(200)
    expect((await api.ask('GET', `${slices}/mine`)).status).toBe(404)
  })
})
