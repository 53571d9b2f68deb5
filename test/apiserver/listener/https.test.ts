import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { Agent, request as requestHttp1 } from 'node:https'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silent } from '../../../src/apiserver/log.ts'
import type { ConnectHandler } from '../../../src/apiserver/streaming/connect-handler.ts'
import { type DevServer, startDevServer } from '../../support/dev-server.ts'
import { configMap, configMaps } from '../support.ts'

let server: DevServer
const echo: ConnectHandler = {
  resource: 'pods', subresource: 'exec', methods: ['GET', 'POST'], needsParent: false,
  connect: ({ exchange }) => {
    const upgrade = exchange.upgrade?.take()
    if (!upgrade) throw new Error('no upgrade')
    upgrade.socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n')
    upgrade.socket.pipe(upgrade.socket)
    return new Promise((resolve) => upgrade.socket.once('close', () => resolve()))
  },
}
beforeAll(async () => { server = await startDevServer({ memory: true, log: silent, server: { connectHandlers: [echo] } }) })
afterAll(() => server[Symbol.asyncDispose]())

interface Answer { status: number; headers: Record<string, string | string[] | undefined>; body: string }
interface Ask { body?: string; anonymous?: boolean }

const identity = (anonymous = false): { ca: string; cert?: string; key?: string } => ({ ca: server.ca, ...(!anonymous && { cert: server.admin.certificate, key: server.admin.key }) })

const http2 = async (method: string, path: string, { body, anonymous }: Ask = {}): Promise<Answer> => {
  const session = connectHttp2(server.url, identity(anonymous))
  const stream = session.request({ ':method': method, ':path': path, 'content-type': 'application/json' })
  const [headers] = (await Promise.all([once(stream, 'response'), stream.end(body)]))[0] as [Record<string, string>]
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  session.close()
  return { status: Number(headers[':status']), headers, body: Buffer.concat(chunks).toString() }
}

const http1 = async (method: string, path: string, { body, anonymous }: Ask = {}): Promise<Answer> => {
  const request = requestHttp1(`${server.url}${path}`, { method, ...identity(anonymous), agent: new Agent({ keepAlive: false }), headers: { 'content-type': 'application/json' } })
  request.end(body)
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() }
}

for (const [name, ask] of [['HTTP/2', http2], ['HTTP/1.1', http1]] as const) {
  describe(name, () => {
    const object = name === 'HTTP/2' ? 'two' : 'one'
    test('an object is created and read, once each', async () => {
      const created = await ask('POST', configMaps, { body: JSON.stringify(configMap(object)) })
      expect([created.status, created.headers['content-type']]).toEqual([201, 'application/json'])
      expect((await ask('GET', `${configMaps}/${object}`)).body).toBe(created.body)
    })
    test('who brings no certificate: 401', async () => expect(await ask('GET', configMaps, { anonymous: true })).toMatchObject({ status: 401, body: expect.stringContaining('"reason":"Unauthorized"') }))
    test('a body that is too large is refused without being read to its end', async () => expect((await ask('POST', configMaps, { body: 'x'.repeat(3 * 1024 * 1024 + 1) })).status).toBe(413))
    test('warnings arrive', async () => expect((await ask('POST', `${configMaps}?dryRun=All`, { body: JSON.stringify({ ...configMap('w'), wrong: 1 }) })).headers['warning']).toBe('299 - "unknown field \\"wrong\\""'))
    test('HEAD has no body', async () => expect(await ask('HEAD', `${configMaps}/${object}`)).toMatchObject({ status: 200, body: '' }))
  })
}

test('a certificate of another authority is nobody', async () => {
  await using other = await startDevServer({ memory: true, log: silent })
  const session = connectHttp2(server.url, { ca: server.ca, cert: other.admin.certificate, key: other.admin.key })
  const stream = session.request({ ':path': configMaps })
  const [headers] = (await once(stream, 'response')) as [Record<string, string>]
  expect(headers[':status']).toBe(401)
  session.destroy()
})

test('a watch streams over HTTP/2, and ends when the server stops', async () => {
  const own = await startDevServer({ memory: true, log: silent })
  const session = connectHttp2(own.url, { ca: own.ca, cert: own.admin.certificate, key: own.admin.key })
  const stream = session.request({ ':path': `${configMaps}?watch=true&resourceVersion=0` })
  await once(stream, 'response')
  const create = session.request({ ':method': 'POST', ':path': configMaps, 'content-type': 'application/json' })
  create.resume()
  create.end(JSON.stringify(configMap('seen')))
  const [first] = (await once(stream, 'data')) as [Buffer]
  expect(JSON.parse(first.toString())).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'seen' } } })
  stream.resume()
  const ended = once(stream, 'end')
  await own[Symbol.asyncDispose]()
  await ended
  expect(stream.rstCode).toBe(0)
})

const upgradeHead = 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'
const rawConnection = async (anonymous = false): Promise<import('node:tls').TLSSocket> => {
  const { hostname, port } = new URL(server.url)
  const socket = connectTls({ host: hostname, port: Number(port), ...identity(anonymous), ALPNProtocols: ['http/1.1'] })
  await once(socket, 'secureConnect')
  return socket
}

test('an upgrade hands the connection over', async () => {
  const socket = await rawConnection()
  socket.write(`GET /api/v1/namespaces/default/pods/a/exec HTTP/1.1\r\n${upgradeHead}`)
  const [head] = (await once(socket, 'data')) as [Buffer]
  expect(head.toString()).toMatch(/^HTTP\/1\.1 101 /)
  socket.write('hello')
  const [echoed] = (await once(socket, 'data')) as [Buffer]
  expect(echoed.toString()).toBe('hello')
  socket.destroy()
})

test('an upgrade that is refused ends the connection: nothing can follow on it', async () => {
  const socket = await rawConnection(true)
  socket.write(`GET /api/v1/namespaces/default/pods/a/exec HTTP/1.1\r\n${upgradeHead}GET /api/v1/secrets HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  expect(text).toMatch(/^HTTP\/1\.1 401 /)
  expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1)
})
