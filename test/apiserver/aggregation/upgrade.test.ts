/** S1 of the security list: connections that change their protocol on the way to an aggregated server (CVE-2018-1002105). Over real TLS on both sides. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { silent } from '../../../src/apiserver/log.ts'
import { newCertificate, newCertificateAuthority, validFor } from '../../../src/client/pki.ts'
import { type DevServer, startDevServer } from '../../support/dev-server.ts'
import { startWebhookServer, type WebhookServer } from '../webhook-server.ts'

const at = '/apis/wardle.example.com/v1'
const second = `GET ${at}/secrets HTTP/1.1\r\nHost: x\r\nX-Remote-User: admin\r\n\r\n`

let front: DevServer
let behind: WebhookServer
/** What the server behind was sent on connections that were to be upgraded. */
const upgraded: { path: string; user: unknown; certified: boolean; more: string; closed: Promise<void> }[] = []

const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
  const tls = request.socket as TLSSocket
  const one = { path: request.url ?? '', user: request.headers['x-remote-user'], certified: tls.authorized, more: head.toString(), closed: new Promise<void>((resolve) => { socket.once('close', () => resolve()) }) }
  upgraded.push(one)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    one.more += chunk.toString()
    if (!one.path.includes('refuse')) socket.write(`echo ${chunk.toString()}`)
  })
  if (one.path.includes('refuse')) socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nno')
  else socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
}

const send = (method: string, path: string, body?: JsonObject): Promise<{ status: number; text: string }> => new Promise((resolve, reject) => {
  const { hostname, port } = new URL(front.url)
  const request = httpsRequest({ host: hostname, port, path, method, ca: front.ca, cert: front.admin.certificate, key: front.admin.key, agent: false, headers: { 'content-type': 'application/json' } }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('end', () => resolve({ status: response.statusCode ?? 0, text }))
  })
  request.on('error', reject)
  request.end(body && JSON.stringify(body))
})

beforeAll(async () => {
  const validity = validFor(1, new Date())
  const frontCa = await newCertificateAuthority({ commonName: 'front-proxy-ca', validity })
  const frontProxy = await newCertificate(frontCa, { subject: { commonName: 'front-proxy-client' }, usages: ['client auth'], validity })
  behind = await startWebhookServer(() => ({ kind: 'APIResourceList', resources: [] }), { names: ['sample.default.svc'], addresses: [], clientCa: frontCa.certificate, onUpgrade })
  front = await startDevServer({ memory: true, log: silent, server: { aggregation: { frontProxy, resolve: () => ({ host: '127.0.0.1', port: behind.port }) } } })
  while ((await send('GET', '/readyz')).status !== 200) await new Promise((resolve) => { setImmediate(resolve) })
  await send('POST', '/api/v1/namespaces/default/services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'sample' }, spec: { ports: [{ port: 443 }] } })
  await send('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'sample', labels: { 'kubernetes.io/service-name': 'sample' } }, addressType: 'IPv4', endpoints: [{ addresses: ['10.244.0.9'] }], ports: [{ name: '', port: 443 }] })
  await send('POST', '/apis/apiregistration.k8s.io/v1/apiservices', { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.wardle.example.com' },
    spec: { group: 'wardle.example.com', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10, service: { namespace: 'default', name: 'sample' }, caBundle: behind.caBundle } })
  while ((await send('GET', at)).status !== 200) await new Promise((resolve) => { setImmediate(resolve) })
})
beforeEach(() => { upgraded.length = 0 })
afterAll(async () => {
  await front[Symbol.asyncDispose]()
  await behind[Symbol.asyncDispose]()
})

const upgrade = async (path: string, more = ''): Promise<TLSSocket> => {
  const { hostname, port } = new URL(front.url)
  const socket = connectTls({ host: hostname, port: Number(port), ca: front.ca, cert: front.admin.certificate, key: front.admin.key, ALPNProtocols: ['http/1.1'] })
  await once(socket, 'secureConnect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Remote-User: mallory\r\nX-Remote-Group: system:masters\r\n\r\n${more}`)
  return socket
}

const allOf = async (socket: TLSSocket, enough: (text: string) => boolean = () => false): Promise<string> => {
  let text = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text += chunk.toString()
    if (enough(text)) break
  }
  return text
}

test('an agreed upgrade is joined, as the user\'s', async () => {
  const socket = await upgrade(`${at}/shells/one`)
  socket.write('hello')
  expect(await allOf(socket, (text) => text.endsWith('echo hello'))).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*echo hello$/)
  expect(upgraded[0]).toMatchObject({ path: `${at}/shells/one`, user: 'kubernetes-admin', certified: true })
  socket.destroy()
  await upgraded[0]?.closed
})

test.each([['with the first', second, ''], ['after the answer', '', second]])('a refused one ends both connections; a second request that comes %s reaches nobody', async (_when, early, late) => {
  const socket = await upgrade(`${at}/refuse`, early)
  if (late) socket.once('data', () => { socket.write(late, () => undefined) })
  socket.on('error', () => socket.destroy())
  const text = await allOf(socket).catch((error: NodeJS.ErrnoException) => error.code ?? '')
  if (text.startsWith('HTTP')) expect(text).toMatch(/^HTTP\/1\.1 403 [\s\S]*no$/)
  await upgraded[0]?.closed
  expect(upgraded).toHaveLength(1)
  expect(upgraded[0]?.more).toBe('')
  expect(behind.seen.some(({ path }) => path.endsWith('/secrets'))).toBe(false)
})
