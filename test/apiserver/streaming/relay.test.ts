/** What goes on to another server, over real sockets: whose request it is taken for, and what happens to a connection that it did not want to upgrade (CVE-2018-1002105). */
import { EventEmitter, once } from 'node:events'
import { type ClientRequest, request as httpRequest } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { silent } from '../../../src/apiserver/log.ts'
import type { ConnectHandler } from '../../../src/apiserver/streaming/connect-handler.ts'
import { passedHeaders, relayUpgrade } from '../../../src/apiserver/streaming/relay.ts'
import { type DevServer, startDevServer } from '../../support/dev-server.ts'

describe('headers of a request that is handed on', () => {
  for (const [name, headers, passed] of [
    ["the caller's proof of who he is stays here", { authorization: 'Bearer secret', 'proxy-authorization': 'Basic x', accept: 'text/plain' }, { accept: 'text/plain' }],
    ['nobody speaks for another one on our connection', { 'impersonate-user': 'admin', 'impersonate-group': 'system:masters', 'impersonate-uid': '0', 'impersonate-extra-scopes': 'all' }, {}],
    ['nor as a front proxy would', { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters', 'x-remote-uid': '0', 'x-remote-extra-scopes': 'all' }, {}],
    ['what is of one connection only', { connection: 'Upgrade', upgrade: 'websocket', 'transfer-encoding': 'chunked', host: 'here', te: 'trailers', ':path': '/' }, {}],
    ["the program's own", { 'x-request-id': '7', 'x-remoteness': 'far', 'content-type': 'a/b', cookie: 'c=d' }, { 'x-request-id': '7', 'x-remoteness': 'far', 'content-type': 'a/b', cookie: 'c=d' }],
  ] as const) test(name, () => expect(passedHeaders(headers)).toEqual(passed))
})

/** A server that answers the first request of each connection with fixed bytes and writes down all it is sent. */
const backend = (): { server: Server; answer: string; received: string[]; closed: Promise<void>[]; stop(): void } => {
  const received: string[] = []
  const closed: Promise<void>[] = []
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    const index = received.push('') - 1
    closed.push(new Promise((resolve) => { socket.once('close', () => resolve()) }))
    let answered = false
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      received[index] += chunk.toString()
      if (answered) socket.write(`echo ${chunk.toString()}`)
      else if (received[index]?.includes('\r\n\r\n')) { answered = true; socket.write(result.answer) }
    })
  })
  const result = { server, answer: '', received, closed, stop: () => { for (const socket of open) socket.destroy(); server.close() } }
  return result
}

