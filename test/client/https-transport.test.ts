import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type Http2SecureServer, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session, createSecureServer } from 'node:http2'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { httpsTransport } from '../../src/client/https-transport.ts'
import { newCertificate, newCertificateAuthority, validFor } from '../../src/client/pki.ts'
import type { ServerAccess } from '../../src/client/server-access.ts'
import type { ApiRequest } from '../../src/client/transport.ts'
import { text } from '../../src/client/watch.ts'
import { fakeClock } from '../support/fake-clock.ts'

const validity = validFor(1, new Date())
const ca = await newCertificateAuthority({ commonName: 'ca', validity })
const serving = await newCertificate(ca, { subject: { commonName: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity })
const client = await newCertificate(ca, { subject: { commonName: 'me' }, usages: ['client auth'], validity })
const directory = mkdtempSync(path.join(tmpdir(), 'wherry-transport-'))
const closers: (() => unknown)[] = []
afterEach(() => { for (const close of closers.splice(0)) close() })
afterAll(() => rmSync(directory, { recursive: true }))

const get = (at: string, headers: Record<string, string> = {}): ApiRequest => ({ method: 'GET', path: at, headers })
const never = new AbortController().signal

type Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void
const echo: Handler = (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const peer = (request.socket as TLSSocket).getPeerCertificate?.()
    response.writeHead(200, { 'x-version': request.httpVersion })
    response.end(JSON.stringify({ method: request.method, url: request.url, authorization: request.headers['authorization'], peer: peer?.subject?.CN, body: Buffer.concat(chunks).toString() }))
  })
}

const listen = async (server: { listen(port: number, host: string, done: () => void): unknown; address(): unknown; close(): unknown }, port = 0): Promise<number> => {
  await new Promise<void>((resolve) => { server.listen(port, '127.0.0.1', resolve) })
  return (server.address() as AddressInfo).port
}

const http2 = async (handler: Handler, port = 0) => {
  const server: Http2SecureServer = createSecureServer({ ...keyed(serving), ca: ca.certificate, requestCert: true, rejectUnauthorized: false }, handler)
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => { sessions.add(session); session.on('close', () => sessions.delete(session)) })
  const close = () => { for (const session of sessions) session.destroy(); server.close() }
  closers.push(close)
  return { port: await listen(server, port), sessions, close }
}
const keyed = ({ certificate, key }: { certificate: string; key: string }) => ({ cert: certificate, key })
const to = (port: number, access: Partial<ServerAccess> = {}, clock = systemClock) => {
  const transport = httpsTransport({ server: `https://127.0.0.1:${port}`, certificateAuthority: { data: ca.certificate }, ...access }, clock)
  closers.push(() => transport.close())
  return transport
}
const answered = async (transport: ReturnType<typeof to>, request = get('/'), signal = never) => {
  const response = await transport.request(request, signal)
  return { ...response, body: JSON.parse(await text(response.body)) as Record<string, unknown> }
}

