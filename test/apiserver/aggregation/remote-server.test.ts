/** S14 of the security list: what an aggregated server can do to the one that asks it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { frontProxyHeaders } from '../../../src/apiserver/aggregation/front-proxy-headers.ts'
import { discoveredResources } from '../../../src/apiserver/aggregation/remote-discovery.ts'
import { remoteServers } from '../../../src/apiserver/aggregation/remote-server.ts'
import { type Behaviour, startWebhookServer, type WebhookServer } from '../webhook-server.ts'

let behind: WebhookServer
beforeAll(async () => { behind = await startWebhookServer(() => ({})) })
afterAll(() => behind[Symbol.asyncDispose]())

const never = new AbortController().signal
const get = (behave: Behaviour): Promise<string> => {
  behind.behave = behave
  const servers = remoteServers(() => { throw new Error('nobody is resolved') }, undefined)
  return servers.get({ host: '127.0.0.1', port: behind.port }, '/apis/a/v1', { timeoutMs: 400, maxBytes: 1 << 20, signal: never }).then(({ status }) => `status ${status}`, (error: Error) => error.message.replace(/:\d+\//, ':PORT/'))
}

test.each<[string, Behaviour, string]>([
  ['it answers', () => ({ ok: true }), 'status 200'],
  ['a redirect is not followed', (_request, response) => { response.writeHead(302, { location: 'https://127.0.0.1:1/' }).end(); return undefined }, 'status 302'],
  ['it never stops', (_request, response) => {
    const chunk = Buffer.alloc(1 << 18)
    const more = (): void => { while (!response.destroyed && response.write(chunk)); }
    response.on('drain', more)
    more()
    return undefined
  }, 'Get "https://127.0.0.1:PORT/apis/a/v1": the answer is larger than 1048576 bytes'],
  ['it drips', (_request, response) => {
    response.writeHead(200)
    const drip = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(drip))
    return undefined
  }, 'Get "https://127.0.0.1:PORT/apis/a/v1": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'],
  ['it says nothing', () => undefined, 'Get "https://127.0.0.1:PORT/apis/a/v1": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'],
])('%s', async (_name, behave, expected) => expect(await get(behave)).toBe(expected))

test('nobody is there', async () => {
  const servers = remoteServers(() => ({ host: '127.0.0.1', port: 1 }), undefined)
  await expect(servers.get({ host: '127.0.0.1', port: 1 }, '/', { timeoutMs: 5000, maxBytes: 1, signal: never })).rejects.toThrow('Get "https://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused')
})

test('what a header\'s name cannot carry is encoded', () => expect(frontProxyHeaders({ name: 'jane', groups: [], extra: { 'Acme.com/a b%': ['x'], none: [] } })).toEqual({ 'x-remote-user': 'jane', 'x-remote-extra-acme.com%2Fa%20b%25': ['x'] }))

test.each<[string, unknown, unknown[]]>([
  ['no list', { resources: 'x' }, []],
  ['a subresource without its resource', { resources: [{ name: 'a/scale', namespaced: true, kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get'] }] },
    [{ resource: 'a', responseKind: { group: '', version: '', kind: '' }, scope: 'Namespaced', singularResource: '', verbs: [], subresources: [{ subresource: 'scale', responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: ['get'] }] }]],
  ['names of the prototype', { resources: [{ name: '__proto__', kind: 'P', verbs: [] }, { name: 'constructor/x', verbs: ['get'] }] }, [expect.objectContaining({ resource: '__proto__' }), expect.objectContaining({ resource: 'constructor' })]],
])('discovery: %s', (_name, list, expected) => expect(discoveredResources(list as never, { group: 'g', version: 'v1' })).toEqual(expected))