describe('an upgrade that is relayed', () => {
  const behind = backend()
  let front: DevServer
  beforeAll(async () => {
    behind.server.listen(0, '127.0.0.1')
    await once(behind.server, 'listening')
    const { port } = behind.server.address() as AddressInfo
    const relay: ConnectHandler = { resource: 'pods', subresource: 'exec', methods: ['GET'], needsParent: false,
      connect: ({ exchange }) => relayUpgrade(exchange, httpRequest({ host: '127.0.0.1', port, path: '/exec', headers: { ...passedHeaders(exchange.headers), connection: 'Upgrade', upgrade: exchange.upgrade?.protocol ?? '' } })) }
    front = await startDevServer({ memory: true, log: silent, server: { connectHandlers: [relay] } })
  })
  beforeEach(() => { behind.received.length = 0; behind.closed.length = 0 })
  afterAll(async () => {
    behind.stop()
    await front[Symbol.asyncDispose]()
  })

  const upgrade = async (more = ''): Promise<TLSSocket> => {
    const { hostname, port } = new URL(front.url)
    const socket = connectTls({ host: hostname, port: Number(port), ca: front.ca, cert: front.admin.certificate, key: front.admin.key, ALPNProtocols: ['http/1.1'] })
    await once(socket, 'secureConnect')
    socket.write(`GET /api/v1/namespaces/default/pods/a/exec HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n${more}`)
    return socket
  }
  const second = 'GET /runningpods/ HTTP/1.1\r\nHost: kubelet\r\n\r\n'

  for (const [name, answer, status, said] of [
    ['says 200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno', 500, '"message":"invalid upgrade response: status code 200"'],
    ['sends us elsewhere', 'HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 2\r\n\r\nno', 500, '"message":"invalid upgrade response: status code 302"'],
    ['says 404', 'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno', 404, 'no'],
    ['refuses what was asked for', 'HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nno', 400, 'no'],
    ['sends its answer in pieces', 'HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n', 500, 'no'],
  ] as const) {
    for (const [when, early, late] of [['with the first', second, ''], ['after the answer', '', second]] as const) {
      test(`the other side ${name}; a second request comes ${when}: nobody gets it, and both connections end`, async () => {
        behind.answer = answer
        const socket = await upgrade(early)
        let text = ''
        socket.on('data', (chunk: Buffer) => {
          // Writing to a connection that the server has ended already is what an attacker would do; it may fail.
          if (text === '' && late !== '' && socket.writable) socket.write(late)
          text += chunk.toString()
        })
        socket.on('error', () => socket.destroy())
        await once(socket, 'close')
        await Promise.all(behind.closed)
        expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
        expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
        expect(text).toContain(said)
        expect(behind.received).toHaveLength(1)
        expect(behind.received[0]).toMatch(/^GET \/exec HTTP\/1\.1\r\n/)
        expect(behind.received.join('')).not.toContain('runningpods')
      })
    }
  }

  test('the client goes before the other side has said anything: nothing stays open', async () => {
    behind.answer = ''
    const socket = await upgrade()
    await expect.poll(() => behind.received[0]).toContain('GET /exec')
    socket.destroy()
    await Promise.all(behind.closed)
  })

  test('the other side agrees: both are joined, and the end of one ends the other', async () => {
    behind.answer = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'
    const socket = await upgrade()
    const [head] = (await once(socket, 'data')) as [Buffer]
    expect(head.toString()).toMatch(/^HTTP\/1\.1 101 /)
    socket.write('hello')
    const [echoed] = (await once(socket, 'data')) as [Buffer]
    expect(echoed.toString()).toBe('echo hello')
    socket.destroy()
    await Promise.all(behind.closed)
  })
})

test('what comes in pieces goes on in the same pieces, one after the other: each message in a TLS record of its own', async () => {
  const written: string[][] = []
  const client = new Duplex({
    read() { /* the client says nothing */ },
    // The connection takes what has gathered while it was busy in one go, as TLS does.
    write: (chunk: Buffer, _encoding, done) => { written.push([chunk.toString()]); setImmediate(done) },
    writev: (chunks: { chunk: Buffer }[], done) => { written.push(chunks.map(({ chunk }) => chunk.toString())); setImmediate(done) },
  })
  const server = new Duplex({ read() { /* pushed below */ }, write: (_chunk, _encoding, done) => { done() } })
  const request = Object.assign(new EventEmitter(), { end: () => undefined, destroy: () => undefined })
  const exchange = { upgrade: { protocol: 'websocket', take: () => ({ socket: client, head: Buffer.alloc(0) }) }, signal: new AbortController().signal }
  const done = relayUpgrade(exchange as unknown as Parameters<typeof relayUpgrade>[0], request as unknown as ClientRequest)
  request.emit('upgrade', { statusCode: 101, statusMessage: 'Switching Protocols', rawHeaders: ['Upgrade', 'websocket'] }, server, Buffer.from('first'))
  for (const piece of ['second', 'third', 'status', 'close']) server.push(Buffer.from(piece))
  server.push(null)
  await once(client, 'finish')
  client.destroy()
  server.destroy()
  await done
  expect(written).toEqual([['HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'], ['first'], ['second'], ['third'], ['status'], ['close']])
})