describe('HTTP/2', () => {
  test('many requests at once share one connection', async () => {
    const server = await http2(echo)
    const transport = to(server.port)
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => answered(transport, get(`/${index}?watch=true`))))
    expect(answers.map(({ body }) => body['url'])).toEqual(Array.from({ length: 50 }, (_, index) => `/${index}?watch=true`))
    expect(answers[0]?.headers['x-version']).toBe('2.0')
    expect(server.sessions.size).toBe(1)
  })
  test('bodies arrive whole', async () => {
    const transport = to((await http2(echo)).port)
    const body = 'x'.repeat(300_000)
    expect((await answered(transport, { method: 'POST', path: '/', headers: {}, body: Buffer.from(body) })).body).toMatchObject({ method: 'POST', body })
  })
  test('short answers that arrive in one piece are not lost', async () => {
    const transport = to((await http2((_, response) => { response.writeHead(200); response.end('{}') })).port)
    for (let round = 0; round < 20; round++) {
      const responses = await Promise.all(Array.from({ length: 50 }, () => transport.request(get('/'), never)))
      for (const { body } of responses) expect(await text(body)).toBe('{}')
    }
  })
  test('a slow reader gets everything, and holds the sender back meanwhile', async () => {
    const size = 20 << 20
    let sent = 0
    const transport = to((await http2((_, response) => {
      response.writeHead(200)
      const write = (): void => {
        while (sent < size) { sent += 1 << 16; if (!response.write(Buffer.alloc(1 << 16))) return void response.once('drain', write) }
        response.end()
      }
      write()
    })).port)
    const { body } = await transport.request(get('/'), never)
    const iterator = body[Symbol.asyncIterator]()
    let read = ((await iterator.next()).value as Uint8Array).byteLength
    for (let before = -1; before !== sent;) { before = sent; await new Promise((resolve) => { setTimeout(resolve, 50) }) }
    expect(sent).toBeLessThan(size / 2)
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) read += next.value.byteLength
    expect(read).toBe(size)
  })
  test('a second connection when the server limits streams', async () => {
    const held: Http2ServerResponse[] = []
    const server = createSecureServer({ ...keyed(serving), settings: { maxConcurrentStreams: 2 } }, (_, response) => { held.push(response); response.writeHead(200); response.write('{') })
    closers.push(() => server.close())
    let sessions = 0
    server.on('session', () => { sessions++ })
    const transport = to(await listen(server))
    const responses = []
    for (let index = 0; index < 5; index++) responses.push(await transport.request(get('/'), never))
    expect(sessions).toBe(3)
    for (const each of held) each.end('}')
    for (const response of responses) expect(await text(response.body)).toBe('{}')
  })
  test('a prefix in the address of the server stands before every path', async () => {
    const { port } = await http2(echo)
    expect((await answered(to(port, { server: `https://127.0.0.1:${port}/k8s/one/` }), get('/api'))).body['url']).toBe('/k8s/one/api')
  })
})

describe('who we are', () => {
  test('a client certificate', async () => {
    const { port } = await http2(echo)
    expect((await answered(to(port, { clientCertificate: { data: client.certificate }, clientKey: { data: client.key } }))).body['peer']).toBe('me')
  })
  test('a token in a file, read again after a minute and after 401', async () => {
    let status = 200
    const { port } = await http2((request, response) => { response.writeHead(status); response.end(JSON.stringify({ authorization: request.headers['authorization'] })) })
    const file = path.join(directory, 'token')
    writeFileSync(file, 'first\n')
    const clock = fakeClock()
    const transport = to(port, { token: { file } }, clock)
    const token = async () => (await answered(transport)).body['authorization']
    expect(await token()).toBe('Bearer first')
    writeFileSync(file, 'second\n')
    expect(await token()).toBe('Bearer first')
    await clock.advance(60_000)
    expect(await token()).toBe('Bearer second')
    writeFileSync(file, 'third\n')
    status = 401
    expect(await token()).toBe('Bearer second')
    expect(await token()).toBe('Bearer third')
  })
  test('user and password', async () => {
    const { port } = await http2(echo)
    expect((await answered(to(port, { basic: { username: 'a', password: 'b' } }))).body['authorization']).toBe('Basic YTpi')
  })
})

describe('when the line breaks', () => {
  test('nobody listens: ConnectionError that names the server; a later request connects', async () => {
    const first = await http2(echo)
    first.close()
    const transport = to(first.port)
    await expect(transport.request(get('/'), never)).rejects.toMatchObject({ name: 'ConnectionError', message: expect.stringContaining(`cannot reach https://127.0.0.1:${first.port}: connect ECONNREFUSED`) as string })
    await http2(echo, first.port)
    expect((await answered(transport)).status).toBe(200)
  })
  test('a server that is just starting: who asked before it listened has an answer', async () => {
    const before = await http2(echo)
    before.close()
    const { promise: refused, resolve } = Promise.withResolvers<void>()
    const early = answered(to(before.port, {}, { ...systemClock, sleep: (milliseconds, signal) => { resolve(); return systemClock.sleep(milliseconds, signal) } }))
    await refused
    await http2(echo, before.port)
    expect((await early).status).toBe(200)
  })
  test('a server that dies in the middle of a body: ConnectionError from the body, then a new connection', async () => {
    const server = await http2((_, response) => { response.writeHead(200); response.write('{"a"') })
    const transport = to(server.port)
    const { body } = await transport.request(get('/'), never)
    const reading = text(body)
    server.close()
    await expect(reading).rejects.toMatchObject({ name: 'ConnectionError' })
    await http2(echo, server.port)
    expect((await answered(transport)).status).toBe(200)
  })
  test('an unknown authority', async () => {
    const { port } = await http2(echo)
    const other = await newCertificateAuthority({ commonName: 'other', validity })
    await expect(to(port, { certificateAuthority: { data: other.certificate } }).request(get('/'), never)).rejects.toMatchObject({ name: 'ConnectionError', message: expect.stringContaining('certificate') as string })
  })
  test('an unknown authority that we need not verify', async () => {
    const { port } = await http2(echo)
    expect((await answered(to(port, { certificateAuthority: { data: (await newCertificateAuthority({ commonName: 'other', validity })).certificate }, insecureSkipTlsVerify: true }))).status).toBe(200)
  })
})

describe('aborting', () => {
  test('closes the stream, not the connection', async () => {
    let closed = (): void => {}
    const closing = new Promise<void>((resolve) => { closed = resolve })
    const server = await http2((request, response) => { if (request.url === '/watch') { response.writeHead(200); response.write('{}\n'); response.stream.on('close', closed) } else echo(request, response) })
    const transport = to(server.port)
    const stop = new AbortController()
    const { body } = await transport.request(get('/watch'), stop.signal)
    const iterator = body[Symbol.asyncIterator]()
    expect(Buffer.from((await iterator.next()).value as Uint8Array).toString()).toBe('{}\n')
    const next = iterator.next()
    stop.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    await closing
    expect((await answered(transport)).status).toBe(200)
    expect(server.sessions.size).toBe(1)
  })
  test('before the head: rejects with the reason', async () => {
    const transport = to((await http2(() => {})).port)
    const stop = new AbortController()
    const asked = transport.request(get('/'), stop.signal)
    stop.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
  })
  test('a reader who leaves early closes the stream', async () => {
    let closed = (): void => {}
    const closing = new Promise<void>((resolve) => { closed = resolve })
    const transport = to((await http2((_, response) => { response.writeHead(200); response.write('{}\n'); response.stream.on('close', closed) })).port)
    for await (const chunk of (await transport.request(get('/'), never)).body) { expect(chunk.byteLength).toBe(3); break }
    await closing
  })
})

describe('HTTP/1.1', () => {
  test('where the server offers no h2', async () => {
    const server = createHttps({ ...keyed(serving), ca: ca.certificate, requestCert: true, rejectUnauthorized: false }, echo as never)
    closers.push(() => { server.closeAllConnections(); server.close() })
    const transport = to(await listen(server), { clientCertificate: { data: client.certificate }, clientKey: { data: client.key } })
    for (const body of ['one', 'two']) {
      const answer = await answered(transport, { method: 'POST', path: '/x', headers: {}, body: Buffer.from(body) })
      expect([answer.headers['x-version'], answer.body]).toEqual(['1.1', { method: 'POST', url: '/x', peer: 'me', body }])
    }
  })
  test('in clear, for a local proxy', async () => {
    const server = createHttp(echo as never)
    closers.push(() => { server.closeAllConnections(); server.close() })
    expect((await answered(to(0, { server: `http://127.0.0.1:${await listen(server)}` }))).body['url']).toBe('/')
  })
  test('aborting closes the connection of that request', async () => {
    const server = createHttp((_, response) => { response.writeHead(200); response.write('{}\n') })
    closers.push(() => { server.closeAllConnections(); server.close() })
    const stop = new AbortController()
    const { body } = await to(0, { server: `http://127.0.0.1:${await listen(server)}` }).request(get('/'), stop.signal)
    const reading = text(body)
    stop.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
  })
})

test('an address that is no URL is refused at once', () => {
  expect(() => httpsTransport({ server: '10.0.0.1:6443' }, systemClock)).toThrow('the server\'s address "10.0.0.1:6443" is no https:// or http:// URL')
})
